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
from scenarios.library.collaborative_coding.modules import FUNCTIONS, MODULES, UNUSED, Function

DEFECTS: Mapping[Difficulty, tuple[int, int]] = {"easy": (1, 1), "medium": (1, 2), "hard": (2, 3)}
SIZE: Mapping[Difficulty, tuple[int, int]] = {"easy": (2, 2), "medium": (2, 3), "hard": (3, 4)}
"""Functions in a file, fewest and most."""


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
    functions = tuple(draws.sample(FUNCTIONS[split], draws.between(*SIZE[difficulty])))
    body = [line for function in functions for line in (*function.lines, "", "")]
    original: Lines = ("", "", *body[:-2])
    planted: dict[int, str] = {}
    lines = original
    kinds: list[str] = []
    for kind in draws.sample(
        ("import", "slip", "style", "variable"), draws.between(*DEFECTS[difficulty])
    ):
        patch = _plant(draws, kind, lines, planted, split, functions, original)
        if patch is not None:
            planted[patch.line] = original[patch.line - 1]
            lines = patch.apply(lines)
            kinds.append(kind)
    if not planted:  # a file without a place for it; an unused import always finds one
        patch = Patch(1, f"import {draws.pick(UNUSED[split])}")
        planted[1], lines = "", patch.apply(lines)
        kinds.append("import")
    file = File(draws.pick(MODULES[split]), functions, original, lines, planted)
    return Task(key, split, difficulty, seed, "+".join(sorted(kinds)), _plan(file), payload=file)


def _plant(  # noqa: PLR0913  (each is another part of the task)
    draws: Draws,
    kind: str,
    lines: Lines,
    planted: Mapping[int, str],
    split: Split,
    functions: tuple[Function, ...],
    original: Lines,
) -> Patch | None:
    """A defect of this kind on a line that has none yet; None where there is no place for it."""
    if kind == "import":
        return Patch(1, f"import {draws.pick(UNUSED[split])}")
    if kind == "variable":
        return Patch(2, f'unused = f"{draws.pick(MODULES[split])}"')
    if kind == "style":
        found = [p for p in style_faults(lines) if _mendable(p, p.line, lines, original, functions)]
    else:
        found = [
            p
            for p in slips(lines)
            if _mendable(p, _head(original, p.line), lines, original, functions)
            and len(_broken(p.apply(lines), original, functions)) == 1
        ]
    found = [patch for patch in found if patch.line not in planted]
    return draws.pick(found) if found else None


def _broken(lines: Lines, original: Lines, functions: tuple[Function, ...]) -> tuple[str, ...]:
    return checks.failing("\n".join(lines), "\n".join(original), functions)


def _head(lines: Lines, line: int) -> int:
    """The line on which the function begins that this line stands in."""
    return next(n for n in range(line, 0, -1) if lines[n - 1].startswith("def "))


def _mendable(
    patch: Patch, at: int, lines: Lines, original: Lines, functions: tuple[Function, ...]
) -> bool:
    """Whether the suggestions for the damaged file hold one good repair, and it is the right one."""
    damaged = patch.apply(lines)
    good = [each.patch for each in suggested(damaged, original, functions, at) if each.good]
    return good == [Patch(patch.line, original[patch.line - 1])]


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
                patch = _right(file, lines, line, what)
                after = (before,) if before else reports
                before = _repair(made, f"{what}_{number}", line, patch, after)
                lines = patch.apply(lines)


def _right(file: File, lines: Lines, line: int, what: str) -> Patch:
    """The patch that puts a planted line right."""
    if what == "finding":
        return Patch(line, file.planted[line])
    name = look(lines, file).failed
    function = next(f for f in file.functions if f.name == name)
    inside = range(line, line + len(function.lines))
    wrong = next(
        n
        for n in inside
        if n in file.planted and lines[n - 1] != file.planted[n] and _slip(file, n)
    )
    return Patch(wrong, file.planted[wrong])


def _slip(file: File, line: int) -> bool:
    """Whether what was planted on this line changes results."""
    changed = Patch(line, file.start[line - 1]).apply(file.original)
    source = "\n".join(file.original)
    return bool(checks.failing("\n".join(changed), source, file.functions))


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
