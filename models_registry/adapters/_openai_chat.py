"""OpenAI's chat-completions protocol, from the side of the server: requests as turns, decisions as completions.

Shapes: OpenAI API reference, "Create chat completion". What a policy has no use for (temperature, stop, ...) is
ignored; what it cannot do (n above 1, pictures) is refused by name.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from models_registry.adapters._core import Reply, call_id
from models_registry.adapters.base import canonical_result
from scenarios.core.types import Json, Tool, ToolCall, Turn

MOST_MESSAGES = 500
MOST_TOOLS = 200
MOST_TEXT = 200_000


class BadRequest(ValueError):
    """A request that cannot be served. param: the field that is wrong."""

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.param = param


@dataclass(frozen=True, slots=True)
class Chat:
    """A request: the conversation so far, the tools on offer, and how the answer is wanted."""

    model: str
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...]
    choice: Any
    stream: bool
    with_usage: bool


def read(body: Json) -> Chat:
    """A request's body. Raises `BadRequest` naming the field."""
    if not isinstance(body, Mapping):
        raise BadRequest("the body must be a JSON object", "body")
    if body.get("n", 1) not in (1, None):
        raise BadRequest("a policy has one answer; leave n out", "n")
    model = body.get("model", "")
    if not isinstance(model, str):
        raise BadRequest("must be text", "model")
    options = body.get("stream_options")
    return Chat(
        model,
        tuple(turns_of(body.get("messages"))),
        _same_tools(orjson.dumps(body.get("tools"))),
        body.get("tool_choice"),
        body.get("stream") is True,
        isinstance(options, Mapping) and options.get("include_usage") is True,
    )


@lru_cache(maxsize=256)
def _same_tools(given: bytes) -> tuple[Tool, ...]:
    """The tools of a request. Clients send the same list with every message, and what is prepared for it is kept."""
    return tuple(tools_of(orjson.loads(given)))


def tools_of(given: Json) -> Iterator[Tool]:
    """The tools on offer."""
    if given is None:
        return
    if not isinstance(given, list) or len(given) > MOST_TOOLS:
        raise BadRequest(f"must be a list of at most {MOST_TOOLS} tools", "tools")
    for at, item in enumerate(given):
        body = item.get("function") if isinstance(item, Mapping) else None
        if not isinstance(body, Mapping) or not isinstance(body.get("name"), str):
            raise BadRequest(
                'must be {"type": "function", "function": {"name": ...}}', f"tools[{at}]"
            )
        schema = body.get("parameters") or {"type": "object", "properties": {}}
        if not isinstance(schema, Mapping) or not isinstance(schema.get("properties", {}), Mapping):
            raise BadRequest("must be a JSON Schema of type object", f"tools[{at}].parameters")
        yield Tool(body["name"], str(body.get("description") or ""), schema)


def turns_of(messages: Json) -> Iterator[Turn]:
    """The conversation in canonical turns.

    System messages are left out. A message with several calls becomes call, result, call, result.
    """
    if not isinstance(messages, list) or not messages:
        raise BadRequest("must be a list of messages that is not empty", "messages")
    if len(messages) > MOST_MESSAGES:
        raise BadRequest(f"at most {MOST_MESSAGES} messages are taken", "messages")
    calls: dict[str, ToolCall] = {}
    for at, message in enumerate(messages):
        place = f"messages[{at}]"
        role = message.get("role") if isinstance(message, Mapping) else None
        if role in ("system", "developer"):
            continue
        if role == "user":
            yield Turn("user", _text(message.get("content"), place))
        elif role == "assistant":
            made = list(_calls(message.get("tool_calls"), place))
            calls.update(made)
            if not made:
                yield Turn("assistant", _text(message.get("content"), place))
        elif role == "tool":
            call = calls.get(str(message.get("tool_call_id")), ToolCall("unknown"))
            text = _text(message.get("content"), place)
            content, is_error = canonical_result(text, flagged=False, table=())
            yield Turn("assistant", call=call)
            yield Turn("tool", content, call=call, is_error=is_error)
        else:
            raise BadRequest("its role must be system, developer, user, assistant or tool", place)


