"""Code review: a reviewer who has linters at hand, and has to know what to make of them.

A user names a Python file and says what the review is about: security, bugs, performance, style, some of them or all. The
agent opens the file, runs the tools that this takes, reports the defects with line, kind and explanation, leaves what is meant
so, and finishes.

**Observation.** The request, and the tools' results. A finding has a line, a rule, a case (the rule and what surrounds the
place, such as `weak-hash checksum` or `assert-check in test`), a kind, whether a comment silences it, what its explanation lacks,
and the explanation. The code itself is not shown.

**Tools.** They really look at the code, which is never run. `analyze_code` (structure, complexity), `detect_bugs` (pyflakes,
ruff, own checks of the syntax tree), `check_security` (bandit), `check_performance` and `check_best_practices` (ruff, own
checks), `run_linter` (ruff). Most explanations name the consequence and a fix; where the fix is missing, `suggest_improvements`
writes some and tries each out on a copy; where the reason is missing, `search_documentation` has it. `report_issue`,
`finish_review`.

**Files** are composed of about two hundred hand-written functions and classes: 92 kinds of defects in four categories, near 50
doubles that the same rules complain about although they are meant so (a hash for a cache key, an assertion in a test, a
silenced line that says why), and clean ones; with other names in each split.

**Difficulty.** *easy*: one or two defects, at most one double. *medium*: up to three, defects that were not asked for, doubles;
one request in four accepts a family of rules, one in eight does not say which file, one file in twenty is not Python; 5 % tool
faults. *hard*: two to four defects, more of all that, 15 % faults. On every level one file in ten has no defect to report.

**Success.** The tools that the request takes were run, exactly the defects that it asks for are reported, each with an
explanation that names rule, line, consequence and a fix, and the fix, carried out and checked by the same tool, removes the
finding.

**Measures.** Share of the defects reported; share of reports that are wrong; share of right reports whose explanation holds.

**Splits** share neither names, paths, clean functions nor phrases; rules and kinds of defects are the same.

Version 1: first version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from scenarios.core.scenario import Baseline, Criteria, Measure, Scenario
from scenarios.core.tasks import Task
from scenarios.core.types import Difficulty, Split, Tool
from scenarios.library.code_review import wording
from scenarios.library.code_review.baselines import BASELINES
from scenarios.library.code_review.tasks import make_task
from scenarios.library.code_review.tools import COMPANY_POLICY, KEYWORD_RULES, TOOLS
from scenarios.library.code_review.units import CLEAN
from scenarios.library.code_review.world import ReviewWorld


class CodeReview(Scenario):
    """Reviews of Python files."""

    key: ClassVar[str] = "code_review"
    version: ClassVar[str] = "1"
    tools: ClassVar[tuple[Tool, ...]] = TOOLS
    criteria: ClassVar[Criteria] = Criteria(
        tool_reliability=0.95, cost_reduction=0.30, response_seconds=120.0
    )
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("detection", "Defects reported", 0.90),
        Measure("false_reports", "Reports that are wrong", 0.10, at_most=True),
        Measure("explained", "Reports explained, with a fix that works", 0.90),
    )
    baselines: ClassVar[Mapping[str, Baseline]] = BASELINES
    max_steps: ClassVar[Mapping[Difficulty, int]] = {"easy": 20, "medium": 28, "hard": 40}
    keyword_rules: ClassVar[Mapping[str, tuple[str, ...]]] = KEYWORD_RULES
    company_policy: ClassVar[str] = COMPANY_POLICY

    def task(self, split: Split, difficulty: Difficulty, seed: int) -> Task:
        return make_task(self.key, split, difficulty, seed)

    def world(self, task: Task, attempt: int = 0) -> ReviewWorld:
        return ReviewWorld(task, attempt, self.tools, self.fault_rate[task.difficulty])

    def wording(self, split: Split) -> frozenset[str]:
        return wording.every(split) | {unit.source for unit in CLEAN[split]}

    def entities(self, split: Split) -> frozenset[str]:
        words = wording.book(split)
        return frozenset(words["names"]) | frozenset(words["folders"]) | frozenset(words["foreign"])
