"""AutoGen's messages and tool schemas as the turns and tools that a policy was trained on."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from autogen_agentchat.messages import (
    BaseAgentEvent,
    BaseChatMessage,
    TextMessage,
    ToolCallExecutionEvent,
    ToolCallRequestEvent,
)
from autogen_core import FunctionCall
from autogen_core.models import (
    AssistantMessage,
    FunctionExecutionResult,
    FunctionExecutionResultMessage,
    LLMMessage,
    UserMessage,
)
from autogen_core.tools import Tool as NativeTool
from autogen_core.tools import ToolSchema

from models_registry.adapters._livetools import without_titles
from models_registry.adapters.base import ErrorTable, canonical_result
from scenarios.core.types import Tool, ToolCall, Turn

ERRORS: ErrorTable = (
    (re.compile(r"^Error: tool '(?P<tool>.+)' not found in any workbench"), "unknown_tool"),
    (re.compile(r"^Tool (?P<tool>\S+) not found\.$"), "unknown_tool"),
    (
        re.compile(r"^\d+ validation errors? for \w+\n(?P<message>.*)", re.DOTALL),
        "invalid_arguments",
    ),
)
"""How AssistantAgent and workbenches word errors; an exception of a tool is its bare text."""


def spec_of(tool: NativeTool | ToolSchema | Mapping[str, Any]) -> Tool:
    """The canonical spec of a tool of AutoGen."""
    schema: Any = tool if isinstance(tool, Mapping) else tool.schema
    parameters = without_titles(dict(schema.get("parameters") or {"type": "object"}))
    parameters.pop("additionalProperties", None)
    parameters["properties"] = {
        # Where a parameter has no description, AutoGen puts its name.
        name: {key: v for key, v in given.items() if (key, v) != ("description", name)}
        for name, given in parameters.get("properties", {}).items()
    }
    return Tool(schema["name"], schema.get("description", ""), parameters)


def turns_from(messages: Sequence[LLMMessage], doors: Collection[str] = ()) -> list[Turn]:
    """A model's context in canonical turns, with the framework's names of tools.

    System messages are left out. What another member of a team says reads as the user's. `doors` are hand-off tools
    that lead to a person: to go through one reads as the words that went with it, as a question does in training.
    """
    turns: list[Turn] = []
    calls: dict[str, FunctionCall] = {}
    for message in messages:
        if isinstance(message, UserMessage):
            turns.append(Turn("user", _text(message.content)))
        elif isinstance(message, AssistantMessage):
            if isinstance(message.content, str):
                turns.append(Turn("assistant", message.content))
                continue
            calls |= {call.id: call for call in message.content}
            if any(call.name in doors for call in message.content):
                turns.append(Turn("assistant", message.thought or ""))
        elif isinstance(message, FunctionExecutionResultMessage):
            turns += _results(message.content, calls, doors)
    return turns


def recorded_turns(messages: Sequence[BaseAgentEvent | BaseChatMessage]) -> list[Turn]:
    """The messages of a `TaskResult` in canonical turns."""
    turns: list[Turn] = []
    calls: dict[str, FunctionCall] = {}
    for message in messages:
        if isinstance(message, ToolCallRequestEvent):
            calls |= {call.id: call for call in message.content}
        elif isinstance(message, ToolCallExecutionEvent):
            turns += _results(message.content, calls, ())
        elif isinstance(message, TextMessage):
            turns.append(Turn("user" if message.source == "user" else "assistant", message.content))
    return turns


def _results(
    results: Sequence[FunctionExecutionResult],
    calls: Mapping[str, FunctionCall],
    doors: Collection[str],
) -> list[Turn]:
    turns: list[Turn] = []
    for result in results:
        if result.name in doors:
            continue
        asked = calls.get(result.call_id)
        call = ToolCall(result.name, arguments_of(asked.arguments) if asked else {})
        content, is_error = canonical_result(
            result.content, flagged=bool(result.is_error), table=ERRORS
        )
        turns += [Turn("assistant", call=call), Turn("tool", content, call=call, is_error=is_error)]
    return turns


def arguments_of(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(content: str | list[Any]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part for part in content if isinstance(part, str))
