"""Messages, as OpenAI, LangChain or OpenTelemetry write them, as events of one conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from scenarios.core.types import Json, ToolCall, Turn
from scenarios.sources.formats._json import canonical, parse
from scenarios.sources.formats._tools import MAX_PROPERTIES, tool_name
from scenarios.sources.formats.base import (
    MAX_CALLS,
    MAX_MESSAGES,
    MAX_RESULT,
    MAX_SAID,
    MAX_TEXT,
    NO_RESULT,
    Event,
    RowError,
)

_ROLES = {
    "human": "user", "humanmessage": "user", "humanmessagechunk": "user", "user": "user",
    "ai": "assistant", "aimessage": "assistant", "aimessagechunk": "assistant",
    "assistant": "assistant", "model": "assistant", "function": "tool", "tool": "tool",
    "toolmessage": "tool", "functionmessage": "tool", "system": "system", "developer": "system",
    "systemmessage": "system",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call of a message, with the id that its result names."""

    id: str | None
    call: ToolCall


@dataclass(frozen=True, slots=True)
class Message:
    """One message in one shape. role: user, assistant, tool or system."""

    role: str
    text: str = ""
    calls: tuple[Call, ...] = ()
    answers: tuple[tuple[str | None, str | None, Json], ...] = ()
    """Results: id of the call, name of the tool, content."""
    failed: bool = False
    seconds: float | None = None
    cost: float | None = None


def message_of(value: Json, where: str) -> Message:
    """A message of any of the shapes. Raises `RowError`."""
    if not isinstance(value, Mapping):
        raise RowError(f"{where}: must be an object with a role")
    body = _body(value)
    named = body.get("role") or body.get("type") or ""
    role = _ROLES.get(named.lower()) if isinstance(named, str) else None
    if role is None:
        raise RowError(f"{where}: the role must be user, assistant, tool or system")
    if isinstance(body.get("parts"), list):
        return _from_parts(role, body, where)
    content = body.get("content")
    seconds, cost = amount(body.get("seconds")), amount(body.get("cost"))
    if role == "tool":
        name = body.get("name")
        answer = (_id(body.get("tool_call_id")), name if isinstance(name, str) else None, content)
        failed = body.get("status") == "error" or body.get("is_error") is True
        return Message(role, answers=(answer,), failed=failed, seconds=seconds, cost=cost)
    calls = _calls(body, where) if role == "assistant" else ()
    return Message(role, text_of(content), calls)


def _body(value: Mapping[str, Any]) -> dict[str, Any]:
    """The message inside LangChain's wrappings: a serialised constructor, or `{"type": ..., "data": {...}}`."""
    if isinstance(value.get("kwargs"), Mapping):
        path = value.get("id")
        last = path[-1] if isinstance(path, list) and path else ""
        return {"type": last, **value["kwargs"]}
    if isinstance(value.get("data"), Mapping) and "content" not in value:
        return {**value["data"], "type": value.get("type")}
    return dict(value)


def amount(value: Json) -> float | None:
    """A number that is not negative; None for anything else."""
    if isinstance(value, str) and len(value) < 40:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return None
    return float(value)


