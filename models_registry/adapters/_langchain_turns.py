"""LangChain messages as the turns that a policy was trained on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from models_registry.adapters.base import ErrorTable, canonical_result
from scenarios.core.types import ToolCall, Turn

ERRORS: ErrorTable = (
    (re.compile(r"^Error: (?P<tool>.+) is not a valid tool\b"), "unknown_tool"),
    (
        re.compile(
            r"^Error invoking tool .*? with error:\s+(?P<message>.*?)\s+Please fix the error",
            re.DOTALL,
        ),
        "invalid_arguments",
    ),
    (
        re.compile(
            r"^Error executing tool .*? with error:\s+(?P<message>.*?)\s+Please fix the error",
            re.DOTALL,
        ),
        "failed",
    ),
    (re.compile(r"^Error: (?P<message>.*?)\s+Please fix your mistakes", re.DOTALL), "failed"),
)
"""How langchain's ToolNode words errors; tools themselves may say anything."""


def turns_from(messages: Sequence[BaseMessage]) -> list[Turn]:
    """The conversation in canonical turns, with the framework's names of tools.

    System messages are left out. A message with several calls becomes call, result, call, result; words beside a call
    are dropped, because in training a text of the agent is a question or the end.
    """
    turns: list[Turn] = []
    calls: dict[str | None, ToolCall] = {}
    for message in messages:
        if isinstance(message, HumanMessage):
            turns.append(Turn("user", message.text))
        elif isinstance(message, AIMessage):
            for call in message.tool_calls:
                calls[call["id"]] = ToolCall(call["name"], call["args"])
            if not message.tool_calls:
                turns.append(Turn("assistant", message.text))
        elif isinstance(message, ToolMessage):
            made = calls.get(message.tool_call_id) or ToolCall(message.name or "unknown")
            content, is_error = canonical_result(
                message.text, flagged=message.status == "error", table=ERRORS
            )
            turns += [
                Turn("assistant", call=made),
                Turn("tool", content, call=made, is_error=is_error),
            ]
    return turns
