"""What a task is: a file with planted defects, and the rounds of checks and repairs that make it ready to merge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scenarios.core.draws import Draws
from scenarios.core.tasks import AnyOf, Milestone, Task
from scenarios.core.types import SPLITS, Difficulty, Split
from scenarios.library.collaborative_coding import checks
from scenarios.library.collaborative_coding.defects import (
    Lines,
    Patch,
    slips,
    style_faults,
    suggested,
)
from scenarios.library.collaborative_coding.functions import FUNCTIONS
from scenarios.library.collaborative_coding.functions.function import Function
from scenarios.library.collaborative_coding.wording import MODULES, SECRETS, SHADOWED, UNUSED

DEFECTS: Mapping[Difficulty, tuple[int, int]] = {"easy": (1, 1), "medium": (1, 2), "hard": (2, 3)}
SIZE: Mapping[Difficulty, tuple[int, int]] = {"easy": (2, 2), "medium": (2, 3), "hard": (3, 4)}
"""Functions in a file, fewest and most."""
KINDS = ("import", "constant", "style", "slip")
"""Where a defect is: in line 1, in line 2, in the way a line is written, in what it does."""


@dataclass(frozen=True, slots=True)
class File:
    """The hidden side of a task. original: without defects. planted: line -> what it should say."""

    module: str
    functions: tuple[Function, ...]
    original: Lines
    start: Lines
    planted: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Round:
    """What one look at a file brings: the first finding of the reviewer, the first failing test, where they are."""

    finding: checks.Finding | None
    failed: str
    failed_line: int


def look(lines: Lines, file: File) -> Round:
    """What reviewer and tester would report of this content."""
    source = "\n".join(lines)
    findings = (*checks.lint(source), *checks.inspect(source))
    failed = checks.failing(source, "\n".join(file.original), file.functions)
    line = checks.line_of(source, failed[0]) if failed else 0
    return Round(findings[0] if findings else None, failed[0] if failed else "", line)


def make_task(key: str, split: Split, difficulty: Difficulty, seed: int) -> Task:
    """The task of this seed."""
    draws = Draws(np.random.default_rng([seed, SPLITS.index(split), 12]))
    module = draws.pick(MODULES[split])
    drawn = draws.sample(FUNCTIONS[split], draws.between(*SIZE[difficulty]))
    planting = _Planting(draws, split, tuple(function.of(module) for function in drawn))
    count = draws.between(*DEFECTS[difficulty])
    for kind in draws.shuffled(KINDS):
        if len(planting.planted) < count:
            planting.plant(kind)
    file = File(
        module, planting.functions, planting.original, planting.lines, dict(planting.planted)
    )
    kinds = "+".join(sorted(planting.kinds))
    return Task(key, split, difficulty, seed, kinds, _plan(file), payload=file)


class _Planting:
    """A file while defects are planted in it: at most one in a function, so that none hides another's repair."""

    def __init__(self, draws: Draws, split: Split, functions: tuple[Function, ...]) -> None:
        self.draws, self.split, self.functions = draws, split, functions
        body = [line for function in functions for line in (*function.lines, "", "")]
        self.original: Lines = ("", "", *body[:-2])
        self.lines = self.original
        self.planted: dict[int, str] = {}
        """Line -> what it said."""
        self.kinds: list[str] = []
        self._used: set[int] = set()
        """Where functions begin that have a defect."""

    def plant(self, kind: str) -> None:
        """A defect of this kind, where there is a place for it."""
        if kind == "import":
            self._put(kind, Patch(1, f"import {self.draws.pick(UNUSED[self.split])}"))
        elif kind == "constant":
            self._put(kind, Patch(2, self._constant()))
        else:
            found = style_faults(self.lines) if kind == "style" else slips(self.lines)
            # Trying a place out costs milliseconds; one that fits is enough.
            for patch in self.draws.shuffled(list(found)):
                if self._fits(kind, patch):
                    self._used.add(_head(self.original, patch.line))
                    self._put(kind, patch)
                    return

    def _put(self, kind: str, patch: Patch) -> None:
        self.planted[patch.line] = self.original[patch.line - 1]
        self.lines = patch.apply(self.lines)
        self.kinds.append(kind)

    def _constant(self) -> str:
        draws, split = self.draws, self.split
        return draws.pick(
            (
                f'label = f"{draws.pick(MODULES[split])}"',
                f"{draws.pick(SHADOWED[split])} = {draws.between(2, 99)}",
                f'password = "{draws.pick(SECRETS[split])}"',
            )
        )

    def _fits(self, kind: str, patch: Patch) -> bool:
        """Whether only a slip fails tests, and of what the tools suggest one repair is good, the right one."""
        if patch.line < 3 or (head := _head(self.original, patch.line)) in self._used:
            return False
        damaged = patch.apply(self.lines)
        source, original = "\n".join(damaged), "\n".join(self.original)
        if len(checks.failing(source, original, self.functions)) != (kind == "slip"):
            return False
        at = head if kind == "slip" else patch.line
        found = suggested(damaged, self.original, self.functions, at)
        right = Patch(patch.line, self.original[patch.line - 1])
        return [each.patch for each in found if each.good] == [right]


