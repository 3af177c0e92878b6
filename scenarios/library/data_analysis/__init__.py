"""Data analysis: answer questions about files with tables, statistics and charts.

A colleague names a file and asks something about it. The agent loads the file, describes it, drops repeated records, filters,
computes, perhaps draws a chart, and gives the answer by pointing at it in a result.

**Observation.** The question and the JSON results of the tools. `describe_data` takes the question and says which columns and
values its words are about, of what type they are, and which words stand beside them. What a column is wanted for (to group by, to
measure, to filter), which tool, operator, figure and chart are due, and which of many numbers is the answer, is for the agent to find.

**Tools.** They really run, on DuckDB with external access off and its settings locked: `load_data`, `clean_data`, `describe_data`,
`filter_data`, `calculate_stats`, `aggregate_data`, `detect_outliers`, `run_correlation`, `plot_chart`, `answer`.

**Files.** Sales (CSV), behaviour of users (JSON, nested), time series (CSV), and mixed ones (CSV, JSON, Parquet), with the mess of
real files: missing values in five spellings, currency signs, separators, odd dates, footnotes, titles, copied records. **Your own**
CSV, JSON and Parquet files go the same way: `files.load.load_file` reads them, `own.analyse` answers a question about them.

**Kinds of question** (39, in `requests.py`): counts, sums, means, medians, extremes, deviations; different, missing and most common
values; the value of one record; best and worst groups, shares, rankings; monthly trends, growth and peaks; outliers by two rules;
correlations by two methods; two-step questions (above the average, without outliers, the best group's mean); bar, line, scatter,
box charts and histograms. Some questions are about what the file does not hold, and some files cannot be read: those are handed over.

**Difficulty.** *easy*: 16 kinds, four or five columns, tidy values, at most one condition. *medium*: all kinds, messy files, up to two
conditions; one request in ten uses a word that fits two columns and one in seventeen names no file, so that the agent has to ask;
5 % tool faults. *hard*: more columns of similar names, more conditions, longer analyses, 15 % faults.

**Success.** The answer equals a reference that is computed in plain Python from what is true, not from the file; a chart shows the right
figures, is of the right kind, with the right columns on labelled axes.

**Measures.** Insight accuracy (answers that are right), query efficiency (calls needed that were made, over all calls), visualisation
quality (charts without a fault).

**Splits** share neither columns, values, files nor ranges of ids, nor any phrase.

Version 1: first version.
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