def _id(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


def text_of(content: Json) -> str:
    """The words of a content: a text, or the text parts of a list; what is not text is left out."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    found = []
    for part in content:
        words = part.get("text", part.get("content")) if isinstance(part, Mapping) else part
        if isinstance(words, str):
            found.append(words)
    return "\n".join(found)


def _calls(body: Mapping[str, Any], where: str) -> tuple[Call, ...]:
    listed = body.get("tool_calls")
    more = body.get("additional_kwargs")
    if not listed and isinstance(more, Mapping):
        listed = more.get("tool_calls")
    if not listed and isinstance(body.get("function_call"), Mapping):
        listed = [{"function": body["function_call"]}]
    if not listed:
        return ()
    if not isinstance(listed, list):
        raise RowError(f"{where}.tool_calls: must be a list")
    found = []
    for at, item in enumerate(listed):
        place = f"{where}.tool_calls[{at}]"
        if not isinstance(item, Mapping):
            raise RowError(f"{place}: must be an object")
        function = item.get("function")
        inner = function if isinstance(function, Mapping) else item
        given = inner.get("arguments", inner.get("args"))
        found.append(Call(_id(item.get("id")), call_of(inner.get("name"), given, place)))
    return tuple(found)


def call_of(name: Json, given: Json, where: str) -> ToolCall:
    """A call from a name and arguments, which may be JSON text. Raises `RowError`."""
    tool = tool_name(name, f"{where}.name")
    try:
        arguments = parse(given) if isinstance(given, str) and given.strip() else given
    except RowError as problem:
        raise RowError(f"{where}.arguments: {problem}") from problem
    if arguments is None or arguments == "":
        arguments = {}
    if not isinstance(arguments, dict):
        raise RowError(f"{where}.arguments: must be an object")
    if len(arguments) > MAX_PROPERTIES:
        raise RowError(f"{where}.arguments: {len(arguments)} of them; at most {MAX_PROPERTIES}")
    return ToolCall(tool, arguments)


def _from_parts(role: str, body: Mapping[str, Any], where: str) -> Message:
    """A message of OpenTelemetry's schema: parts of type text, tool_call, tool_call_response."""
    texts: list[str] = []
    calls: list[Call] = []
    answers: list[tuple[str | None, str | None, Json]] = []
    for at, part in enumerate(body["parts"]):
        if not isinstance(part, Mapping):
            raise RowError(f"{where}.parts[{at}]: must be an object")
        kind, content = part.get("type"), part.get("content", part.get("text"))
        if kind == "text" and isinstance(content, str):
            texts.append(content)
        elif kind == "tool_call":
            place = f"{where}.parts[{at}]"
            call = call_of(part.get("name"), part.get("arguments"), place)
            calls.append(Call(_id(part.get("id")), call))
        elif kind == "tool_call_response":
            answers.append((_id(part.get("id")), None, part.get("response", part.get("result"))))
    if answers:
        role = "tool"
    return Message(role, "\n".join(texts), tuple(calls), tuple(answers))


class Assembly:
    """Builds the events of one conversation, message by message, and matches results with their calls."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._open: list[tuple[str | None, int]] = []
        """Calls that have no result yet: id, place in `events`."""

    def add(self, message: Message, where: str) -> None:
        """Take in one message. Raises `RowError`."""
        if message.role == "tool":
            for id_, name, content in message.answers:
                self._answer(id_, name, content, message, where)
        elif message.calls:
            self._call(message.calls, where)
        elif message.role in ("user", "assistant") and message.text.strip():
            self._say(message, where)

    def _say(self, message: Message, where: str) -> None:
        if len(message.text) > MAX_TEXT:
            raise RowError(
                f"{where}: the text has {len(message.text):,} characters; at most {MAX_TEXT:,} are read"
            )
        role: Any = message.role
        last = self.events[-1].turn if self.events else None
        if last is not None and last.role == role and isinstance(last.content, str):
            joined = f"{last.content}\n{message.text}"
            if len(joined) > MAX_TEXT:
                raise RowError(
                    f"{where}: the texts in a row have more than {MAX_TEXT:,} characters"
                )
            self.events[-1] = replace(self.events[-1], turn=Turn(role, joined))
        elif self.events or role == "user":  # a greeting before the request is no part of the task
            self.events.append(Event(Turn(role, message.text)))

    def _call(self, calls: Sequence[Call], where: str) -> None:
        if not self.events:
            raise RowError(f"{where}: a tool is called before the user has said anything")
        self._open = []
        for at, call in enumerate(calls):
            self._open.append((call.id, len(self.events)))
            turn = Turn("tool", NO_RESULT, call=call.call)
            self.events.append(Event(turn, at_once=at > 0, answered=False))

    def _answer(
        self, id_: str | None, name: str | None, content: Json, message: Message, where: str
    ) -> None:
        at = self._place(id_, name)
        if at is None:
            raise RowError(f"{where}: is the result of a call that the conversation does not hold")
        result, failed = outcome(content, failed=message.failed, where=where)
        turn = replace(self.events[at].turn, content=result, is_error=failed)
        self.events[at] = replace(
            self.events[at], turn=turn, answered=True, seconds=message.seconds, cost=message.cost
        )

    def _place(self, id_: str | None, name: str | None) -> int | None:
        """Where the call stands that a result answers: by id, else by name, else the first open one."""
        for number, (known, at) in enumerate(self._open):
            call = self.events[at].turn.call
            same = known == id_ if id_ and known else not name or (call and call.name == name)
            if same:
                del self._open[number]
                return at
        return None


def outcome(content: Json, *, failed: bool, where: str) -> tuple[Json, bool]:
    """A tool's result as canonical JSON, and whether it is an error. Raises `RowError` for one that is too long."""
    whole = content if isinstance(content, str) else ""
    if isinstance(content, list) and content and all(_is_text_part(part) for part in content):
        whole = content = text_of(content)
    size = len(whole) if whole else len(orjson.dumps(content))
    if size > MAX_RESULT:
        raise RowError(f"{where}: the result has {size:,} characters; at most {MAX_RESULT:,}")
    result = canonical(content)
    if failed or is_error(result):
        return _error_shape(result), True
    return result, False


def _is_text_part(part: Json) -> bool:
    return isinstance(part, Mapping) and part.get("type") == "text" and "text" in part


def is_error(result: Json) -> bool:
    """Whether a result says that the call failed, in one of the common shapes."""
    if isinstance(result, str):
        return result.lstrip().lower().startswith(("error:", "error ", "traceback (most recent"))
    if not isinstance(result, dict):
        return False
    flagged = result.get("isError") is True or result.get("is_error") is True
    failed = result.get("success") is False or result.get("ok") is False
    said = bool(result.get("error")) and result.get("success") is not True
    return flagged or failed or said or result.get("status") in ("error", "failure")


def _error_shape(result: Json) -> Json:
    """An error in words in the shape of `scenarios.core.world.error`, as the adapters give it; others stay."""
    if isinstance(result, str):
        lines = result.strip().splitlines() or [""]
        return {"error": "failed", "message": lines[0].strip()[:300]}
    return result


def events_of(messages: Json, where: str = "messages") -> tuple[Event, ...]:
    """The events of a list of messages. Raises `RowError` naming the message."""
    if not isinstance(messages, list) or not messages:
        raise RowError(f"{where}: must be a list of messages")
    if len(messages) > MAX_MESSAGES:
        raise RowError(f"{where}: {len(messages)} messages; at most {MAX_MESSAGES} are read")
    assembly = Assembly()
    for at, value in enumerate(messages):
        place = f"{where}[{at}]"
        assembly.add(message_of(value, place), place)
    calls = sum(event.turn.role == "tool" for event in assembly.events)
    if calls > MAX_CALLS:
        raise RowError(f"{where}: {calls} tool calls; at most {MAX_CALLS} in one conversation")
    if not assembly.events:
        raise RowError(f"{where}: the user says nothing")
    said = sum(len(e.turn.content) for e in assembly.events if e.turn.role != "tool")
    if said > MAX_SAID:
        raise RowError(
            f"{where}: the texts have {said:,} characters; at most {MAX_SAID:,} are read"
        )
    return tuple(assembly.events)
