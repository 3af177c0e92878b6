"""CrewAI's messages as the turns that a policy was trained on, and its ReAct text, read and written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from models_registry.adapters.base import ErrorTable, canonical_result, unknown_tool
from scenarios.core.types import Decision, ToolCall, Turn

NOT_FOUND = "Tool not found"
ERRORS: ErrorTable = (
    (re.compile(r"^I encountered an error: Action '(?P<tool>.+?)' don't exist"), "unknown_tool"),
    (
        re.compile(
            r"^Error executing tool: Tool '.*?' arguments validation failed: (?P<message>.*)",
            re.DOTALL,
        ),
        "invalid_arguments",
    ),
    (
        re.compile(
            r"^\s*I encountered an error while trying to use the tool\. This was the error: "
            r"Arguments validation failed: (?P<message>.*)",
            re.DOTALL,
        ),
        "invalid_arguments",
    ),
    (re.compile(r"^\s*Error executing tool[:.] (?P<message>.*)", re.DOTALL), "failed"),
    (
        re.compile(
            r"^\s*I encountered an error while trying to use the tool\. This was the error: "
            r"(?P<message>.*?)\.?\n Tool ",
            re.DOTALL,
        ),
        "failed",
    ),
)
"""How CrewAI words errors. It flags none, so these words are all there is."""

_TASK = re.compile(
    r"^\s*Current Task: (?P<task>.*?)"
    r"(?:\n\nThis is the expected criteria for your final answer: .*?)?"
    r"(?:\n\nThis is the context you're working with:\n(?P<context>.*?))?"
    r"(?:\n\n(?:Begin! This is VERY important to you|Provide your complete response:).*)?$",
    re.DOTALL,
)
_ACTION = re.compile(
    r"Action:\s*(?P<name>[^\n]+)\nAction Input:\s*(?P<input>.*?)\nObservation:\s?(?P<result>.*)",
    re.DOTALL,
)
_NUDGES = (
    "Analyze the tool result.",
    "Now it's time you MUST give your absolute best final answer",
)
LAST_CALL = _NUDGES[1]
_REMINDER = re.compile(
    r"\n+You ONLY have access to the following tools, and should NEVER make up tools.*", re.DOTALL
)
"""What the text path adds to every third result."""
_PARSED = re.compile(r"(Final Answer|Action Input|Action|Observation|Thought):")


def turns_from(messages: Sequence[Mapping[str, Any]]) -> list[Turn]:
    """The messages of a call in canonical turns, with the framework's names of tools.

    System messages, the expected output and CrewAI's own nudges are left out: there were none in training.
    """
    turns: list[Turn] = []
    calls: dict[str, ToolCall] = {}
    for message in messages:
        role, text = message.get("role"), str(message.get("content") or "")
        if role == "user" and not text.strip().startswith(_NUDGES):
            turns.append(Turn("user", request_of(text)))
        elif role == "assistant":
            for call in message.get("tool_calls") or ():
                function = call["function"]
                calls[call["id"]] = ToolCall(function["name"], arguments_of(function["arguments"]))
            if not message.get("tool_calls"):
                turns += _acted(text)
        elif role == "tool":
            name = str(message.get("name") or "unknown")
            made = calls.get(str(message.get("tool_call_id"))) or ToolCall(name)
            turns += result_turns(made, text)
    return turns


def request_of(text: str) -> str:
    """What is asked: the task's description, and the context where there is one."""
    match = _TASK.match(text)
    if match is None:
        return text.strip()
    return "\n".join(part.strip() for part in match.groups() if part and part.strip())


def _acted(text: str) -> list[Turn]:
    match = _ACTION.search(text)
    if match is None:
        return [Turn("assistant", final_of(text))]
    call = ToolCall(match["name"].strip(), arguments_of(match["input"].strip()))
    return result_turns(call, _REMINDER.sub("", match["result"]))


def result_turns(call: ToolCall, text: str) -> list[Turn]:
    """A call and what came of it."""
    if text.strip() == NOT_FOUND:
        content, is_error = unknown_tool(call.name), True
    else:
        flagged = any(pattern.search(text) for pattern, _ in ERRORS)
        content, is_error = canonical_result(text, flagged=flagged, table=ERRORS)
    return [Turn("assistant", call=call), Turn("tool", content, call=call, is_error=is_error)]


def final_of(text: str) -> str:
    """The words of a ReAct answer."""
    return text.rpartition("Final Answer:")[2].strip()


def arguments_of(text: Any) -> dict[str, Any]:
    """The arguments of a call; empty where they are no JSON object."""
    if isinstance(text, dict):
        return text
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def react_text(decision: Decision) -> str:
    """A decision in the words that CrewAI's parser reads. A call that it could not read would become the answer."""
    if decision.call is not None:
        given = json.dumps(dict(decision.call.arguments), ensure_ascii=False)
        # Inside a JSON string a colon can be escaped: the parser must not find its own words there.
        given = _PARSED.sub(r"\1\\u003a", given)
        return f"Thought: I use a tool.\nAction: {decision.call.name}\nAction Input: {given}"
    text = decision.text.replace("Final Answer:", "Final answer:")
    return f"Thought: I know what to answer.\nFinal Answer: {text}"