def _head(lines: Lines, line: int) -> int:
    """The line on which the function begins that this line stands in."""
    return next(n for n in range(line, 0, -1) if lines[n - 1].startswith("def "))


def _plan(file: File) -> tuple[Milestone, ...]:
    """Rounds of a request, two reports and the repairs, until both approve; then the merge."""
    made: list[Milestone] = []
    lines, before, number = file.start, "", 0
    while True:
        number += 1
        seen = look(lines, file)
        asked = f"requested_{number}"
        made.append(
            Milestone(asked, "request_checks", after=(before,) * bool(before), role="author")
        )
        reports = (*_review(made, seen, asked, number), *_test(made, seen, asked, number))
        if seen.finding is None and not seen.failed:
            made.append(Milestone("merged", "merge", after=reports, role="author"))
            return tuple(made)
        before = ""
        for what, line in (
            ("finding", seen.finding.line if seen.finding else 0),
            ("failure", seen.failed_line),
        ):
            if line:
                patch = _right(file, line)
                after = (before,) if before else reports
                before = _repair(made, f"{what}_{number}", line, patch, after)
                lines = patch.apply(lines)


def _right(file: File, line: int) -> Patch:
    """What puts the reported line right, or where a function begins there, the planted line in it."""
    function = next(
        (f for f in file.functions if checks.line_of("\n".join(file.start), f.name) == line), None
    )
    inside = range(line, line + (len(function.lines) if function else 1))
    wrong = next(n for n in inside if n in file.planted)
    return Patch(wrong, file.planted[wrong])


def _review(made: list[Milestone], seen: Round, asked: str, number: int) -> tuple[str, ...]:
    names = [f"{what}_{number}" for what in ("linted", "inspected", "reviewed")]
    made.append(Milestone(names[0], "run_linter", after=(asked,), role="reviewer"))
    made.append(Milestone(names[1], "inspect_code", after=(names[0],), role="reviewer"))
    if seen.finding is None:
        made.append(Milestone(names[2], "approve_code", after=(names[1],), role="reviewer"))
    else:
        given = {"rule": AnyOf((seen.finding.rule,)), "line": AnyOf((seen.finding.line,))}
        made.append(Milestone(names[2], "report_finding", given, (names[1],), role="reviewer"))
    return (names[2],)


def _test(made: list[Milestone], seen: Round, asked: str, number: int) -> tuple[str, ...]:
    names = [f"{what}_{number}" for what in ("ran", "tested")]
    made.append(Milestone(names[0], "run_tests", after=(asked,), role="tester"))
    if seen.failed:
        given = {"function": AnyOf((seen.failed,))}
        made.append(Milestone(names[1], "report_failure", given, (names[0],), role="tester"))
    else:
        made.append(Milestone(names[1], "approve_tests", after=(names[0],), role="tester"))
    return (names[1],)


def _repair(
    made: list[Milestone], name: str, line: int, patch: Patch, after: tuple[str, ...]
) -> str:
    made.append(
        Milestone(
            f"sought_{name}", "suggest_repairs", {"line": AnyOf((line,))}, after, role="author"
        )
    )
    given = {"repair_id": AnyOf((patch.id,))}
    made.append(
        Milestone(f"made_{name}", "apply_repair", given, (f"sought_{name}",), role="author")
    )
    return f"made_{name}"
