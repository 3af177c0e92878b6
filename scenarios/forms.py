"""What people type on the catalogue's pages, as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from scenarios.core.types import Json


def typed_value(text: str, schema: Mapping[str, Any]) -> Json:
    """What a person typed for one parameter, as the schema's type; text that is none of it stays text."""
    for choice in schema.get("enum", ()):
        if str(choice) == text:
            return choice
    if schema.get("type", "string") == "string":
        return text
    try:
        value = json.loads(text, parse_constant=lambda name: name)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(value, int) and abs(value) >= 2**53 else value
