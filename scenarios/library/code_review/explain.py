"""Explanations of findings: texts that name the line, the rule, the consequence and a repair, and that can be checked.

The repair is written so that a reader, and `outcome`, can carry it out:

    line 7 becomes `x = 1`         lines 7-8 become `x = 1 ⏎ y = 2`        drop line 7, drop lines 7-8
    after line 7 add `y = 2`       import with `import os`
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from scenarios.library.code_review import engines, fixes
from scenarios.library.code_review.engines import KEPT, Found
from scenarios.library.code_review.rules import NOTES, RULES
from scenarios.library.code_review.source import Piece, Source, module

CLEAN, STILL, OTHER, BROKEN = "clean", "still found", "other finding", "broken"
"""What comes of a repair: the finding is gone and no other is there; it is not; another is; it cannot be carried out."""

_BREAK = " ⏎ "
_STEP = re.compile(
    r"lines? (?P<a>\d+)(?:-(?P<b>\d+))? becomes? `(?P<new>[^`]*)`|drop lines? (?P<c>\d+)(?:-(?P<d>\d+))?"
    r"|after line (?P<e>\d+) add `(?P<add>[^`]*)`|import with `(?P<import>[^`]*)`"
)


@dataclass(frozen=True, slots=True)
class Step:
    """Lines `first` to `last` of the file become `new`. last < first: inserted before `first`. first 0: an import."""

    first: int
    last: int
    new: tuple[str, ...]


def text(rule: str, line: int, steps: tuple[Step, ...], *, reason: bool = True) -> str:
    """The explanation of one finding. reason: whether the consequence is told."""
    known = RULES[rule]
    why = known.why if reason else f"Found by {known.engine}; see its documentation."
    repair = f"Fix: {'; '.join(map(_written, steps))}." if steps else "No fix is offered."
    return f"Line {line}, {known.code} {rule}: {why} {repair}"


def _written(step: Step) -> str:
    code = f"`{_BREAK.join(step.new)}`"
    if step.first == 0:
        return f"import with {code}"
    if step.last < step.first:
        return f"after line {step.last} add {code}"
    which = f"line {step.first}" if step.first == step.last else f"lines {step.first}-{step.last}"
    if not step.new:
        return f"drop {which}"
    return f"{which} become{'s' if step.first == step.last else ''} {code}"


def read(explanation: str) -> tuple[Step, ...]:
    """The steps of the repair that an explanation describes."""
    _, _, repair = explanation.partition(" Fix: ")
    return tuple(_step(match) for match in _STEP.finditer(repair))


def _step(match: re.Match[str]) -> Step:
    if match["import"]:
        return Step(0, 0, (match["import"],))
    if match["e"]:
        return Step(int(match["e"]) + 1, int(match["e"]), tuple(match["add"].split(_BREAK)))
    first = int(match["a"] or match["c"])
    last = int(match["b"] or match["d"] or first)
    return Step(first, last, tuple(match["new"].split(_BREAK)) if match["new"] is not None else ())


def repairs(source: Source, number: int, found: Found) -> tuple[tuple[Step, ...], ...]:
    """The ways to repair a finding of a piece, as steps in the file."""
    piece = source.pieces[number]
    return tuple(
        tuple(_moved(source, number, step) for step in steps) for steps in _repairs(piece, found)
    )


def _moved(source: Source, number: int, step: Step) -> Step:
    """A step in a piece as a step in the file."""
    if step.first > 0:
        down = source.start(number) - 1
        return Step(step.first + down, step.last + down, step.new)
    if step.new:
        return step
    line = source.import_line(source.pieces[number].imports[-step.first])
    return Step(line, line, ())


@lru_cache(maxsize=KEPT)
def _repairs(piece: Piece, found: Found) -> tuple[tuple[Step, ...], ...]:
    return tuple(tuple(_steps(piece, new)) for new in fixes.ways(piece.text, found))


def _steps(piece: Piece, new: str) -> Iterator[Step]:
    """Lines count from the first one of the body; to drop the import number n, `first` is -n and nothing is new."""
    after = new.rstrip("\n").split("\n")
    imports = [line for line in after if line.startswith(("import ", "from "))]
    for line in imports:
        if line not in piece.imports:
            yield Step(0, 0, (line,))
    for number, line in enumerate(piece.imports):
        if line not in imports:
            yield Step(-number, -number, ())
    below = after[len(imports) :]
    body = below[next((i for i, line in enumerate(below) if line), len(below)) :]
    changes = difflib.SequenceMatcher(None, piece.body, body, autojunk=False).get_opcodes()
    for what, i, j, k, m in changes:
        if what != "equal":
            yield Step(1 + i, j, tuple(body[k:m]))


def outcome(source: Source, explanation: str, rule: str, line: int) -> str:
    """What really comes of the repair in an explanation: it is carried out, and the rule's tool looks again."""
    steps = read(explanation)
    number = _place(source, line)
    if not steps or number is None:
        return BROKEN
    piece = source.pieces[number]
    body = _applied(source, number, steps)
    if body is None:
        return BROKEN
    dropped = {s.first for s in steps if s.first and not s.new}
    imports = {i for i in piece.imports if source.import_line(i) not in dropped}
    imports |= {code for s in steps if s.first == 0 for code in s.new}
    return _judged(piece, module(tuple(sorted(imports)), body), rule)


def _place(source: Source, line: int) -> int | None:
    """The number of the piece that a line of the file belongs to."""
    for number, piece in enumerate(source.pieces):
        if source.start(number) <= line < source.start(number) + len(piece.body):
            return number
    imported = source.lines[line - 1]
    return next((n for n, piece in enumerate(source.pieces) if imported in piece.imports), None)


def _applied(source: Source, number: int, steps: tuple[Step, ...]) -> tuple[str, ...] | None:
    """The piece's body after the steps; None where one lies outside of the piece."""
    body = list(source.pieces[number].body)
    start = source.start(number)
    inside = [s for s in steps if s.first >= start]
    for step in sorted(inside, key=lambda s: -s.first):
        if step.last > start + len(source.pieces[number].body) - 1:
            return None
        body[step.first - start : step.last + 1 - start] = step.new
    return tuple(body)


@lru_cache(maxsize=KEPT)
def _judged(piece: Piece, new: str, rule: str) -> str:
    try:
        ast.parse(new)
    except SyntaxError:
        return BROKEN
    tool = RULES[rule].tool
    before = [f.rule for f in engines.look(tool, piece.text)]
    after = [f.rule for f in engines.look(tool, new)]
    if after.count(rule) >= before.count(rule):
        return STILL
    grown = [r for r in set(after) if after.count(r) > before.count(r) and r not in NOTES]
    return OTHER if grown else CLEAN


def complete(source: Source, explanation: str, rule: str, line: int) -> bool:
    """Whether an explanation names rule, line and consequence, and a repair that really removes the finding."""
    known = RULES[rule]
    named = explanation.startswith(f"Line {line}, ") and known.code in explanation
    told = named and known.why in explanation
    return told and outcome(source, explanation, rule, line) == CLEAN
