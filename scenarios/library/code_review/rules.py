"""The catalogue of rules: which tool finds what by which rule, what kind of issue that is, and what follows from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Engine = Literal["ruff", "pyflakes", "bandit", "own"]
Kind = Literal["bug", "security", "performance", "style"]
Lacks = Literal["", "fix", "reason"]

KINDS: tuple[Kind, ...] = ("bug", "security", "performance", "style")


@dataclass(frozen=True, slots=True)
class Rule:
    """name: short and in words. code: what the engine calls it. why: the consequence of a breach.

    lacks: what the tool's own finding does not say: a `fix` (`suggest_improvements` does) or a `reason`
    (`search_documentation` does).
    """

    name: str
    tool: str
    engine: Engine
    code: str
    kind: Kind
    lacks: Lacks
    why: str


def _load() -> dict[str, Rule]:
    text = (Path(__file__).parent / "rules.json").read_text(encoding="utf-8")
    return {name: Rule(name, **entry) for name, entry in json.loads(text).items()}


RULES: Mapping[str, Rule] = _load()
BY_CODE: Mapping[str, Rule] = {rule.code: rule for rule in RULES.values()}
NOTES = frozenset({"subprocess-call", "partial-path", "import-pickle", "import-subprocess", "import-xml", "long-line"})  # fmt: skip
"""What is said of harmless code too and never an issue by itself."""


def codes(engine: Engine) -> tuple[str, ...]:
    """The codes that one engine is asked for."""
    return tuple(rule.code for rule in RULES.values() if rule.engine == engine)
