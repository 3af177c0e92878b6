"""A user's own agent as a training environment: its tools, the user's tasks, and recorded, simulated or live results.

Exploring calls tools at random, so nothing runs for real unless it was marked safe. A call that is neither recorded nor
simulated, and not safe, is an error that the policy sees.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from models_registry.adapters._livetools import LiveTool
from scenarios.core.env import ToolEnv
from scenarios.core.scenario import Scenario
from scenarios.core.tasks import AnyOf, Milestone, Task, Verdict
from scenarios.core.types import (
    DIFFICULTIES,
    SPLITS,
    DecisionKind,
    Difficulty,
    Json,
    Split,
    ToolCall,
    ToolResult,
    Turn,
)
from scenarios.core.world import World, error

Simulator = Callable[[ToolCall], Json | ToolResult]
"""What a tool would have answered; it may raise."""

NO_MORE = "I have told you everything."


@dataclass(frozen=True, slots=True)
class AgentTask:
    """One task for a user's agent: what is asked, and the calls that answer it, in order.

    recorded: calls and what the real tools answered them. answer: the user's reply to questions of the agent.
    """

    request: str
    calls: tuple[ToolCall, ...]
    recorded: tuple[tuple[ToolCall, ToolResult], ...] = ()
    ending: DecisionKind = "final"
    answer: str = NO_MORE
    split: Split = "train"

    @classmethod
    def of(cls, turns: Sequence[Turn], split: Split = "train") -> Self:
        """A recorded conversation as a task: its successful calls are the ones wanted.

        Raises `ValueError` where it does not begin with a request.
        """
        if not turns or turns[0].role != "user":
            raise ValueError("a recorded conversation has to begin with the user's request")
        results = [(t.call, t) for t in turns if t.role == "tool" and t.call is not None]
        replies = [str(t.content) for t in turns[1:] if t.role == "user"]
        return cls(
            str(turns[0].content),
            tuple(call for call, turn in results if not turn.is_error),
            tuple((call, ToolResult(turn.content, turn.is_error)) for call, turn in results),
            answer=" ".join(replies) or NO_MORE,
            split=split,
        )


class AgentScenario(Scenario):
    """The tasks of one user's agent. Not in the library: it is made from objects, for one process."""

    key: ClassVar[str] = "agent"
    version: ClassVar[str] = "1"
    fault_rate: ClassVar[Mapping[Difficulty, float]] = dict.fromkeys(DIFFICULTIES, 0.0)

    def __init__(
        self,
        tools: Sequence[LiveTool],
        tasks: Sequence[AgentTask],
        *,
        safe: Collection[str] = (),
        simulate: Simulator | None = None,
        max_steps: int | None = None,
    ) -> None:
        self.live = {tool.spec.name: tool for tool in tools}
        self.tools = tuple(tool.spec for tool in tools)  # type: ignore[misc]  # a class's constant elsewhere
        self.safe, self.simulate = frozenset(safe), simulate
        self.tasks = {split: [t for t in tasks if t.split == split] for split in SPLITS}
        longest = max((len(task.calls) for task in tasks), default=0)
        limit = max_steps or 2 * longest + 4
        self.max_steps = dict.fromkeys(DIFFICULTIES, limit)  # type: ignore[misc]
        self._check(tasks)

    def _check(self, tasks: Sequence[AgentTask]) -> None:
        if not tasks:
            raise ValueError("tasks: at least one is needed")
        known = ", ".join(self.live)
        for name in sorted(self.safe - set(self.live)):
            raise ValueError(f"safe: there is no tool {name!r}; the agent has: {known}")
        for task in tasks:
            for call in task.calls:
                if call.name not in self.live:
                    raise ValueError(
                        f"tasks: there is no tool {call.name!r}; the agent has: {known}"
                    )

    def task(self, split: Split, difficulty: Difficulty, seed: int) -> Task:
        """Raises `ValueError` where no task belongs to the split."""
        if not (tasks := self.tasks[split]):
            raise ValueError(f"no task has split={split!r}")
        chosen = tasks[seed % len(tasks)]
        milestones = tuple(
            Milestone(
                f"call {number}",
                call.name,
                {name: AnyOf((value,)) for name, value in call.arguments.items()},
                after=(f"call {number - 1}",) if number else (),
            )
            for number, call in enumerate(chosen.calls)
        )
        names = "+".join(call.name for call in chosen.calls) or chosen.ending
        return Task(
            self.key, split, difficulty, seed, names, milestones, (chosen.ending,), payload=chosen
        )

    def world(self, task: Task, attempt: int = 0) -> AgentWorld:
        return AgentWorld(task, attempt, self)

    def wording(self, split: Split) -> frozenset[str]:
        return frozenset(task.request for task in self.tasks[split])

    def entities(self, split: Split) -> frozenset[str]:
        return frozenset()


class AgentWorld(World):
    """One attempt: recorded answers first, then the simulator, then the real tool where it is safe."""

    def __init__(self, task: Task, attempt: int, scenario: AgentScenario) -> None:
        super().__init__(task, attempt, scenario.tools, scenario.fault_rate[task.difficulty])
        self.scenario = scenario
        self.own: AgentTask = task.payload
        self.strayed = False
        self._recorded: dict[str, list[ToolResult]] = defaultdict(list)
        for call, result in self.own.recorded:
            self._recorded[_key(call)].append(result)

    def opening(self) -> str:
        return self.own.request

    def reply(self, question: str) -> str:
        return self.own.answer

    def run(self, call: ToolCall) -> ToolResult:
        if answers := self._recorded.get(_key(call)):
            # The same call made again gets the next answer that was recorded, and the last one for ever.
            return answers.pop(0) if len(answers) > 1 else answers[0]
        if (simulate := self.scenario.simulate) is not None:
            return LiveTool(self.tools[call.name], lambda _: simulate(call)).call(call.arguments)
        if call.name in self.scenario.safe:
            return self.scenario.live[call.name].call(call.arguments)
        return error("not_recorded", "no answer is recorded for this call")

    def _judge(self, call: ToolCall, result: ToolResult, faulted: bool) -> Verdict:
        verdict = super()._judge(call, result, faulted)
        if not verdict.right and not result.is_error and call.name not in self.scenario.safe:
            self.strayed = True
        return verdict

    def goals_hold(self) -> bool:
        """Every wanted call was answered, and no other one was, except of tools that are safe."""
        return len(self.done) == len(self.task.milestones) and not self.strayed


def _key(call: ToolCall) -> str:
    return json.dumps([call.name, dict(call.arguments)], sort_keys=True)


def environment(
    tools: Sequence[LiveTool],
    tasks: Sequence[AgentTask],
    *,
    safe: Collection[str] = (),
    simulate: Simulator | None = None,
    split: Split = "train",
    max_steps: int | None = None,
) -> ToolEnv:
    """The Gymnasium environment of these tasks over these tools.

    safe: names of tools that only read, and may be tried out; these really run where nothing is recorded. simulate:
    answers the calls that are not recorded. max_steps: decisions in an episode; twice the longest task and four, where
    not given. Raises `ValueError` for tools that are not there, and for no tasks in the split.
    """
    scenario = AgentScenario(tools, tasks, safe=safe, simulate=simulate, max_steps=max_steps)
    scenario.task(split, "medium", 0)
    return ToolEnv(scenario, split)
