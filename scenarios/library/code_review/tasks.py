"""What a task is: a file, what its review is about, and which findings in it have to be reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scenarios.core.draws import Draws
from scenarios.core.tasks import ASK, AnyOf, Milestone, Task
from scenarios.core.types import SPLITS, Difficulty, Split
from scenarios.library.code_review import wording
from scenarios.library.code_review.explain import CLEAN as GONE
from scenarios.library.code_review.findings import (
    CODE_TOOLS,
    Finding,
    explanations,
    findings,
    is_defect,
    warm,
)
from scenarios.library.code_review.rules import KINDS, RULES, Kind
from scenarios.library.code_review.source import FileKind, Source
from scenarios.library.code_review.units import CLEAN, DEFECTS, DOUBLES, Unit

MOST = 8
"""Findings that one tool tells of a file at most: what a reader of its result takes in."""

SCOPES: Mapping[str, tuple[Kind, ...]] = {
    "security": ("security",),
    "bugs": ("bug",),
    "performance": ("performance",),
    "style": ("style",),
    "all": KINDS,
    "release": ("bug", "security"),
    "upkeep": ("performance", "style"),
}
"""What a review can be about."""
COVERS: Mapping[Kind, tuple[str, ...]] = {
    "bug": ("detect_bugs", "check_best_practices"),
    "security": ("check_security",),
    "performance": ("check_performance",),
    "style": ("run_linter", "check_best_practices"),
}
"""The tools that a review of a kind takes, beside `analyze_code`, which every review begins with."""
WAIVERS: Mapping[str, frozenset[str]] = {
    "docs": frozenset({"no-docstring"}),
    "prints": frozenset({"print-left"}),
    "todos": frozenset({"dead-code", "ownerless-todo"}),
    "asserts": frozenset({"assert-check"}),
    "shape": frozenset({"too-complex", "deep-nesting", "too-many-arguments"}),
    "names": frozenset({"function-name", "variable-name", "ambiguous-name"}),
    "branches": frozenset({"nested-if", "superfluous-else", "needless-bool"}),
}
"""Families of rules that a request may accept for its file."""


@dataclass(frozen=True, slots=True)
class Dials:
    """Fewest and most: defects asked for, defects not asked for, doubles, clean units. Shares: the rest."""

    wanted: tuple[int, int]
    beside: tuple[int, int]
    doubles: tuple[int, int]
    clean: tuple[int, int]
    sound: float
    """Files without a defect that was asked for."""
    waived: float
    missing: float
    """Requests that do not name the file."""
    unfit: float
    """Files that cannot be reviewed."""


DIALS: Mapping[Difficulty, Dials] = {
    "easy": Dials((1, 2), (0, 0), (0, 1), (1, 1), 0.12, 0.0, 0.0, 0.0),
    "medium": Dials((1, 3), (0, 1), (1, 2), (1, 2), 0.12, 0.25, 0.12, 0.05),
    "hard": Dials((2, 4), (1, 2), (2, 3), (1, 2), 0.10, 0.4, 0.15, 0.05),
}


@dataclass(frozen=True, slots=True)
class Review:
    """The hidden side of a task. source: None where the file cannot be reviewed; then `language` says what it is.

    wanted: the findings to report. waived: family of rules that the request accepts, or empty.
    """

    path: str
    language: str
    source: Source | None
    scope: str
    wanted: tuple[Finding, ...] = ()
    waived: str = ""
    names_file: bool = True

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools that this review takes, in the order of the catalogue."""
        needed = {"analyze_code", *(t for kind in SCOPES[self.scope] for t in COVERS[kind])}
        return tuple(tool for tool in CODE_TOOLS if tool in needed)


def make_task(key: str, split: Split, difficulty: Difficulty, seed: int) -> Task:
    """The task of this seed."""
    words = wording.book(split)
    warm(split, tuple(words["names"]))
    draws = Draws(np.random.default_rng([seed, SPLITS.index(split), 21]))
    dials = DIALS[difficulty]
    scope = draws.pick(tuple(SCOPES))
    names_file = not draws.chance(dials.missing)
    if draws.chance(dials.unfit):
        review = _unfit(draws, split, scope, names_file)
        plan = _opening(review)
        return Task(key, split, difficulty, seed, "unfit", plan, ("hand_over",), review)
    while True:
        review = _drawn(draws, split, dials, scope, names_file)
        if _readable(review):
            break
    return Task(key, split, difficulty, seed, scope, _plan(review), payload=review)


def _unfit(draws: Draws, split: Split, scope: str, names_file: bool) -> Review:
    words = wording.book(split)
    path = draws.pick(words["foreign"]).format(name=draws.pick(words["names"]))
    return Review(path, path.rpartition(".")[2], None, scope, names_file=names_file)


