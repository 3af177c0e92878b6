"""How users word what they want: hand-written phrases, one JSON file per split, no phrase in two splits.

A file holds `phrases` (intent or article id -> phrases; `{slots}` are filled from the task) and the fragments around
them: `greetings`, `signoffs`, `chatter`, `joins` (before a second need), `details` and `replies` (by detail),
`nothing` (the answer to a question that has no answer).
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from scenarios.core import wording
from scenarios.core.types import Split

_HERE = Path(__file__).parent
_SLOT = re.compile(r"\{(\w+)\}")

ALWAYS = frozenset({"name", "first", "company", "device"})
"""Slots that a phrase may use whatever the user tells."""


def book(split: Split) -> dict[str, Any]:
    """Everything that a split can say."""
    return wording.book(_HERE, split)


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


def every(split: Split) -> frozenset[str]:
    """All phrases and fragments of a split."""
    return wording.every(_HERE, split)
