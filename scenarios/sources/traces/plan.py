"""What a recorded conversation asks of an agent: its request, the calls and questions that were right, how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from scenarios.core.schema import argument_errors
from scenarios.core.tasks import ASK, AnyOf, Milestone
from scenarios.core.types import DecisionKind, Json, Tool, ToolCall, ToolResult
from scenarios.sources.formats.base import Event, RowError
from scenarios.sources.traces.pointing import Seen

Free = Callable[[str, str], bool]
"""Whether a tool's parameter takes free text."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the agent did rightly. milestone: what it had to be; result: what came of it; reply: to a question."""

    milestone: Milestone
    result: ToolResult | None = None
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """One conversation as a task. No steps: the agent answered at once, because no tool could serve. failures: recorded calls that were answered with an error, by `call_key`."""

    request: str
    steps: tuple[Step, ...]
    ending: DecisionKind
    failures: Mapping[bytes, ToolResult]
    left_out: int = 0
    """Events after the first answer: another request, or thanks."""

    @property
    def milestones(self) -> tuple[Milestone, ...]:
        return tuple(step.milestone for step in self.steps)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(step.milestone.name for step in self.steps)

    @property
    def calls(self) -> int:
        return sum(step.result is not None for step in self.steps)

    @property
    def replies(self) -> tuple[str, ...]:
        return tuple(step.reply for step in self.steps if step.milestone.tool == ASK)


def call_key(call: ToolCall) -> bytes:
    """Equal for equal calls."""
    return orjson.dumps([call.name, dict(call.arguments)], option=orjson.OPT_SORT_KEYS)


def plan_of(
    events: Sequence[Event],
    tools: Mapping[str, Tool],
    *,
    ending: DecisionKind | None = None,
    free: Free = lambda tool, parameter: False,
    seconds: Mapping[str, float] | None = None,
) -> Plan:
    """The plan. seconds: of a tool's calls that were not timed. Raises `RowError` where there is nothing to do."""
    if not events or events[0].turn.role != "user":
        raise RowError("must begin with what the user asks for")
    builder = _Builder(tools, free, seconds or {})
    end = len(events)
    for at, event in enumerate(events[1:], start=1):
        if event.turn.call is not None:
            builder.call(event, event.turn.call)
        elif event.turn.role == "assistant" and _is_question(events, at):
            builder.question(str(events[at + 1].turn.content))
        elif event.turn.role == "assistant" or events[at - 1].turn.role == "tool":
            end = at + (event.turn.role == "assistant")
            break
    if not builder.steps and not (events[-1].turn.role == "assistant" and len(events) == 2):
        raise RowError("holds no call that succeeded, and no answer that did without one")
    request, steps = str(events[0].turn.content), tuple(builder.steps)
    return Plan(request, steps, ending or "final", builder.failures, len(events) - end)


class _Builder:
    """Steps in order. Calls of one message wait for the same steps before them, not for each other."""

    def __init__(self, tools: Mapping[str, Tool], free: Free, seconds: Mapping[str, float]) -> None:
        self.tools, self.free, self.seconds = tools, free, seconds
        self.steps: list[Step] = []
        self.failures: dict[bytes, ToolResult] = {}
        self._before: list[str] = []
        self._group: list[str] = []

    def call(self, event: Event, call: ToolCall) -> None:
        result = _result(event, call.name, self.seconds)
        if not event.at_once:
            self._open()
        if result.is_error:
            self.failures[call_key(call)] = result
            return
        _check(call, self.tools)
        self._add(f"call {len(self.steps) + 1}", call.name, _accepted(call, self.free), result)

    def question(self, reply: str) -> None:
        self._open()
        self._add(f"question {len(self.steps) + 1}", ASK, {}, reply=reply)

    def _open(self) -> None:
        """What comes now waits for all that was done so far."""
        if self._group:
            self._before, self._group = self._group, []

    def _add(
        self,
        name: str,
        tool: str,
        accepted: Mapping[str, AnyOf],
        result: ToolResult | None = None,
        reply: str = "",
    ) -> None:
        milestone = Milestone(name, tool, accepted, after=tuple(self._before))
        self._group.append(name)
        self.steps.append(Step(milestone, result, reply))


def _result(event: Event, tool: str, seconds: Mapping[str, float]) -> ToolResult:
    took = event.seconds if event.seconds is not None else seconds.get(tool, 0.0)
    return ToolResult(event.turn.content, event.turn.is_error, took)


def _check(call: ToolCall, tools: Mapping[str, Tool]) -> None:
    tool = tools.get(call.name)
    if tool is None:
        raise RowError(f"calls {call.name!r}, which is none of the tools")
    if problems := argument_errors(tool, call.arguments):
        # Only the place: the message could hold what must not be shown.
        place = problems[0].partition(":")[0]
        raise RowError(
            f"a call of {call.name} succeeded, but {place!r} does not fit the tool's schema"
        )


def _accepted(call: ToolCall, free: Free) -> dict[str, AnyOf]:
    return {
        name: AnyOf((value,), anything=free(call.name, name))
        for name, value in call.arguments.items()
    }


def _is_question(events: Sequence[Event], at: int) -> bool:
    """Whether a text of the agent is a question: the user answers, and then the work goes on.

    It has to ask in so many words, or the answer has to bring a value that a later call needs.
    """
    if at + 1 >= len(events) or events[at + 1].turn.role != "user":
        return False
    later = [e.turn.call for e in events[at + 2 :] if e.turn.call and not e.turn.is_error]
    if not later:
        return False
    if "?" in str(events[at].turn.content):
        return True
    before, after = Seen(), Seen()
    for event in events[:at]:
        before.add(event.turn)
    after.add(events[at + 1].turn)
    values: list[Any] = [value for call in later for value in call.arguments.values()]
    return any(after.source(value) and not before.source(value) for value in values)


def scalars(value: Json) -> list[Json]:
    """The values inside arguments, one level after the other."""
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in scalars(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in scalars(inner)]
    return [value]
