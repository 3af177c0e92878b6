"""The world of a recorded conversation: it answers as the recording did, and says so where it cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scenarios.core.schema import argument_errors
from scenarios.core.tasks import ASK, Milestone, Task, Verdict
from scenarios.core.types import Tool, ToolCall, ToolResult
from scenarios.core.world import Outcome, World, error
from scenarios.sources.traces.plan import Plan, Step, call_key

NOT_RECORDED = "not_recorded"
MAX_CHANCE = 0.5
"""Of a fault, however the dials stand."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A task's payload. plans: the conversation's own first, then what others did who were asked the same.

    relative: each tool's fault rate as a multiple of the mean one.
    """

    plans: tuple[Plan, ...]
    relative: Mapping[str, float]


class TraceWorld(World):
    """Replays one conversation.

    What a call outside the recording would have changed is not known. So an episode in which one went through does not
    succeed, whatever follows; it is answered with the error `not_recorded`.
    """

    def __init__(
        self, task: Task, attempt: int, tools: tuple[Tool, ...], fault_rate: float
    ) -> None:
        super().__init__(task, attempt, tools, fault_rate)
        self.recording: Recording = task.payload
        self.plan: Plan = self.recording.plans[0]
        self.strayed = False
        self._did: list[ToolCall | None] = []
        """Right calls in order, None for a question."""

    def opening(self) -> str:
        return self.plan.request

    def fault_chance(self, tool: str) -> float:
        return min(MAX_CHANCE, self.fault_rate * self.recording.relative.get(tool, 0.0))

    def run(self, call: ToolCall) -> ToolResult:
        step = self._open_step(call) or self._done_step(call)
        if step is not None and step.result is not None:
            return step.result
        for plan in self.recording.plans:
            if failure := plan.failures.get(call_key(call)):
                return failure
        text = "no recording holds this call here, so what the tool would answer is not known"
        return error(NOT_RECORDED, text)

    def reply(self, question: str) -> str:
        for step in self.plan.steps:
            if step.milestone.tool == ASK and step.milestone in self.pending():
                return step.reply
        return "I have said everything that I know."

    def goals_hold(self) -> bool:
        return not self.strayed and self.done.issuperset(self.plan.names)

    def _open_step(self, call: ToolCall) -> Step | None:
        waiting = {milestone.name for milestone in self.pending()}
        steps = (s for s in self.plan.steps if s.milestone.name in waiting)
        return next((step for step in steps if step.milestone.takes(call)), None)

    def _done_step(self, call: ToolCall) -> Step | None:
        steps = (s for s in self.plan.steps if s.milestone.name in self.done)
        return next((step for step in steps if step.milestone.takes(call)), None)

    def _call(self, call: ToolCall) -> Outcome:
        if self._open_step(call) is None:
            self._follow(call)
        return super()._call(call)

    def _follow(self, call: ToolCall) -> None:
        """Go over to another recording of the same request that did what was done so far, and then this call."""
        for plan in self.recording.plans:
            done = walked(plan.milestones, self._did)
            if done is None:
                continue
            ready = [m for m in plan.milestones if m.name not in done and set(m.after) <= done]
            if any(milestone.takes(call) for milestone in ready):
                self.plan, self.done = plan, done
                self.task = replace(self.task, milestones=plan.milestones, endings=(plan.ending,))
                return

    def _judge(self, call: ToolCall, result: ToolResult, faulted: bool) -> Verdict:
        before = len(self.done)
        verdict = super()._judge(call, result, faulted)
        if len(self.done) > before:
            self._did.append(call)
        tool = self.tools.get(call.name)
        went_through = (
            tool is not None and not faulted and not argument_errors(tool, call.arguments)
        )
        harmless = any(call_key(call) in plan.failures for plan in self.recording.plans)
        if went_through and not verdict.right and not harmless:
            self.strayed = True
        return verdict

    def _ask(self, decision: object) -> Outcome:
        before = len(self.done)
        outcome = super()._ask(decision)  # type: ignore[arg-type]
        if len(self.done) > before:
            self._did.append(None)
        return outcome


def walked(milestones: Sequence[Milestone], did: Sequence[ToolCall | None]) -> set[str] | None:
    """The milestones that these calls and questions reach in order; None where one of them fits nowhere."""
    done: set[str] = set()
    for call in did:
        ready = [m for m in milestones if m.name not in done and set(m.after) <= done]
        found = next((m for m in ready if (m.tool == ASK if call is None else m.takes(call))), None)
        if found is None:
            return None
        done.add(found.name)
    return done
