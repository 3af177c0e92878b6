"""Readers of recorded conversations: three formats, one conversation; bad rows are named and cost nobody else theirs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.load import dumpd
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from scenarios.core.types import Turn
from scenarios.sources.base import SourceError
from scenarios.sources.formats import formats
from scenarios.sources.traces import Reading, read_traces

ORDER = {"order_id": "A-17", "status": "shipped"}
SCHEMA = {
    "type": "object",
    "properties": {"order_id": {"type": "string"}},
    "required": ["order_id"],
}
TOOL = {
    "type": "function",
    "function": {"name": "get_order", "description": "An order.", "parameters": SCHEMA},
}


def call(name: str, arguments: Any, id_: str = "c1") -> dict[str, Any]:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    function = {"name": name, "arguments": text}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": id_, "type": "function", "function": function}],
    }


def result(content: Any, id_: str = "c1", **more: Any) -> dict[str, Any]:
    text = content if isinstance(content, str) else json.dumps(content)
    return {"role": "tool", "tool_call_id": id_, "content": text, **more}


def said(text: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": text}


CHAT = [
    said("Be kind.", "system"),
    said("Where is order A-17?"),
    call("get_order", {"order_id": "A-17"}),
    result(ORDER, seconds=0.5, cost=0.01),
    said("It has been shipped.", "assistant"),
]


def lines(*rows: Any) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def langchain_run() -> list[dict[str, Any]]:
    """An export as LangSmith has it: a chain, its two model calls and its tool, messages serialised by LangChain."""
    made = AIMessage(
        content="", tool_calls=[{"name": "get_order", "args": {"order_id": "A-17"}, "id": "c1"}]
    )
    asked = [SystemMessage(content="Be kind."), HumanMessage(content="Where is order A-17?")]
    answered = ToolMessage(content=json.dumps(ORDER), tool_call_id="c1", name="get_order")
    end = AIMessage(content="It has been shipped.")

    def llm(id_: str, at: int, before: list[Any], after: AIMessage) -> dict[str, Any]:
        return {
            "id": id_, "trace_id": "t", "parent_run_id": "t", "run_type": "llm", "name": "ChatOpenAI",
            "start_time": f"2026-03-01T10:00:0{at}+00:00", "end_time": f"2026-03-01T10:00:0{at + 1}+00:00",
            "inputs": {"messages": [[dumpd(message) for message in before]]},
            "outputs": {"generations": [[{"text": "", "message": dumpd(after)}]]},
            "extra": {"invocation_params": {"tools": [TOOL]}}, "error": None,
        }  # fmt: skip

    tool = {
        "id": "x", "trace_id": "t", "parent_run_id": "t", "run_type": "tool", "name": "get_order",
        "start_time": "2026-03-01T10:00:02+00:00", "end_time": "2026-03-01T10:00:02.500000+00:00",
        "inputs": {"input": "{'order_id': 'A-17'}"}, "outputs": {"output": dumpd(answered)}, "total_cost": "0.01",
    }  # fmt: skip
    root = {
        "id": "t", "trace_id": "t", "parent_run_id": None, "run_type": "chain", "name": "Agent", "total_cost": 0.02,
        "start_time": "2026-03-01T10:00:00+00:00", "end_time": "2026-03-01T10:00:05+00:00",
        "inputs": {"input": "Where is order A-17?"}, "outputs": {"output": "It has been shipped."},
    }  # fmt: skip
    return [llm("b", 3, [*asked, made, answered], end), tool, root, llm("a", 1, asked, made)]


def otel_spans() -> dict[str, Any]:
    """OTLP JSON as the conventions of 2025 have it."""

    def attributes(**values: Any) -> list[dict[str, Any]]:
        kinds = {str: "stringValue", int: "intValue", float: "doubleValue"}
        return [
            {"key": key.replace("__", "."), "value": {kinds[type(value)]: str(value) if isinstance(value, int) else value}}
            for key, value in values.items()
        ]  # fmt: skip

    def span(id_: str, start: int, end: int, **values: Any) -> dict[str, Any]:
        return {
            "traceId": "ab12", "spanId": id_, "name": id_, "startTimeUnixNano": str(10**18 + start * 10**8),
            "endTimeUnixNano": str(10**18 + end * 10**8), "attributes": attributes(**values), "status": {},
        }  # fmt: skip

    user = {"role": "user", "parts": [{"type": "text", "content": "Where is order A-17?"}]}
    made = {"role": "assistant", "parts": [
        {"type": "tool_call", "id": "c1", "name": "get_order", "arguments": {"order_id": "A-17"}}]}  # fmt: skip
    back = {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "c1", "response": ORDER}],
    }
    end = {"role": "assistant", "parts": [{"type": "text", "content": "It has been shipped."}]}
    chat = {"gen_ai__operation__name": "chat", "gen_ai__tool__definitions": json.dumps([TOOL])}
    spans = [
        span("2", 30, 40, **chat, gen_ai__input__messages=json.dumps([user, made, back]), gen_ai__output__messages=json.dumps([end])),
        span("t", 20, 25, gen_ai__operation__name="execute_tool", gen_ai__tool__name="get_order", gen_ai__tool__call__id="c1", gen_ai__tool__call__arguments=json.dumps({"order_id": "A-17"}), gen_ai__usage__cost=0.01),
        span("1", 0, 10, **chat, gen_ai__input__messages=json.dumps([user]), gen_ai__output__messages=json.dumps([made])),
    ]  # fmt: skip
    return {
        "resourceSpans": [
            {"resource": {}, "scopeSpans": [{"scope": {"name": "x"}, "spans": spans}]}
        ]
    }


FILES = {
    "openai_chat": lines({"messages": CHAT, "tools": [TOOL]}),
    "langsmith": json.dumps(langchain_run(), indent=1).encode(),
    "otel_genai": json.dumps(otel_spans()).encode(),
}


@pytest.mark.parametrize("key", formats.keys())
def test_every_format_gives_the_same_conversation(key: str) -> None:
    reading = read_traces(FILES[key], key)
    [one] = reading.conversations
    made = one.events[1].turn.call
    assert made is not None
    assert [turn.role for turn in one.turns] == ["user", "assistant", "tool", "assistant"]
    assert one.turns[0] == Turn("user", "Where is order A-17?")
    assert one.turns[2] == Turn("tool", ORDER, call=made)
    assert (made.name, made.arguments) == ("get_order", {"order_id": "A-17"})
    assert one.turns[3].content == "It has been shipped."
    assert one.events[1].seconds == pytest.approx(0.5)
    assert one.events[1].cost == pytest.approx(0.01)
    assert [tool.name for tool in reading.tools] == ["get_order"]
    assert not reading.inferred
    assert reading.statistics.coverage == 1.0


def test_every_format_has_a_title_and_a_text() -> None:
    assert formats.keys() == ["langsmith", "openai_chat", "otel_genai"]
    for key in formats.keys():  # noqa: SIM118 (a registry is no mapping)
        title, text = formats.about(key)
        assert title
        assert text


def turns_of(reading: Reading) -> list[Turn]:
    [one] = reading.conversations
    return list(one.turns)


def test_nested_runs_without_messages_are_put_together_from_the_tools() -> None:
    root = {
        "id": "r", "run_type": "chain", "name": "crew", "inputs": {"question": "Where is order A-17?"},
        "outputs": {"answer": "Lost."}, "start_time": 1_700_000_000_000,
        "child_runs": [
            {"id": "2", "run_type": "tool", "name": "open_claim", "inputs": {"order_id": "A-17"},
             "start_time": 1_700_000_002_000, "end_time": 1_700_000_002_250, "error": "TimeoutError: too slow"},
            {"id": "1", "run_type": "tool", "name": "get_order", "inputs": {"order_id": "A-17"},
             "outputs": {"output": ORDER}, "start_time": 1_700_000_001_000, "end_time": 1_700_000_001_500},
        ],
    }  # fmt: skip
    turns = turns_of(read_traces(json.dumps({"runs": [root]}).encode(), "langsmith"))
    calls = [turn for turn in turns if turn.role == "tool"]
    assert [turn.call.name for turn in calls if turn.call] == ["get_order", "open_claim"]
    assert [turn.is_error for turn in calls] == [False, True]
    assert calls[1].content == {"error": "failed", "message": "TimeoutError: too slow"}
    assert turns[0].content == "Where is order A-17?"
    assert turns[-1].content == "Lost."


def test_message_events_and_indexed_attributes_are_read_too() -> None:
    made = [{"id": "c1", "function": {"name": "get_order", "arguments": '{"order_id": "A-17"}'}}]
    events = [
        {"name": "gen_ai.user.message", "attributes": {"content": "Where is order A-17?"}},
        {"name": "gen_ai.assistant.message", "attributes": {"tool_calls": json.dumps(made)}},
        {"name": "gen_ai.tool.message", "attributes": {"id": "c1", "content": json.dumps(ORDER)}},
        {"name": "gen_ai.choice", "attributes": {"message": json.dumps({"content": "It has been shipped."})}},
    ]  # fmt: skip
    old = {"context": {"trace_id": "0xa"}, "name": "chat", "attributes": {}, "events": events}
    indexed = {
        "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "Where is order A-17?",
        "gen_ai.prompt.1.role": "assistant", "gen_ai.prompt.1.tool_calls.0.id": "c1",
        "gen_ai.prompt.1.tool_calls.0.name": "get_order",
        "gen_ai.prompt.1.tool_calls.0.arguments": '{"order_id": "A-17"}',
        "gen_ai.prompt.2.role": "tool", "gen_ai.prompt.2.content": json.dumps(ORDER),
        "gen_ai.prompt.2.tool_call_id": "c1",
        "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "It has been shipped.",
    }  # fmt: skip
    for span in (old, {"trace_id": "b", "name": "chat", "attributes": indexed}):
        assert turns_of(read_traces(lines(span), "otel_genai")) == turns_of(
            read_traces(FILES["openai_chat"], "openai_chat")
        )


def test_results_are_matched_by_id_whatever_their_order() -> None:
    both = call("get_order", {"order_id": "A-1"}, "c1")
    both["tool_calls"] += call("get_order", {"order_id": "A-2"}, "c2")["tool_calls"]
    rows = [said("A-1 and A-2?"), both, result("two", "c2"), result("one", "c1")]
    [one] = read_traces(lines({"messages": rows}), "openai_chat").conversations
    assert [(e.turn.content, e.at_once) for e in one.calls] == [("one", False), ("two", True)]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("Error: no such order", True),
        ({"error": "not_found", "message": "no such order"}, True),
        ({"isError": True, "content": []}, True),
        ({"status": "error"}, True),
        ({"success": False}, True),
        ({"error": None, "order": 1}, False),
        ("{'a': 'a python literal'}", False),
        ("an erroneous order", False),
    ],
)
def test_errors_are_known_by_their_usual_shapes(content: Any, error: bool) -> None:
    rows = [said("A-1?"), call("get_order", {"order_id": "A-1"}), result(content)]
    rows += [call("get_order", {"order_id": "A-2"}), result(ORDER)]
    [one] = read_traces(lines({"messages": rows}), "openai_chat").conversations
    assert one.calls[0].turn.is_error is error


def test_a_python_literal_becomes_the_value_that_it_stands_for() -> None:
    rows = [said("A-1?"), call("get_order", {"order_id": "A-1"}), result("{'ok': True, 'n': None}")]
    [one] = read_traces(lines({"messages": rows}), "openai_chat").conversations
    assert one.calls[0].turn.content == {"ok": True, "n": None}


GOOD = {"messages": CHAT}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (b'{"messages": ', "is not JSON"),
        (b'{"messages": [{"role": "user", "content": NaN}]}', "is not JSON"),
        (b'{"messages": [{"role": "user", "content": "a\\u0000b"}]}', "NUL"),
        (b'{"messages": [{"role": "user", "content": 1e999}]}', "is not JSON"),
        (b'{"messages": ' + b"[" * 60 + b"]" * 60 + b"}", "levels deep"),
        (b"17", "must be an object"),
        (b'{"chat": []}', "no `messages`"),
        (b'{"messages": []}', "list of messages"),
        (b'{"messages": [{"role": "robot", "content": "x"}]}', "messages[0]: the role"),
        (lines({"messages": [said("Hello")]}), "neither a tool call nor an answer"),
        (lines({"messages": [said("x" * 9_000)]}), "8,000"),
        (lines({"messages": [said("Go"), call("final", {})]}), "is a decision of the agent"),
        (lines({"messages": [said("Go"), call("a b", {})]}), "a tool's name"),
        (lines({"messages": [said("Go"), call("get", "[1]")]}), "arguments: must be an object"),
        (lines({"messages": [said("Go"), call("get", "{a")]}), "arguments: is not JSON"),
        (lines({"messages": [said("Go"), result("x", "c9")]}), "a call that the conversation does not hold"),
        (lines({"messages": [call("get", {})]}), "before the user has said anything"),
        (lines({"messages": [said("Go"), call("get", {}), result("x" * 70_000)]}), "60,000"),
        (lines({"messages": [said("Go")] + [call("get", {})] * 70}), "at most 60"),
        (lines({"messages": CHAT, "tools": [{"function": 5}]}), "tools[0]"),
        (lines({"messages": CHAT, "ending": "sleep"}), "ending: must be"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_and_the_others_are_read(row: bytes, why: str) -> None:
    reading = read_traces(b"\n".join([row, lines(GOOD), b""]), "openai_chat")
    assert len(reading.conversations) == 1
    [refused] = reading.refused
    assert refused.row == 1
    assert why in refused.why


def test_a_file_that_cannot_be_read_at_all_says_why(tmp_path: Any) -> None:
    with pytest.raises(SourceError, match="no such file"):
        read_traces(tmp_path / "none.jsonl", "openai_chat")
    with pytest.raises(SourceError, match="Did you mean 'langsmith'"):
        read_traces(b"", "langsmit")
    with pytest.raises(SourceError, match="is no rule"):
        read_traces(b"", "openai_chat", redact=["everything"])
    with pytest.raises(SourceError, match="tools: "):
        read_traces(lines(GOOD), "openai_chat", tools=b'{"tools": 3}')


def test_tools_may_come_from_a_file_of_their_own() -> None:
    reading = read_traces(lines(GOOD), "openai_chat", tools=json.dumps([TOOL]).encode())
    assert reading.tools[0].description == "An order."
    assert reading.inferred == ()


def test_a_log_of_requests_counts_each_conversation_once() -> None:
    growing = [{"messages": CHAT[:end]} for end in (2, 4, 5)]
    reading = read_traces(lines(*growing, GOOD), "openai_chat")
    assert len(reading.conversations) == 1
    assert [row.why for row in reading.refused] == [
        "holds neither a tool call nor an answer: there is nothing to learn from",
        "is how the conversation of row 3 began",
        "is the same as row 3",
    ]


def test_stated_schemas_lose_what_a_stranger_must_not_decide() -> None:
    properties = {
        "a": {"type": "string", "pattern": "(a+)+$"},
        "b": {"$ref": "http://example.org/schema.json"},
        "c": {"$ref": "#/$defs/Kind"},
        "e": {"type": "string", "format": "date"},
        "d": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
    }
    schema = {
        "type": "object",
        "properties": properties,
        "required": ["a", "d"],
        "$defs": {"Kind": {"enum": ["x", "y"]}},
    }
    tool = {"name": "t", "parameters": schema}
    rows = {
        "messages": [said("Go"), call("t", {"a": "q", "c": "x", "d": None}), result("ok")],
        "tools": [tool],
    }
    [found] = read_traces(lines(rows), "openai_chat").tools
    assert found.parameters == {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {},
            "c": {"enum": ["x", "y"]},
            "e": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
            "d": {"type": "integer"},
        },
        "required": ["a"],
    }


def test_spans_of_the_real_sdk_are_read() -> None:
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    kept = memory.InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("test")
    user = {"role": "user", "parts": [{"type": "text", "content": "Where is order A-17?"}]}
    wanted = json.dumps({"order_id": "A-17"})
    with tracer.start_as_current_span("invoke_agent") as agent:
        agent.set_attribute("gen_ai.input.messages", json.dumps([user]))
        for failed in (True, False):
            with tracer.start_as_current_span("execute_tool get_order") as span:
                span.set_attribute("gen_ai.operation.name", "execute_tool")
                span.set_attribute("gen_ai.tool.name", "get_order")
                span.set_attribute("gen_ai.tool.call.arguments", wanted)
                if failed:
                    span.set_attribute("error.type", "TimeoutError")
                else:
                    span.set_attribute("gen_ai.tool.call.result", json.dumps(ORDER))
    lines_ = "\n".join(span.to_json(indent=None) for span in kept.get_finished_spans())
    [one] = read_traces(lines_.encode(), "otel_genai").conversations
    assert [event.turn.is_error for event in one.calls] == [True, False]
    assert one.calls[1].turn.content == ORDER
    assert all(event.seconds is not None for event in one.calls)
    assert one.turns[0].content == "Where is order A-17?"
