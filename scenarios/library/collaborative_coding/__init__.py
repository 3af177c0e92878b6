"""Collaborative coding: author, reviewer and tester of one file.

A Python file should be merged, and something is wrong with it. The author asks for checks; reviewer and tester look at the
same moment, each with tools of their own, and report; the author repairs what was reported and asks again, until both
approve of the very content that is then merged.

**Observation.** Each member has its own conversation: the author the request and the reports, reviewer and tester what the
author asks for, everyone the results of its own tools. Nobody sees the file as text; they see what the tools find in it.

**Tools.** They really run. Reviewer: `run_linter` (pyflakes) and `inspect_code` (checks over the syntax tree),
`report_finding`, `approve_code`. Tester: `run_tests` (calls every function and compares with what the file gave before
the defects), `report_failure`, `approve_tests`. Author: `suggest_repairs` computes changes of a line or a function and tries
each of them out, `apply_repair`, `request_checks`, `merge`. The code is generated here, never a user's.

**Defects.** An unused import, an f-string without a place to fill, a constant that hides a name of Python's own, a password
in the file, comparison with None by `==`, a bare `except`, comparison of types, a copy that nobody needs; and slips in
operators, bounds and indices that the tests find. Some repairs that look right clear a finding and break a test.

**Difficulty.** *easy*: two functions, one defect. *medium*: two or three, one or two defects, 5 % tool faults. *hard*: three or
four, two or three defects, which takes several rounds, 15 % faults.

**Success.** Merged with both approvals; no finding, no failing test, and no line changed but those with a planted defect.

**Splits** share neither functions, modules, imports nor requests.

Version 1: first version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from scenarios.core.tasks import Task
from scenarios.core.team import Role, TeamScenario
from scenarios.core.types import Difficulty, Json, Split, Tool
from scenarios.library.collaborative_coding.checks import RULES
from scenarios.library.collaborative_coding.functions import FUNCTIONS
from scenarios.library.collaborative_coding.tasks import make_task
from scenarios.library.collaborative_coding.wording import (
    MODULES,
    REQUESTS,
    SECRETS,
    SHADOWED,
    UNUSED,
)
from scenarios.library.collaborative_coding.world import CodingWorld

_LINE: dict[str, Json] = {"type": "integer", "minimum": 1, "maximum": 500, "description": "Line of the file, from 1."}  # fmt: skip


def _tool(name: str, description: str, **properties: Json) -> Tool:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return Tool(name, description, schema)


class CollaborativeCoding(TeamScenario):
    """Author, reviewer and tester."""

    key: ClassVar[str] = "collaborative_coding"
    version: ClassVar[str] = "1"
    tools: ClassVar[tuple[Tool, ...]] = (
        _tool("request_checks", "Ask reviewer and tester to check the file."),
        _tool("suggest_repairs", "Changes that could repair a line or the function that begins there, tried out.", line=_LINE),
        _tool(
            "apply_repair",
            "Apply a suggested repair.",
            repair_id={"type": "string", "pattern": r"^R-\d{6}$", "description": "The repair."},
        ),
        _tool("merge", "Merge the file; both have to have approved of its content."),
        _tool("run_linter", "Run the linter over the file."),
        _tool("inspect_code", "Run the checks of the house over the file."),
        _tool(
            "report_finding",
            "Tell the author of the first finding.",
            rule={"type": "string", "enum": list(RULES), "description": "The broken rule."},
            line=_LINE,
        ),
        _tool("approve_code", "Tell the author that there is no finding."),
        _tool("run_tests", "Run the tests of the file."),
        _tool(
            "report_failure",
            "Tell the author whose tests fail.",
            function={"type": "string", "minLength": 1, "description": "The first failing function."},
        ),
        _tool("approve_tests", "Tell the author that all tests pass."),
    )  # fmt: skip
    roles: ClassVar[tuple[Role, ...]] = (
        Role(
            "author",
            "Author",
            "Asks for checks, repairs what is reported, and merges.",
            ("request_checks", "suggest_repairs", "apply_repair", "merge"),
        ),
        Role(
            "reviewer",
            "Reviewer",
            "Reads the file with linter and checks.",
            ("run_linter", "inspect_code", "report_finding", "approve_code"),
            passes_to="author",
        ),
        Role(
            "tester",
            "Tester",
            "Runs the tests.",
            ("run_tests", "report_failure", "approve_tests"),
            passes_to="author",
        ),
    )
    handoffs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "request_checks": ("reviewer", "tester"),
        "report_finding": ("author",),
        "approve_code": ("author",),
        "report_failure": ("author",),
        "approve_tests": ("author",),
    }
    max_steps: ClassVar[Mapping[Difficulty, int]] = {"easy": 18, "medium": 26, "hard": 36}

    def task(self, split: Split, difficulty: Difficulty, seed: int) -> Task:
        return make_task(self.key, split, difficulty, seed)

    def world(self, task: Task, attempt: int = 0) -> CodingWorld:
        return CodingWorld(task, attempt, self)

    def wording(self, split: Split) -> frozenset[str]:
        return frozenset(REQUESTS[split]) | {function.source for function in FUNCTIONS[split]}

    def entities(self, split: Split) -> frozenset[str]:
        names = {function.name for function in FUNCTIONS[split]}
        drawn = (pool[split] for pool in (MODULES, UNUSED, SHADOWED, SECRETS))
        return frozenset(names.union(*drawn))