def _drawn(draws: Draws, split: Split, dials: Dials, scope: str, names_file: bool) -> Review:
    words = wording.book(split)
    kind: FileKind = draws.pick(("module", "module", "module", "script", "test", "package"))
    waived = draws.pick(tuple(WAIVERS)) if draws.chance(dials.waived) else ""
    chosen = _Chosen(draws, kind, waived)
    inside = SCOPES[scope]
    outside = tuple(k for k in KINDS if k not in inside)
    count = 0 if draws.chance(dials.sound) else draws.between(*dials.wanted)
    for _ in range(count):
        chosen.take(DEFECTS, draws.pick(inside))
    for _ in range(draws.between(*dials.beside) if outside else 0):
        chosen.take(DEFECTS, draws.pick(outside))
    if waived:
        chosen.take(tuple(u for u in DEFECTS if u.rule in WAIVERS[waived]), "")
    for _ in range(draws.between(*dials.doubles)):
        chosen.take(DOUBLES, draws.pick(inside if draws.chance(0.7) else KINDS))
    for _ in range(draws.between(*dials.clean)):
        chosen.take(CLEAN[split], "")
    units = draws.shuffled(chosen.units)
    names = draws.sample(words["names"], len(units))
    pieces = tuple(unit.piece(name) for unit, name in zip(units, names, strict=True))
    path = _path(draws, split, kind)
    source = Source(path, kind, draws.pick(words["titles"]), pieces)
    wanted = tuple(f for tool in CODE_TOOLS for f in findings(source)[tool]
                   if f.kind in inside and is_defect(f)
                   and f.rule not in WAIVERS.get(waived, ()))  # fmt: skip
    return Review(path, "python", source, scope, wanted, waived, names_file)


class _Chosen:
    """Units for a file: each template once, and none that the kind of file has no place for."""

    def __init__(self, draws: Draws, kind: FileKind, waived: str) -> None:
        self.draws, self.kind = draws, kind
        self.units: list[Unit] = []
        self._accepted = WAIVERS.get(waived, frozenset())

    def take(self, pool: tuple[Unit, ...], kind: Kind | str) -> None:
        """One more unit of the pool whose rule is of this kind; rules come first, so that each is as likely."""
        taken = {unit.source for unit in self.units}
        fit = [
            unit
            for unit in pool
            if self.kind in unit.where
            and unit.source not in taken
            and (not kind or RULES[unit.rule].kind == kind)
            and (not kind or unit.rule not in self._accepted)
        ]
        if not fit:
            return
        rule = self.draws.pick(tuple(dict.fromkeys(unit.rule for unit in fit)))
        self.units.append(self.draws.pick([unit for unit in fit if unit.rule == rule]))


def _path(draws: Draws, split: Split, kind: FileKind) -> str:
    words = wording.book(split)
    name, folder = draws.pick(words["names"]), draws.pick(words["folders"])
    return {
        "module": f"{folder}/{name}.py",
        "script": f"scripts/{folder}_{name}.py",
        "test": f"tests/test_{name}.py",
        "package": f"{folder}/{name}/__init__.py",
    }[kind]


def _readable(review: Review) -> bool:
    """Whether every result fits a reader, and no two findings of a kind stand on one line."""
    if review.source is None or not review.source.pieces:
        return False
    told = findings(review.source)
    every = [f for tool in CODE_TOOLS for f in told[tool]]
    keys = [f.key for f in every if f in review.wanted]
    clash = any(sum(f.key == key for f in every) > 1 for key in keys)
    return not clash and all(len(told[tool]) <= MOST for tool in CODE_TOOLS)


def _opening(review: Review) -> tuple[Milestone, ...]:
    """Learn which file it is, and look at it."""
    asked = () if review.names_file else (Milestone("asked", ASK),)
    after = tuple(m.name for m in asked)
    looked = Milestone("analyze_code", "analyze_code", {"file": AnyOf((review.path,))}, after)
    return (*asked, looked)


def _plan(review: Review) -> tuple[Milestone, ...]:
    """The look at the file, the tools, the reports (after what they still need to be complete), the end."""
    source = review.source
    assert source is not None
    tools = [Milestone(t, t, after=("analyze_code",)) for t in review.tools if t != "analyze_code"]
    ready: list[Milestone] = []
    later: dict[str, Milestone] = {}
    for finding in review.wanted:
        after = [RULES[finding.rule].tool]
        if (sought := _sought(finding)) is not None:
            later.setdefault(sought.name, sought)
            after = [sought.name]
        full = tuple(text for text, result in explanations(source, finding) if result == GONE)
        given = {
            "explanation": AnyOf(full),
            "line": AnyOf((finding.line,)),
            "kind": AnyOf((finding.kind,)),
        }
        name = f"reported {finding.line} {finding.kind}"
        report = Milestone(name, "report_issue", given, tuple(after))
        if finding.lacks:
            later[name] = report
        else:
            ready.append(report)
    reports = (*ready, *later.values())
    done = tuple(m.name for m in (*tools, *reports))
    end = Milestone("finished", "finish_review", after=("analyze_code", *done))
    return (*_opening(review), *tools, *reports, end)


def _sought(finding: Finding) -> Milestone | None:
    """What completes the explanation of a finding."""
    after = (RULES[finding.rule].tool,)
    if finding.lacks == "fix":
        given = {"line": AnyOf((finding.line,))}
        return Milestone(f"improved {finding.line}", "suggest_improvements", given, after)
    if finding.lacks == "reason":
        given = {"rule": AnyOf((finding.rule,))}
        return Milestone(f"read {finding.rule}", "search_documentation", given, after)
    return None