def _calls(given: Json, place: str) -> Iterator[tuple[str, ToolCall]]:
    if given is None:
        return
    if not isinstance(given, list):
        raise BadRequest("must be a list", f"{place}.tool_calls")
    for call in given:
        body = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(body, Mapping) or not isinstance(body.get("name"), str):
            raise BadRequest("every call needs a function with a name", f"{place}.tool_calls")
        try:
            arguments = json.loads(body.get("arguments") or "{}")
        except (TypeError, ValueError, RecursionError):
            arguments = None
        if not isinstance(arguments, dict):
            raise BadRequest("arguments must be a JSON object as text", f"{place}.tool_calls")
        yield str(call.get("id")), ToolCall(body["name"], arguments)


def _text(content: Json, place: str) -> str:
    """Text, or the text parts of a list of parts."""
    if content is None:
        return ""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, Mapping)]
        if any(part.get("type", "text") != "text" for part in parts) or len(parts) != len(content):
            raise BadRequest("only text parts are understood", f"{place}.content")
        content = "".join(str(part.get("text", "")) for part in parts)
    if not isinstance(content, str):
        raise BadRequest("must be text", f"{place}.content")
    if len(content) > MOST_TEXT or "\0" in content:
        raise BadRequest(
            f"must be at most {MOST_TEXT:,} characters, without NUL", f"{place}.content"
        )
    return content


def completion(reply: Reply, model: str) -> dict[str, Json]:
    """A decision as a `chat.completion`. No LLM was asked, so it cost no tokens.

    `agentgym` carries what the protocol has no place for: the kind of decision, confidence and alternatives.
    """
    decision = reply.decision
    message: dict[str, Json] = {"role": "assistant", "content": decision.text or None}
    if decision.call is not None:
        function = {
            "name": decision.call.name,
            "arguments": json.dumps(dict(decision.call.arguments), ensure_ascii=False),
        }
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": call_id(), "type": "function", "function": function}],
        }
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex[:24]}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": "tool_calls" if decision.call is not None else "stop",
            }
        ],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        "agentgym": reply.metadata(model),
    }


def events(whole: Mapping[str, Any], *, with_usage: bool) -> Iterator[str]:
    """A completion as server-sent events: a decision exists at once, so one chunk holds all of it."""
    [choice] = whole["choices"]
    delta = dict(choice["message"])
    if calls := delta.get("tool_calls"):
        delta["tool_calls"] = [{**call, "index": n} for n, call in enumerate(calls)]
    head = {key: whole.get(key) for key in ("id", "created", "model")}
    head["object"] = "chat.completion.chunk"
    first = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    last = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": choice.get("finish_reason")}
    chunks: list[dict[str, Json]] = [
        {**head, "choices": [first], "agentgym": whole.get("agentgym")},
        {**head, "choices": [last]},
    ]
    if with_usage:
        chunks.append({**head, "choices": [], "usage": whole.get("usage")})
    yield from (f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n" for chunk in chunks)
    yield "data: [DONE]\n\n"


def error_body(message: str, param: str | None = None, code: str | None = None) -> dict[str, Json]:
    """An error as the protocol words it."""
    said = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return {"error": said}


def listed(names: Sequence[str]) -> dict[str, Json]:
    """The models on offer, as `GET /v1/models` answers."""
    return {
        "object": "list",
        "data": [
            {"id": name, "object": "model", "created": 0, "owned_by": "agentgym"} for name in names
        ],
    }


def decision_json(reply: Reply, allowed: Sequence[str]) -> dict[str, Json]:
    """A decision by itself: tool, arguments, confidence, alternatives, and the mask (which tools could be called)."""
    decision = reply.decision
    return {
        "kind": decision.kind,
        "tool": decision.call.name if decision.call else None,
        "arguments": dict(decision.call.arguments) if decision.call else None,
        "text": decision.text,
        "confidence": decision.confidence,
        "alternatives": [
            {"decision": name, "probability": chance} for name, chance in decision.alternatives
        ],
        "mask": list(allowed),
        "schema_errors": list(reply.problems),
    }
