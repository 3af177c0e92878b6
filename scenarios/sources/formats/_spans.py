"""Runs and spans: one conversation put together from the model's calls and the tools' executions of a trace."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from scenarios.core.types import Json, ToolCall, Turn
from scenarios.sources.formats._json import canonical
from scenarios.sources.formats._messages import events_of, outcome, text_of
from scenarios.sources.formats._tools import tool_name, tools_of
from scenarios.sources.formats.base import (
    MAX_CALLS,
    MAX_TEXT,
    Event,
    Recorded,
    Refused,
    RowError,
)

MAX_SPANS = 2_000
"""Runs or spans of one trace."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a tool. id: of the call that it answers, where that is known."""

    name: Json
    arguments: Json
    result: Json
    id: str | None = None
    failed: bool = False
    seconds: float | None = None
    cost: float | None = None

    @property
    def given(self) -> dict[str, Json]:
        found = canonical(self.arguments)
        return found if isinstance(found, dict) else {}


@dataclass(slots=True)
class Trace:
    """What one trace holds. chats: lists of messages, input and output of one model call each, in order of time."""

    row: int
    rows: int = 1
    chats: list[list[Json]] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    request: Json = None
    answer: Json = None
    tools: Json = None
    cost: float | None = None

    def recorded(self) -> Recorded:
        """The conversation. Raises `RowError` where there is none."""
        events: tuple[Event, ...] = ()
        if self.chats:
            # A later model call is told everything that came before; the latest of the longest knows the most.
            longest = max(range(len(self.chats)), key=lambda i: (len(self.chats[i]), i))
            events = events_of(self.chats[longest])
        if any(event.turn.role == "tool" for event in events) or not self.executions:
            events = self._measured(events)
        else:
            events = self._from_executions(events)
        if not events:
            raise RowError("the trace holds neither messages nor tool runs")
        tools = tools_of(self.tools) if self.tools else ()
        return Recorded(self.row, events, tools, cost=self.cost, rows=self.rows)

    def _measured(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """The events with what the executions add: time, cost, and results that no message told."""
        left = list(self.executions)
        found = []
        for event in events:
            made = _take(left, event) if event.turn.role == "tool" else None
            found.append(_merged(event, made) if made is not None else event)
        return tuple(found)

    def _from_executions(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        said = next((e.turn.content for e in events if e.turn.role == "user"), None)
        request = said or words(self.request)
        if not isinstance(request, str) or not request.strip():
            raise RowError("the trace runs tools, but what the user asked for is not in it")
        if len(self.executions) > MAX_CALLS:
            raise RowError(f"{len(self.executions)} tool runs; at most {MAX_CALLS} in one trace")
        if len(request) > MAX_TEXT:
            raise RowError(f"the request has more than {MAX_TEXT:,} characters")
        told = [e for e in events if e.turn.role == "assistant"][-1:]
        last = told[0].turn.content if told else words(self.answer)
        made = [_event(run, n) for n, run in enumerate(self.executions)]
        end = [Event(Turn("assistant", str(last)[:MAX_TEXT]))] if last else []
        return (Event(Turn("user", request)), *made, *end)


def _event(run: Execution, number: int) -> Event:
    where = f"tool run {number + 1}"
    call = ToolCall(tool_name(run.name, where), run.given)
    result, failed = outcome(run.result, failed=run.failed, where=where)
    turn = Turn("tool", result, call=call, is_error=failed)
    return Event(turn, run.seconds, run.cost)


def _take(left: list[Execution], event: Event) -> Execution | None:
    """The first execution of this call that no earlier call has taken."""
    call = event.turn.call
    for at, run in enumerate(left):
        if call and run.name == call.name and run.given in ({}, dict(call.arguments)):
            return left.pop(at)
    return None


def _merged(event: Event, run: Execution) -> Event:
    seconds = run.seconds if event.seconds is None else event.seconds
    cost = run.cost if event.cost is None else event.cost
    event = replace(event, seconds=seconds, cost=cost)
    if event.answered and not run.failed:
        return event
    content = event.turn.content if event.answered else run.result
    result, failed = outcome(content, failed=run.failed, where="a tool run")
    return replace(event, answered=True, turn=replace(event.turn, content=result, is_error=failed))


def words(value: Json) -> str:
    """What a root's input or output says: a text, a message, messages, or the one text of an object."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        said = [words(item) for item in value if not isinstance(item, Mapping) or _by_user(item)]
        return next((text for text in reversed(said) if text), "")
    if not isinstance(value, Mapping):
        return ""
    for key in ("input", "question", "query", "messages", "output", "answer", "text", "content"):
        if key in value and (found := text_of(value[key]) or words(value[key])):
            return found
    texts = [inner for inner in value.values() if isinstance(inner, str)]
    return texts[0] if len(texts) == 1 else ""


def _by_user(item: Mapping[str, Any]) -> bool:
    return item.get("role", item.get("type", "user")) in ("user", "human")


Timed = tuple[Any, int, Mapping[str, Any]]
"""What to sort by, the row, and the run or span."""


def by_trace(
    spans: Iterable[tuple[Hashable, int, Mapping[str, Any]]],
) -> Iterator[list[tuple[int, Mapping[str, Any]]]]:
    """Spans with their trace's id and row, gathered by trace, in order of their first rows."""
    found: dict[Hashable, list[tuple[int, Mapping[str, Any]]]] = {}
    for trace, row, span in spans:
        found.setdefault(trace, []).append((row, span))
    yield from found.values()


def read_trace(spans: list[tuple[int, Mapping[str, Any]]], make: Any) -> Recorded | Refused:
    """`make(row, spans) -> Trace`, as a conversation or a refusal."""
    row = min(number for number, _ in spans)
    try:
        if len(spans) > MAX_SPANS:
            raise RowError(f"the trace has {len(spans)} runs; at most {MAX_SPANS}")
        trace: Trace = make(row, [span for _, span in spans])
        trace.rows = len({number for number, _ in spans})
        return trace.recorded()
    except RowError as problem:
        return Refused(row, str(problem))


def moment(value: Json) -> float | None:
    """A time as seconds: ISO text, or a number of seconds, milliseconds or nanoseconds since 1970."""
    if isinstance(value, str):
        if value.isdecimal() and len(value) < 22:
            value = int(value)
        else:
            try:
                return datetime.fromisoformat(value).timestamp()
            except (ValueError, OverflowError):
                return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    for limit, scale in ((1e11, 1.0), (1e14, 1e3), (1e20, 1e9)):
        if 0 < value < limit:
            return value / scale
    return None


def between(start: Json, end: Json) -> float | None:
    """Seconds between two times, where both are known."""
    first, last = moment(start), moment(end)
    if first is None or last is None or not 0 <= last - first < 86_400:
        return None
    return round(last - first, 6)
