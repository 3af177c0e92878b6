"""OpenTelemetry GenAI spans.

Spans as OTLP JSON (`resourceSpans`) or as the SDK's console exporter writes them, one file or one span a line, with
the `gen_ai.*` attributes. Messages are read from `gen_ai.input.messages` and `gen_ai.output.messages`, from the older
message events, or from `gen_ai.prompt.N.*`; tools' times, arguments and results from `execute_tool` spans. All spans of
one trace make one conversation.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scenarios.core.types import Json
from scenarios.sources.formats._json import canonical
from scenarios.sources.formats._messages import amount
from scenarios.sources.formats._spans import (
    Execution,
    Trace,
    between,
    by_trace,
    moment,
    read_trace,
)
from scenarios.sources.formats.base import Format, Recorded, Refused, Row

Span = Mapping[str, Any]
_INDEXED = re.compile(r"gen_ai\.(prompt|completion)\.(\d{1,3})\.(.{1,80})")
_CALL = re.compile(r"tool_calls\.(\d{1,3})\.(id|name|arguments)")
_EVENT_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}


class OTelGenAI(Format):
    """Reads the spans of an export, one conversation per trace."""

    @classmethod
    def read(cls, rows: Iterable[Row]) -> Iterator[Recorded | Refused]:
        placed = []
        for number, value in rows:
            spans = list(_spans(value))
            if not spans:
                yield Refused(number, "holds no span: neither `resourceSpans` nor a trace's id")
            placed += [(_trace_id(span), number, span) for span in spans]
        for spans_of_one in by_trace(placed):
            yield read_trace(spans_of_one, _trace)


def _spans(value: Json) -> Iterator[Span]:
    """The spans of an OTLP document, or the one that a row is."""
    if not isinstance(value, Mapping):
        return
    if _trace_id(value):
        yield value
    for outer, inner in (
        ("resourceSpans", "scopeSpans"),
        ("resource_spans", "scope_spans"),
        ("resourceSpans", "instrumentationLibrarySpans"),
    ):
        for resource in _objects(value.get(outer)):
            for scope in _objects(resource.get(inner)):
                yield from _objects(scope.get("spans"))
    yield from _objects(value.get("spans"))


def _objects(value: Json) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _trace_id(span: Span) -> str:
    context = span.get("context")
    for holder in (span, context if isinstance(context, Mapping) else {}):
        for key in ("traceId", "trace_id"):
            if isinstance(holder.get(key), str) and holder[key]:
                return str(holder[key])
    return ""


def _attributes(holder: Mapping[str, Any]) -> dict[str, Json]:
    """Attributes as a plain object; OTLP writes a list of keys and typed values."""
    found = holder.get("attributes")
    if isinstance(found, Mapping):
        return dict(found)
    return {
        item["key"]: _plain(item.get("value"))
        for item in _objects(found)
        if isinstance(item.get("key"), str)
    }


def _plain(value: Json) -> Json:
    if not isinstance(value, Mapping) or len(value) != 1:
        return value
    [(kind, inner)] = value.items()
    if kind == "intValue" and isinstance(inner, str) and re.fullmatch(r"-?\d{1,18}", inner):
        return int(inner)
    if kind == "arrayValue" and isinstance(inner, Mapping):
        listed = inner.get("values")
        return [_plain(item) for item in listed] if isinstance(listed, list) else []
    if kind == "kvlistValue" and isinstance(inner, Mapping):
        return _attributes({"attributes": inner.get("values")})
    return inner if kind.endswith("Value") else value


def _time(span: Span, which: str) -> Json:
    return span.get(f"{which}TimeUnixNano", span.get(f"{which}_time"))


def _trace(row: int, spans: list[Span]) -> Trace:
    trace = Trace(row)
    for span in sorted(spans, key=lambda s: moment(_time(s, "start")) or 0.0):
        about = _attributes(span)
        if about.get("gen_ai.operation.name") == "execute_tool":
            trace.executions.append(_execution(span, about))
        elif messages := _messages(span, about):
            trace.chats.append(messages)
        listed = canonical(about.get("gen_ai.tool.definitions"))
        if isinstance(listed, list) and listed:
            trace.tools = listed
        if (cost := amount(about.get("gen_ai.usage.cost"))) is not None:
            trace.cost = (trace.cost or 0.0) + cost
    return trace


def _messages(span: Span, about: Mapping[str, Json]) -> list[Json]:
    """Input and output messages of a model call, in whichever version of the conventions they are written."""
    events = [
        (str(event.get("name")), _attributes(event), event)
        for event in _objects(span.get("events"))
    ]
    for holder in (about, *(found for _, found, _ in events)):
        found = [
            message
            for name in ("gen_ai.input.messages", "gen_ai.output.messages")
            for message in _objects(canonical(holder.get(name)))
        ]
        if found:
            return list(found)
    return _from_events(events) or _from_indexes(about)


def _from_events(events: list[tuple[str, dict[str, Json], Mapping[str, Any]]]) -> list[Json]:
    found: list[Json] = []
    for name, about, event in events:
        body = canonical(event.get("body", about.get("gen_ai.event.content", about)))
        if name in ("gen_ai.content.prompt", "gen_ai.content.completion"):
            listed = canonical(about.get("gen_ai.prompt", about.get("gen_ai.completion")))
            found += _objects(listed)
        elif isinstance(body, Mapping) and name == "gen_ai.choice":
            message = canonical(body.get("message", body))
            if isinstance(message, Mapping):
                found.append({**_told(message), "role": "assistant"})
        elif isinstance(body, Mapping) and name in _EVENT_ROLES:
            found.append({**_told(body), "role": _EVENT_ROLES[name]})
    return found


def _told(body: Mapping[str, Any]) -> dict[str, Any]:
    """A message of an event. Span events can only hold texts, so lists are written as JSON."""
    told = dict(body)
    if "tool_calls" in told:
        told["tool_calls"] = canonical(told["tool_calls"])
    if "id" in told and "tool_call_id" not in told:
        told["tool_call_id"] = told["id"]
    return told


def _from_indexes(about: Mapping[str, Json]) -> list[Json]:
    """`gen_ai.prompt.0.role` and so on, with `tool_calls.0.name` inside."""
    places: dict[tuple[bool, int], dict[str, Any]] = defaultdict(dict)
    for key, value in about.items():
        if found := _INDEXED.fullmatch(key):
            message = places[found[1] == "completion", int(found[2])]
            if call := _CALL.fullmatch(found[3]):
                message.setdefault("calls", defaultdict(dict))[int(call[1])][call[2]] = value
            else:
                message[found[3]] = value
    return [_indexed(places[place], place) for place in sorted(places)]


def _indexed(message: dict[str, Any], place: tuple[bool, int]) -> dict[str, Any]:
    calls = message.pop("calls", {})
    told = {"role": "assistant" if place[0] else "user", **message}
    if calls:
        told["tool_calls"] = [dict(calls[number]) for number in sorted(calls)]
    return told


def _execution(span: Span, about: Mapping[str, Json]) -> Execution:
    status = span.get("status")
    code = status.get("code", status.get("status_code")) if isinstance(status, Mapping) else None
    failed = code in (2, "2", "ERROR", "STATUS_CODE_ERROR") or bool(about.get("error.type"))
    result = about.get("gen_ai.tool.call.result", about.get("gen_ai.tool.output"))
    if failed and result is None:
        said = (
            status.get("message", status.get("description"))
            if isinstance(status, Mapping)
            else None
        )
        result = said or str(about.get("error.type") or "failed")
    id_ = about.get("gen_ai.tool.call.id")
    return Execution(
        about.get("gen_ai.tool.name"),
        about.get("gen_ai.tool.call.arguments", about.get("gen_ai.tool.input")),
        result,
        id_ if isinstance(id_, str) else None,
        failed,
        between(_time(span, "start"), _time(span, "end")),
        amount(about.get("gen_ai.usage.cost")),
    )
