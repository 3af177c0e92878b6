"""What the policy reads of CrewAI's prompts, and what CrewAI's parser reads of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models_registry.adapters import crewai as adapter
from models_registry.adapters._core import Core
from models_registry.adapters._crewai_home import load
from models_registry.adapters._crewai_turns import (
    final_of,
    react_text,
    request_of,
    result_turns,
    turns_from,
)
from models_registry.tests.scripted import Scripted, calls
from scenarios.core.types import Decision, ToolCall, Turn

DONE = Decision("final", text="Done.", confidence=0.8)
KINDS = ("native", "text")
both = pytest.mark.parametrize("kind", KINDS)
NUDGE = "Analyze the tool result. If requirements are met, provide the Final Answer."


@pytest.fixture(scope="module", autouse=True)
def crewai(storage: Path) -> Any:
    return load()


def answer(agents: list[Any], requests: list[Any], **options: Any) -> str:
    return str(adapter.crew(agents, requests, **options).kickoff().raw)


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("\nCurrent Task: do it", "do it"),
        (
            "\nCurrent Task: do\n\nit\n\nThis is the expected criteria for your final answer: x\n"
            "you MUST return the actual complete content as the final answer, not a summary.",
            "do\n\nit",
        ),
        (
            "\nCurrent Task: do it\n\nThis is the expected criteria for your final answer: x\n\n"
            "This is the context you're working with:\nfirst\nsecond\n\n"
            "Begin! This is VERY important to you, use the tools available\n\nThought:",
            "do it\nfirst\nsecond",
        ),
        ("just words", "just words"),
    ],
)
def test_the_request_is_found_in_crewai_s_prompt(text: str, request_: str) -> None:
    assert request_of(text) == request_


def test_the_messages_of_the_native_path_become_turns() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "say", "arguments": '{"a": 1}'}}
    turns = turns_from(
        [
            {"role": "system", "content": "You are Agent."},
            {"role": "user", "content": "\nCurrent Task: go"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "name": "say", "content": "{'ok': True}"},
            {"role": "tool", "tool_call_id": "?", "name": "nope", "content": "Tool not found"},
            {"role": "assistant", "content": "Which?"},
            {"role": "user", "content": "blue"},
        ]
    )
    made = ToolCall("say", {"a": 1})
    assert turns == [
        Turn("user", "go"),
        Turn("assistant", call=made),
        Turn("tool", {"ok": True}, call=made),
        Turn("assistant", call=ToolCall("nope")),
        Turn(
            "tool",
            {"error": "unknown_tool", "message": "there is no tool 'nope'"},
            ToolCall("nope"),
            True,
        ),
        Turn("assistant", "Which?"),
        Turn("user", "blue"),
    ]


def test_the_messages_of_the_text_path_become_turns() -> None:
    step = 'Thought: x\nAction: say\nAction Input: {"a": 1}\nObservation: two\nlines'
    reminder = (
        "\n\n\nYou ONLY have access to the following tools, and should NEVER make up tools that"
        " are not listed here:\n\nTool Name: say"
    )
    turns = turns_from(
        [
            {"role": "user", "content": "\nCurrent Task: go"},
            {"role": "assistant", "content": step},
            {"role": "user", "content": NUDGE},
            {"role": "assistant", "content": step + reminder},
            {"role": "user", "content": NUDGE},
            {"role": "assistant", "content": "Thought: y\nFinal Answer: Which?"},
        ]
    )
    made = ToolCall("say", {"a": 1})
    said = [Turn("assistant", call=made), Turn("tool", "two\nlines", call=made)]
    assert turns == [Turn("user", "go"), *said, *said, Turn("assistant", "Which?")]
    assert final_of("no marks") == "no marks"


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("Tool not found", "unknown_tool", "there is no tool 'say'"),
        (
            "I encountered an error: Action 'nope' don't exist, these are the only",
            "unknown_tool",
            "there is no tool 'nope'",
        ),
        (
            "Error executing tool: Tool 'Say' arguments validation failed: 1 error\nmore",
            "invalid_arguments",
            "1 error",
        ),
        (
            "\nI encountered an error while trying to use the tool. This was the error: "
            "Arguments validation failed: 1 error\nmore.\n Tool say accepts these inputs: x",
            "invalid_arguments",
            "1 error",
        ),
        ("Error executing tool: kaput", "failed", "kaput"),
        (
            "\nI encountered an error while trying to use the tool. This was the error: kaput."
            "\n Tool say accepts these inputs: Tool Name: say",
            "failed",
            "kaput",
        ),
    ],
)
def test_crewai_s_own_errors_read_as_trained_ones(text: str, code: str, message: str) -> None:
    result = result_turns(ToolCall("say"), text)[-1]
    assert result.is_error
    assert result.content == {"error": code, "message": message}


@both
def test_tools_that_a_user_wrote_for_crewai_keep_their_true_schema(kind: str) -> None:
    from crewai.tools import tool as crewai_tool

    @crewai_tool("Say It Twice")
    def twice(word: str, times: int = 2, note: str | None = None) -> dict[str, Any]:
        """Say a word again."""
        return {"said": word * times, "note": note}

    policy = Scripted(calls("say_it_twice", word="ha"), DONE)
    # An agent that its user built: nothing of ours around its tools.
    agent = load().Agent(
        role="r",
        goal="g",
        backstory="b",
        tools=[twice],
        llm=adapter.PolicyLLM(Core.of(policy), native=kind == "native"),
    )
    assert answer([agent], ["go"]) == "Done."
    (spec,) = policy.seen[0][1]
    assert (spec.name, spec.description) == ("say_it_twice", "Say a word again.")
    assert spec.required == ("word",)
    assert spec.properties["times"]["default"] == 2
    assert policy.seen[-1][0][-1].content == {"said": "haha", "note": None}


@both
def test_a_user_s_tool_that_raises_is_an_error_that_the_policy_knows(kind: str) -> None:
    from crewai.tools import tool as crewai_tool

    @crewai_tool
    def boom(word: str) -> str:
        """Fail."""
        raise ConnectionError("kaput")

    policy = Scripted(calls("nope"), calls("boom", word="x"), DONE)
    agent = load().Agent(
        role="r",
        goal="g",
        backstory="b",
        tools=[boom],
        llm=adapter.PolicyLLM(Core.of(policy), native=kind == "native"),
    )
    assert answer([agent], ["go"]) == "Done."
    found = [t.content["error"] for t in policy.seen[-1][0] if t.is_error]
    assert found == ["unknown_tool", "failed"]


def test_what_the_parser_would_misread_is_written_so_that_it_cannot() -> None:
    from crewai.agents.parser import AgentAction, AgentFinish, parse

    given: dict[str, Any] = {"word": "Final Answer: no\nAction: x\nAction Input: y\nObservation: z"}
    action = parse(react_text(calls("say", **given)))
    assert isinstance(action, AgentAction)
    assert action.tool == "say"
    finish = parse(react_text(Decision("final", text="The Final Answer: 42")))
    assert isinstance(finish, AgentFinish)
    assert finish.output == "The Final answer: 42"
