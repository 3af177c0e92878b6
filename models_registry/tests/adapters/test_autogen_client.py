"""AutoGen's model client, and what the policy reads of AutoGen's messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_core import ComponentModel, FunctionCall
from autogen_core.models import (
    AssistantMessage,
    CreateResult,
    FunctionExecutionResult,
    FunctionExecutionResultMessage,
    RequestUsage,
    SystemMessage,
    UserMessage,
)
from autogen_core.tools import FunctionTool

from models_registry.adapters import autogen
from models_registry.adapters._autogen_client import PolicyClientConfig
from models_registry.adapters._autogen_turns import recorded_turns, spec_of, turns_from
from models_registry.adapters._core import Core, ToolChoiceError
from models_registry.tests.adapters.harness import whisper
from models_registry.tests.adapters.stand_in_client import ClientStandIn
from models_registry.tests.scripted import Obedient, Scripted, calls
from scenarios.core.types import Decision, Tool, ToolCall, Turn

DONE = Decision("final", text="Done.", confidence=0.8)
HELLO = [UserMessage(content="hello", source="user")]


def client(*decisions: Decision, **settings: Any) -> autogen.PolicyClient:
    return autogen.PolicyClient(Core.of(Scripted(*decisions), **settings))


def named(name: str) -> FunctionTool:
    def say(word: str) -> str:
        return word

    return FunctionTool(say, description="Say it.", name=name)


async def test_the_client_answers_with_one_call_or_with_words() -> None:
    made = client(calls("whisper", word="x"), DONE)
    native = named("whisper")
    first = await made.create(HELLO, tools=[native])
    assert isinstance(first.content, list)
    assert (first.content[0].name, first.content[0].arguments) == ("whisper", '{"word": "x"}')
    assert first.finish_reason == "function_calls"
    second = await made.create(HELLO)
    assert (second.content, second.finish_reason) == ("Done.", "stop")
    assert second.usage == RequestUsage(prompt_tokens=0, completion_tokens=0)


async def test_the_client_streams() -> None:
    stream = [item async for item in client(DONE).create_stream(HELLO)]
    assert stream[0] == "Done."
    assert isinstance(stream[-1], CreateResult)
    agent = AssistantAgent("a", client(DONE), model_client_stream=True)
    kinds = [type(item).__name__ async for item in agent.run_stream(task="hello")]
    assert "ModelClientStreamingChunkEvent" in kinds


async def test_a_demanded_tool_is_called_and_none_means_none() -> None:
    made = autogen.PolicyClient(Core.of(Obedient()))
    native = [named("a"), named("b")]
    forced = await made.create(HELLO, tools=native, tool_choice=native[1])
    assert isinstance(forced.content, list)
    assert forced.content[0].name == "b"
    any_one = await made.create(HELLO, tools=native, tool_choice="required")
    assert isinstance(any_one.content, list)
    assert (await made.create(HELLO, tools=native, tool_choice="none")).content == "Done."
    with pytest.raises(ToolChoiceError):
        await made.create(HELLO, tool_choice="required")


async def test_json_is_left_to_a_fallback() -> None:
    with pytest.raises(ValueError, match="fallback"):
        await client(DONE).create(HELLO, json_output=True)
    llm = ClientStandIn('{"a": 1}')
    made = autogen.PolicyClient(Core.of(Scripted(DONE)), fallback=llm)
    assert (await made.create(HELLO, json_output=True)).content == '{"a": 1}'


async def test_an_unsure_policy_asks_the_fallback_and_its_tokens_are_counted() -> None:
    llm = ClientStandIn(("whisper", {"word": "from the llm"}))
    policy = Scripted(calls("whisper", confidence=0.3, word="x"), DONE)
    agent = autogen.wrap_agent(policy, [whisper], min_confidence=0.5, fallback=llm)
    result = await agent.run(task="hello")
    turns = recorded_turns(result.messages)
    assert turns[1].call == ToolCall("whisper", {"word": "from the llm"})
    assert turns[-1].content == "Done."
    assert agent.client.total_usage() == RequestUsage(prompt_tokens=7, completion_tokens=4)
    assert sum(m.models_usage.prompt_tokens for m in result.messages if m.models_usage) == 7
    assert agent.client.policy_decisions == 1
    assert policy.seen[1][0][-1].content == {"said": "from the llm"}
    await agent.client.close()
    assert llm.closed


async def test_what_the_client_says_of_itself() -> None:
    made = client()
    assert made.model_info["function_calling"]
    assert made.capabilities == made.model_info
    assert not made.model_info["structured_output"]
    assert made.count_tokens(HELLO) == 0
    assert made.remaining_tokens(HELLO) > 100_000
    assert made.actual_usage() == made.total_usage()
    await made.close()


async def test_a_client_of_a_bundle_is_dumped_and_loaded_as_a_component(echo_bundle: Path) -> None:
    config = PolicyClientConfig(bundle=str(echo_bundle), max_steps=3)
    made = autogen.PolicyClient._from_config(config)
    dumped = made.dump_component()
    again = autogen.PolicyClient.load_component(ComponentModel.model_validate(dumped.model_dump()))
    assert again.core.max_steps == 3
    native = named("whisper")
    asked = [UserMessage(content='please whisper "x"', source="user")]
    assert isinstance((await again.create(asked, tools=[native])).content, list)
    with pytest.raises(ValueError, match="bundle"):
        client().dump_component()


def test_a_context_becomes_turns() -> None:
    call = FunctionCall(id="1", name="whisper", arguments='{"word": "x"}')
    strange = FunctionCall(id="2", name="whisper", arguments="no json")

    def result(text: str, number: str, *, error: bool = False) -> FunctionExecutionResultMessage:
        found = FunctionExecutionResult(
            content=text, call_id=number, is_error=error, name="whisper"
        )
        return FunctionExecutionResultMessage(content=[found])

    turns = turns_from(
        [
            SystemMessage(content="Be kind."),
            UserMessage(content=["hello", "again"], source="user"),
            AssistantMessage(content="Which?", source="a"),
            UserMessage(content="x", source="other"),
            AssistantMessage(content=[call], source="a", thought="hm"),
            result("{'said': 'x', 'n': None}", "1"),
            AssistantMessage(content=[strange], source="a"),
            result("Error: Expecting value", "2", error=True),
        ]
    )
    made, odd = ToolCall("whisper", {"word": "x"}), ToolCall("whisper", {})
    assert turns == [
        Turn("user", "hello\nagain"),
        Turn("assistant", "Which?"),
        Turn("user", "x"),
        Turn("assistant", call=made),
        Turn("tool", {"said": "x", "n": None}, call=made),
        Turn("assistant", call=odd),
        Turn("tool", {"error": "failed", "message": "Error: Expecting value"}, odd, True),
    ]


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        (calls("nope"), "unknown_tool"),
        (calls("boom", loud=1), "invalid_arguments"),
        (calls("boom", word="x"), "failed"),
    ],
)
async def test_autogen_s_own_errors_read_as_trained_ones(decision: Decision, code: str) -> None:
    def boom(word: str) -> str:
        raise ValueError("kaput")

    policy = Scripted(decision, DONE)
    # An agent that its user built: nothing of ours around its tools.
    agent = AssistantAgent(
        "a", autogen.PolicyClient(Core.of(policy)), tools=[boom], max_tool_iterations=3
    )
    await agent.run(task="go")
    assert policy.seen[-1][0][-1].content["error"] == code


async def test_reflection_gets_words() -> None:
    policy = Scripted(calls("say", word="x"), DONE)

    def say(word: str) -> str:
        return "ok"

    agent = AssistantAgent(
        "a", autogen.PolicyClient(Core.of(policy)), tools=[say], reflect_on_tool_use=True
    )
    assert (await agent.run(task="go")).messages[-1].to_text() == "Done."
    assert policy.seen[-1][1] == []


def test_schemas_lose_what_autogen_adds() -> None:
    def say(word: str, times: int = 1) -> str:
        return word

    spec = spec_of(FunctionTool(say, description="Say it."))
    assert spec == Tool(
        "say",
        "Say it.",
        {
            "type": "object",
            "properties": {
                "word": {"type": "string"},
                "times": {"type": "integer", "default": 1},
            },
            "required": ["word"],
        },
    )
