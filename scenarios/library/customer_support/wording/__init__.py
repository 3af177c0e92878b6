"""How users word what they want: hand-written phrases, one JSON file per split, no phrase in two splits.

A file holds `phrases` (intent or article id -> phrases; `{slots}` are filled from the task) and the fragments around
them: `greetings`, `signoffs`, `chatter`, `joins` (before a second need), `details` and `replies` (by detail),
`nothing` (the answer to a question that has no answer).
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from scenarios.core.types import Split

_SLOT = re.compile(r"\{(\w+)\}")

ALWAYS = frozenset({"name", "first", "company", "device"})
"""Slots that a phrase may use whatever the user tells."""


@lru_cache(maxsize=3)
def book(split: Split) -> dict[str, Any]:
    """Everything that a split can say."""
    path = Path(__file__).with_name(f"{split}.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def slots(phrase: str) -> frozenset[str]:
    """The slots that a phrase fills in, other than those that are always there."""
    return frozenset(_SLOT.findall(phrase)) - ALWAYS


@lru_cache(maxsize=4096)
def phrases(split: Split, intent: str, told: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The phrases of an intent that mention no detail beyond those told."""
    return tuple(phrase for phrase in book(split)["phrases"][intent] if slots(phrase) <= told)


@lru_cache(maxsize=64)
def fragments(split: Split, part: str, detail: str = "") -> tuple[str, ...]:
    """The fragments of one part, such as `greetings`, or `details` of one detail."""
    found = book(split)[part]
    return tuple(found[detail] if detail else found)


@lru_cache(maxsize=3)
def how_to_topics(split: Split) -> tuple[str, ...]:
    """The articles that how-to questions of a split ask for."""
    return tuple(key for key in book(split)["phrases"] if key.startswith("KB-"))


@lru_cache(maxsize=3)
def every(split: Split) -> frozenset[str]:
    """All phrases and fragments of a split."""

    def leaves(part: Any) -> list[str]:
        if isinstance(part, str):
            return [part]
        return [
            leaf
            for item in (part.values() if isinstance(part, dict) else part)
            for leaf in leaves(item)
        ]

    return frozenset(leaves(book(split)))
