"""Wording on file: what a split can say, as JSON beside the scenario's code."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from scenarios.core.types import Split


@lru_cache(maxsize=64)
def book(folder: Path, split: Split) -> dict[str, Any]:
    """Everything that a split can say: `<split>.json` in this folder."""
    found: dict[str, Any] = json.loads((folder / f"{split}.json").read_text(encoding="utf-8"))
    return found


@lru_cache(maxsize=64)
def every(folder: Path, split: Split) -> frozenset[str]:
    """All phrases and fragments of a split, however they are nested."""
    return frozenset(_texts(book(folder, split)))


def _texts(part: Any) -> list[str]:
    if isinstance(part, str):
        return [part]
    inner = part.values() if isinstance(part, dict) else part
    return [text for item in inner for text in _texts(item)]
