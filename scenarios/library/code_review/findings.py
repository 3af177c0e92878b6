"""What the tools tell of a file: findings with a line, a rule, what surrounds the place, and a ready explanation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from scenarios.core.types import Json, Split
from scenarios.library.code_review import context, engines, explain, fixes
from scenarios.library.code_review.engines import Found
from scenarios.library.code_review.rules import NOTES, RULES, Kind, Lacks
from scenarios.library.code_review.source import FileKind, Piece, Source
from scenarios.library.code_review.units import CLEAN, DEFECTS, DOUBLES

CODE_TOOLS: tuple[str, ...] = engines.TOOLS
"""The tools that look at the code."""


@dataclass(frozen=True, slots=True)
class Finding:
    """case: the rule and what surrounds the place, in a few words. marked: whether a comment silences the rule here.

    lacks: what the explanation does not say. piece, found: where it comes from.
    """

    line: int
    rule: str
    case: str
    kind: Kind
    marked: str
    lacks: Lacks
    explanation: str
    piece: int
    found: Found

    @property
    def key(self) -> tuple[int, Kind]:
        """By what a report is matched with it."""
        return self.line, self.kind

    def as_json(self) -> dict[str, Json]:
        return {
            "line": self.line,
            "rule": self.rule,
            "case": self.case,
            "kind": self.kind,
            "marked": self.marked,
            "lacks": self.lacks or "nothing",
            "explanation": self.explanation,
        }


@lru_cache(maxsize=2048)
def findings(source: Source) -> Mapping[str, tuple[Finding, ...]]:
    """By tool, in the order of the lines."""
    told = {}
    for tool in CODE_TOOLS:
        found: dict[tuple[int, str], Finding] = {}
        for number, piece in enumerate(source.pieces):
            for each in engines.look(tool, piece.text):
                line = source.line_of(number, each.line)
                found.setdefault((line, each.rule), _finding(source, number, each, line))
        told[tool] = tuple(found[key] for key in sorted(found))
    return told


def _finding(source: Source, number: int, found: Found, line: int) -> Finding:
    rule = RULES[found.rule]
    text = source.pieces[number].text
    marked = context.mark(text, found.line)
    ways = () if rule.lacks == "fix" else explain.repairs(source, number, found)
    told = explain.text(rule.name, line, ways[0] if ways else (), reason=rule.lacks != "reason")
    case = case_of(text, found, source.kind)
    return Finding(line, rule.name, case, rule.kind, marked, rule.lacks, told, number, found)


def case_of(text: str, found: Found, kind: FileKind) -> str:
    """The rule, and what surrounds its finding in a text."""
    if context.mark(text, found.line) == "with reason":
        return f"{found.rule} excused"
    fact = context.fact(found.rule, text, found.line, kind)
    return f"{found.rule} {fact}".strip()


def explanations(source: Source, finding: Finding) -> tuple[tuple[str, str], ...]:
    """All full explanations of a finding, one for each way to repair it, with what comes of the repair."""
    ways = explain.repairs(source, finding.piece, finding.found)
    texts = [explain.text(finding.rule, finding.line, steps) for steps in ways]
    return tuple((t, explain.outcome(source, t, finding.rule, finding.line)) for t in texts)


@lru_cache(maxsize=1)
def defect_cases() -> frozenset[str]:
    """The cases that are defects by the rules of the house; all other findings are meant so, or do not matter."""
    return frozenset(case for unit, case in _cases() if unit)


def _cases() -> list[tuple[bool, str]]:
    told = []
    for unit in (*DEFECTS, *DOUBLES):
        piece = unit.piece("entry")
        main = (f for f in engines.look(RULES[unit.rule].tool, piece.text) if f.rule == unit.rule)
        told += [(unit.defect, case_of(piece.text, f, kind)) for f in main for kind in unit.where]
    return told


def is_defect(finding: Finding) -> bool:
    return finding.rule not in NOTES and finding.case in defect_cases()


@lru_cache(maxsize=3)
def warm(split: Split, nouns: tuple[str, ...]) -> None:
    """Ask ruff about everything that a split can show, and about its repairs: two calls in place of thousands."""
    pieces = [u.piece(n) for u in (*DEFECTS, *DOUBLES, *CLEAN[split]) for n in (*nouns, "entry")]
    engines.prime(piece.text for piece in pieces)
    engines.prime(new for piece in pieces for new in _repaired(piece))


def _repaired(piece: Piece) -> list[str]:
    return [new for f in engines.ruff(piece.text) for new in fixes.ways(piece.text, f)]
