"""JSON that PostgreSQL and every browser can take: no NaN, no infinity, no NUL bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

NUL = "\0"


def clean_json(value: Any) -> Any:
    """A copy in which numbers that are not finite are None and NUL bytes are U+FFFD.

    One stored NaN was seen to break every list that shows it, and jsonb refuses NUL. Tuples become lists, numpy
    scalars become Python's own.
    """
    if isinstance(value, str):
        return value.replace(NUL, "\N{REPLACEMENT CHARACTER}")
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {clean_json(str(key)): clean_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean_json(item) for item in value]
    if hasattr(value, "item"):
        return clean_json(value.item())
    return clean_json(str(value))
