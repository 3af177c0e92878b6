"""Data analysis: answer questions about files with tables, statistics and charts.

placeholder
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from scenarios.core.scenario import Baseline, Criteria, Measure, Scenario
from scenarios.core.tasks import Task
from scenarios.core.types import Difficulty, Split, Tool
from scenarios.library.data_analysis import baselines as scripts
from scenarios.library.data_analysis import letters
from scenarios.library.data_analysis.datasets import IDS, domains
from scenarios.library.data_analysis.tasks import make_task
from scenarios.library.data_analysis.tools import COMPANY_POLICY, KEYWORD_RULES, TOOLS
from scenarios.library.data_analysis.world import AnalysisWorld


class DataAnalysis(Scenario):
    """Questions about files of data."""

    key: ClassVar[str] = "data_analysis"
    version: ClassVar[str] = "1"
    tools: ClassVar[tuple[Tool, ...]] = TOOLS
    criteria: ClassVar[Criteria] = Criteria(response_seconds=300.0)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("insight_accuracy", "Insight accuracy: questions answered right", 0.85),
        Measure("query_efficiency", "Query efficiency: calls needed over calls made", 0.90),
        Measure(
            "visualisation",
            "Visualisation quality: charts of the right kind, axes and labels",
            0.85,
        ),
    )
    baselines: ClassVar[Mapping[str, Baseline]] = {
        "script": Baseline("Fixed script", scripts.script),
        "rules": Baseline("Analyst's rules", scripts.rules),
    }
    max_steps: ClassVar[Mapping[Difficulty, int]] = {"easy": 14, "medium": 22, "hard": 30}
    keyword_rules: ClassVar[Mapping[str, tuple[str, ...]]] = KEYWORD_RULES
    company_policy: ClassVar[str] = COMPANY_POLICY

    def task(self, split: Split, difficulty: Difficulty, seed: int) -> Task:
        return make_task(self.key, split, difficulty, seed)

    def world(self, task: Task, attempt: int = 0) -> AnalysisWorld:
        return AnalysisWorld(task, attempt, self.tools, self.fault_rate[task.difficulty])

    def wording(self, split: Split) -> frozenset[str]:
        return letters.wording(split)

    def entities(self, split: Split) -> frozenset[str]:
        low, high = IDS[split]
        found = {f"ids {low}..{high - 1}"}
        for domain in domains(split):
            found |= {domain["file"], *domain["numbers"], *domain["texts"], domain["date"]}
            found |= {value for values in domain["texts"].values() for value in values}
        return frozenset(found)
