"""Customer support: a help desk with fifteen tools.

Version 1: first version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from scenarios.core.scenario import Criteria, Scenario
from scenarios.core.tasks import Task
from scenarios.core.types import Difficulty, Split, Tool
from scenarios.library.customer_support import names, policy, wording
from scenarios.library.customer_support.tasks import make_task
from scenarios.library.customer_support.tools import KEYWORD_RULES, TOOLS
from scenarios.library.customer_support.world import SupportWorld


class CustomerSupport(Scenario):
    """The help desk of a company that sells a planning app, an API and connected devices."""

    key: ClassVar[str] = "customer_support"
    version: ClassVar[str] = "1"
    tools: ClassVar[tuple[Tool, ...]] = TOOLS
    criteria: ClassVar[Criteria] = Criteria(
        tool_reliability=0.95, cost_reduction=0.30, response_seconds=15.0
    )
    max_steps: ClassVar[Mapping[Difficulty, int]] = {"easy": 10, "medium": 14, "hard": 24}
    keyword_rules: ClassVar[Mapping[str, tuple[str, ...]]] = KEYWORD_RULES
    company_policy: ClassVar[str] = policy.COMPANY_POLICY

    def task(self, split: Split, difficulty: Difficulty, seed: int) -> Task:
        return make_task(self.key, split, difficulty, seed)

    def world(self, task: Task, attempt: int = 0) -> SupportWorld:
        return SupportWorld(task, attempt, self.tools, self.fault_rate[task.difficulty])

    def wording(self, split: Split) -> frozenset[str]:
        return wording.every(split)

    def entities(self, split: Split) -> frozenset[str]:
        return names.POOLS[split].every()
