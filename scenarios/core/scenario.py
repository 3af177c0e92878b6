"""The base of every scenario: a seeded generator of tasks over a hidden, stateful world."""

from __future__ import annotations

import hashlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from scenarios.core.stage import Stage
from scenarios.core.tasks import Task
from scenarios.core.types import Decision, Difficulty, Json, Split, Tool, Turn
from scenarios.core.world import World

HIDDEN_WORDS = ("milestone", "oracle", "payload", "right_call")
"""Words of the hidden side; none of them may be a key of what the agent sees, see `check`."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a trained agent has to show on held-out tasks to count as good."""

    tool_reliability: float = 0.95
    """Share of tool calls that are right."""
    cost_reduction: float = 0.30
    """Cost per successful task saved against an LLM loop."""
    response_seconds: float = 10.0
    """Mean seconds to the end of a task: decisions as measured, tools as simulated."""

    def as_json(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of the scenario's own: what its worlds count (`World.measured`), as a share with a target.

    at_most: the share has to stay below the target (false alarms), not reach it.
    """

    key: str
    label: str
    target: float
    at_most: bool = False

    def as_json(self) -> dict[str, Json]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A hand-written agent that the trained one is compared with. It reads the conversation and nothing else."""

    label: str
    decide: Callable[[tuple[Turn, ...]], Decision]


class Scenario(ABC):
    """A family of tasks with its tools, world, wording and success criteria. Instances hold no state of an episode.

    A subclass's module docstring is its page: title, then text. A change of behaviour is a new `version`.
    """

    key: ClassVar[str]
    version: ClassVar[str]
    tools: ClassVar[tuple[Tool, ...]]
    criteria: ClassVar[Criteria] = Criteria()
    measures: ClassVar[tuple[Measure, ...]] = ()
    """Figures beyond the criteria that every scenario has; each is a criterion too."""
    baselines: ClassVar[Mapping[str, Baseline]] = {}
    """Key -> an agent of the scenario's own for its evidence, beside the ones that every scenario is played by."""
    max_steps: ClassVar[Mapping[Difficulty, int]] = {"easy": 10, "medium": 14, "hard": 20}
    fault_rate: ClassVar[Mapping[Difficulty, float]] = {"easy": 0.0, "medium": 0.05, "hard": 0.15}
    curriculum: ClassVar[tuple[Stage, ...]] = (Stage("easy"), Stage("medium"), Stage("hard"))
    """Stages of a training with curriculum, easiest first; the ones above the run's own difficulty are left out."""
    trained: ClassVar[frozenset[str]] = frozenset({"tool", "arguments"})
    """Parts of a decision that learn: `tool` (which tool, or to end, ask, hand over), `arguments`; the rest is frozen."""
    keyword_rules: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Tool name -> words that make a rule-writer reach for it; the keyword baseline reads them."""
    held_out: ClassVar[bool] = True
    """Whether validation and test tasks are kept apart from training; without it nothing can be said of unseen tasks."""
    known_words: ClassVar[frozenset[str]] = frozenset()
    """Words of the hidden side (`HIDDEN_WORDS`) that the scenario's own tools use for something else."""
    company_policy: ClassVar[str] = ""
    """The written rules that the agent works under, as Markdown; shown on the scenario's page."""

    @abstractmethod
    def task(self, split: Split, difficulty: Difficulty, seed: int) -> Task:
        """The task of this seed; the same three arguments always give an equal task."""

    @abstractmethod
    def world(self, task: Task, attempt: int = 0) -> World:
        """A fresh world. Attempts at one task differ in wording, incidental entities and faults."""

    @abstractmethod
    def wording(self, split: Split) -> frozenset[str]:
        """Every phrase that this split can draw; the leak check compares splits."""

    @abstractmethod
    def entities(self, split: Split) -> frozenset[str]:
        """Every name that this split can draw (people, mail domains, products, identifiers' ranges)."""

    def distinct(self, split: Split, difficulty: Difficulty) -> int | None:
        """How many different tasks there are; seeds beyond it give the same ones again. None: no end of them."""
        return None

    def tool(self, name: str) -> Tool:
        return next(tool for tool in self.tools if tool.name == name)

    def content_hash(self) -> str:
        """sha256 over the scenario's own files: what a run or version was trained on, exactly."""
        home = Path(inspect.getfile(type(self)))
        files = (
            sorted(home.parent.rglob("*"))
            if home.name == "__init__.py" or home.parent.name == self.key
            else [home]
        )
        digest = hashlib.sha256()
        for file in files:
            if file.suffix in {".py", ".json", ".jsonl", ".md", ".txt"}:
                digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
        return digest.hexdigest()

    def as_json(self) -> dict[str, Json]:
        """What the catalogue shows."""
        return {
            "key": self.key,
            "version": self.version,
            "tools": [tool.as_json() for tool in self.tools],
            "criteria": self.criteria.as_json(),
            "measures": [measure.as_json() for measure in self.measures],
            "max_steps": dict(self.max_steps),
            "fault_rate": dict(self.fault_rate),
            "company_policy": self.company_policy,
            "content_hash": self.content_hash(),
        }
