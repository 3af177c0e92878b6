"""The hidden world of one attempt: it runs the tools, plays the user, injects faults, and judges what was done."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scenarios.core.schema import argument_errors
from scenarios.core.tasks import ASK, FailureKind, Milestone, Task, Verdict
from scenarios.core.types import Decision, Json, Tool, ToolCall, ToolResult, Turn

MAX_FAULTS_IN_A_ROW = 2
"""A faulty tool answers after at most so many faults, so that a retry is always worth its price."""

FAULTS: tuple[tuple[str, str, float], ...] = (
    ("timeout", "the service did not answer in time", 10.0),
    ("unavailable", "503 service unavailable, try again", 1.0),
    ("rate_limited", "429 too many requests, try again", 2.0),
)
"""Transient faults: error code, message, seconds lost."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one decision led to: the turns it added, the verdict, whether the episode ended, simulated seconds."""

    turns: tuple[Turn, ...]
    verdict: Verdict
    ended: bool = False
    seconds: float = 0.0
    faulted: bool = False


class World(ABC):
    """One attempt at one task. Same task and attempt, same world, to the last draw.

    Subclasses run the tools (`run`), word the user (`opening`, `reply`) and grade the end (`goals_hold`); order,
    faults, verdicts and the oracle follow from the task's milestones and live here.
    """

    def __init__(
        self, task: Task, attempt: int, tools: tuple[Tool, ...], fault_rate: float
    ) -> None:
        self.task, self.attempt, self.fault_rate = task, attempt, fault_rate
        self.tools = {tool.name: tool for tool in tools}
        key = zlib.crc32(task.id.encode())
        self.rng = np.random.default_rng([key, attempt])
        self._fault_rng = np.random.default_rng([key, attempt, 1])
        self.done: set[str] = set()
        self.breaches: list[str] = []
        self.ended_by: str | None = None
        self._faults_in_a_row: dict[str, int] = {}
        self._open_fault: str | None = None

    @abstractmethod
    def opening(self) -> str:
        """The user's first message."""

    @abstractmethod
    def run(self, call: ToolCall) -> ToolResult:
        """Execute a schema-valid call against the hidden state (no faults here)."""

    @abstractmethod
    def reply(self, question: str) -> str:
        """The user's answer to a question of the agent."""

    @abstractmethod
    def goals_hold(self) -> bool:
        """Whether the final state is the wanted one, and nothing forbidden was changed."""

    def fault_chance(self, tool: str) -> float:
        """The chance that a call to this tool meets a transient fault."""
        return self.fault_rate

    def measured(self) -> Mapping[str, tuple[float, float]]:
        """For each of the scenario's `measures`, what this episode adds to it: (counted, out of). Read at its end."""
        return {}

    @property
    def progress(self) -> float:
        """Share of the required milestones that are reached, in [0, 1]: the potential that the reward pays for."""
        required = [m for m in self.task.milestones if not m.optional]
        return sum(m.name in self.done for m in required) / max(1, len(required))

    @property
    def succeeded(self) -> bool:
        """The episode ended in a way the task allows, the goals hold, and no written policy was broken."""
        return self.ended_by in self.task.endings and not self.breaches and self.goals_hold()

    def pending(self) -> list[Milestone]:
        """Milestones that are not reached and whose prerequisites are."""
        return [
            m for m in self.task.milestones if m.name not in self.done and set(m.after) <= self.done
        ]

    def oracle(self) -> Decision:
        """The next decision of the reference path."""
        for milestone in self.pending():
            if milestone.optional:
                continue
            if milestone.tool == ASK:
                return Decision("ask", text="Could you give me the missing details?")
            return Decision("tool", ToolCall(milestone.tool, milestone.oracle_arguments()))
        return Decision(self.task.endings[0], text="Done.")

    def step(self, decision: Decision) -> Outcome:
        """Carry out one decision. Raises `RuntimeError` once the episode has ended."""
        if self.ended_by is not None:
            raise RuntimeError("the episode has ended; reset the environment first")
        if decision.call is not None:
            return self._call(decision.call)
        if decision.kind == "ask":
            return self._ask(decision)
        self.ended_by = decision.kind
        left = [m for m in self.task.milestones if not m.optional and m.name not in self.done]
        failure: FailureKind | None = None
        if left or decision.kind not in self.task.endings:
            failure = "fault_not_handled" if self._open_fault else "stopped_early"
        turn = Turn("assistant", decision.text)
        return Outcome((turn,), Verdict(failure is None, failure), ended=True)

    def _ask(self, decision: Decision) -> Outcome:
        wanted = next((m for m in self.pending() if m.tool == ASK), None)
        answer = self.reply(decision.text)
        if wanted is not None:
            self.done.add(wanted.name)
        verdict = Verdict(wanted is not None, None if wanted else "junk_call")
        return Outcome((Turn("assistant", decision.text), Turn("user", answer)), verdict)

    def _call(self, call: ToolCall) -> Outcome:
        result, faulted = self._execute(call)
        before = len(self.breaches)
        if result is None:
            result = self.run(call)
        verdict = self._judge(call, result, faulted)
        if len(self.breaches) > before:
            verdict = Verdict(False, "policy_breach")
        turns = (
            Turn("assistant", call=call),
            Turn("tool", result.content, call=call, is_error=result.is_error),
        )
        return Outcome(turns, verdict, seconds=result.seconds, faulted=faulted)

    def _execute(self, call: ToolCall) -> tuple[ToolResult | None, bool]:
        """An error result for calls that never reach the tool, or None; and whether a fault hit the call."""
        if call.name not in self.tools:
            return error("unknown_tool", f"there is no tool {call.name!r}"), False
        if problems := argument_errors(self.tools[call.name], call.arguments):
            return error("invalid_arguments", problems[0]), False
        row = self._faults_in_a_row.get(call.name, 0)
        if self._fault_rng.random() < self.fault_chance(call.name) and row < MAX_FAULTS_IN_A_ROW:
            self._faults_in_a_row[call.name] = row + 1
            self._open_fault = call.name
            code, message, seconds = FAULTS[int(self._fault_rng.integers(len(FAULTS)))]
            return error(code, message, seconds=seconds), True
        self._faults_in_a_row[call.name] = 0
        if self._open_fault == call.name:
            self._open_fault = None
        return None, False

    def _judge(self, call: ToolCall, result: ToolResult, faulted: bool) -> Verdict:
        ready = self.pending()
        for milestone in ready:
            if faulted and milestone.takes(call):
                return Verdict(
                    True
                )  # the fault is not the agent's; the milestone stays open for a retry
            if milestone.reached_by(call, result):
                self.done.add(milestone.name)
                return Verdict(True)
        return Verdict(False, self._failure(call, ready))

    def _failure(self, call: ToolCall, ready: list[Milestone]) -> FailureKind:
        if call.name in self.tools and argument_errors(self.tools[call.name], call.arguments):
            missing = set(self.tools[call.name].required) - set(call.arguments)
            return "missing_argument" if missing else "invalid_argument"
        if any(m.takes(call) and m.name in self.done for m in self.task.milestones):
            return "junk_call"
        if any(m.takes(call) and m not in ready for m in self.task.milestones):
            return "order"
        same_tool = [m for m in ready if m.tool == call.name]
        if same_tool:
            return same_tool[0].argument_fault(call) or "wrong_argument"
        if any(m.tool == ASK for m in ready):
            return "should_have_asked"
        return "wrong_tool"


def error(code: str, message: str, *, seconds: float = 0.1) -> ToolResult:
    """The canonical shape of a tool error."""
    content: dict[str, Json] = {"error": code, "message": message}
    return ToolResult(content, is_error=True, seconds=seconds)
