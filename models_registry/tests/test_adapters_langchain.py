from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import BaseTool, tool
from pydantic import BaseModel

from models_registry.adapters.langchain import (
    LangChain,
    PolicyChatModel,
    ToolChoiceError,
    world_tools,
    wrap_agent,
)
from models_registry.policies.architecture import initial_weights
from models_registry.policies.runtime import PolicyRuntime
from models_registry.tests.scripted import Obedient, Repeating, Scripted, calls
from scenarios.core.env import ToolEnv
from scenarios.core.tasks import Verdict
from scenarios.core.types import Decision, ToolCall, Turn
from scenarios.core.world import Outcome, World
from scenarios.library import library

DONE = Decision("final", text="Done.", confidence=0.8)


@tool
def whisper(word: str) -> dict[str, str]:
    """Say a word quietly and softly."""
    return {"said": word}


@tool
def explode(word: str) -> str:
    """Say a word and fail."""
    raise ConnectionError("kaput")


def ask(agent: Any, text: str = "whisper blue") -> list[Any]:
    messages: list[Any] = agent.invoke({"messages": [HumanMessage(text)]})["messages"]
    return messages


def model(*decisions: Decision, tools: list[Any] | None = None, **bound: Any) -> Any:
    return PolicyChatModel.of(Scripted(*decisions)).bind_tools(tools or [whisper], **bound)


def echo_world(seed: int = 3) -> World:
    scenario = library.get("echo")()
    return scenario.world(scenario.task("test", "easy", seed))


def test_a_decision_becomes_one_tool_call_with_its_confidence() -> None:
    message = model(calls("whisper", 0.7, word="blue")).invoke("whisper blue")
    assert [(c["name"], c["args"]) for c in message.tool_calls] == [("whisper", {"word": "blue"})]
    assert message.content == ""
    assert message.response_metadata["decision"] == "tool"
    assert message.response_metadata["confidence"] == 0.7
    assert message.response_metadata["alternatives"][0] == ["whisper", 0.7]
    assert message.usage_metadata["total_tokens"] == 0


@pytest.mark.parametrize("kind", ["final", "ask", "hand_over"])
def test_other_decisions_become_text_that_says_what_they_are(kind: Any) -> None:
    message = model(Decision(kind, text="Words.", confidence=0.6)).invoke("hello")
    assert message.text == "Words."
    assert not message.tool_calls
    assert message.response_metadata["decision"] == kind
    assert message.response_metadata["confidence"] == 0.6


def test_an_agent_runs_the_tools_and_the_policy_sees_their_results() -> None:
    policy = Scripted(calls("whisper", word="blue"), DONE)
    messages = ask(LangChain().wrap_agent(policy, [whisper]))
    assert messages[-1].text == "Done."
    call = ToolCall("whisper", {"word": "blue"})
    assert policy.seen[-1][0] == [
        Turn("user", "whisper blue"),
        Turn("assistant", call=call),
        Turn("tool", {"said": "blue"}, call=call),
    ]


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        (calls("nope"), "unknown_tool"),
        (calls("whisper", loud=True), "invalid_arguments"),
        (calls("explode", word="x"), "unavailable"),
    ],
)
def test_every_failure_of_a_tool_is_an_error_that_the_policy_knows(
    decision: Decision, code: str
) -> None:
    policy = Scripted(decision, DONE)
    messages = ask(wrap_agent(policy, [whisper, explode]))
    result = policy.seen[-1][0][-1]
    assert result.is_error
    assert result.content["error"] == code
    assert set(result.content) == {"error", "message"}
    assert messages[-1].text == "Done."


def test_a_call_that_does_not_fit_the_tool_has_no_confidence() -> None:
    message = model(calls("whisper", loud=True)).invoke("x")
    assert message.response_metadata["confidence"] == 0.0
    assert "loud" in message.response_metadata["schema_errors"][0]


def test_an_endless_loop_ends_in_a_hand_over() -> None:
    policy = Repeating(calls("whisper", word="blue"))
    messages = ask(wrap_agent(policy, [whisper], max_steps=4))
    assert sum(isinstance(m, ToolMessage) for m in messages) == 4
    assert messages[-1].response_metadata["decision"] == "hand_over"
    assert "4 steps" in messages[-1].text


def test_a_new_message_of_the_user_gives_new_steps() -> None:
    policy = Scripted(calls("whisper", word="a"), DONE, calls("whisper", word="b"), DONE)
    agent = wrap_agent(policy, [whisper], max_steps=1)
    messages = ask(agent)
    again = agent.invoke({"messages": [*messages, HumanMessage("and b")]})["messages"]
    assert again[-1].text == "Done."
    assert Turn("assistant", "Done.") in policy.seen[-1][0]


def test_tool_choice_is_honoured() -> None:
    policy = Obedient()
    chat = PolicyChatModel.of(policy)
    free = chat.bind_tools([whisper, explode]).invoke("x")
    assert not free.tool_calls
    choices: list[Any] = ["any", "required", True]
    for choice in choices:
        forced = chat.bind_tools([whisper, explode], tool_choice=choice).invoke("x")
        assert forced.tool_calls[0]["name"] == "whisper"
    named: Any = {"type": "function", "function": {"name": "explode"}}
    for choice in ("explode", named):
        forced = chat.bind_tools([whisper, explode], tool_choice=choice).invoke("x")
        assert forced.tool_calls[0]["name"] == "explode"
    chat.bind_tools([whisper], tool_choice="none").invoke("x")
    assert policy.seen[-1][1] == []


@pytest.mark.parametrize(
    ("tools", "choice", "message"),
    [([], "any", "no tools"), ([whisper], "shout", "whisper"), ([whisper], "any", "demanded")],
)
def test_a_demand_that_cannot_be_met_is_refused(
    tools: list[BaseTool], choice: str, message: str
) -> None:
    chat = PolicyChatModel.of(Scripted(DONE))
    with pytest.raises(ToolChoiceError, match=message):
        chat.bind_tools(tools, tool_choice=choice).invoke("x")


def test_structured_output_is_a_tool_like_any_other() -> None:
    class Out(BaseModel):
        """The answer."""

        word: str

    agent = wrap_agent(Obedient(), [], response_format=Out)
    assert agent.invoke({"messages": [HumanMessage("x")]})["structured_response"] == Out(word="x")


def test_without_tools_it_answers_in_words() -> None:
    policy = Scripted(DONE)
    assert PolicyChatModel.of(policy).invoke("hello").text == "Done."
    confused = PolicyChatModel.of(Scripted(calls("whisper", word="x"))).invoke("hello")
    assert not confused.tool_calls
    assert confused.response_metadata["decision"] == "hand_over"


async def test_it_runs_and_streams_asynchronously() -> None:
    agent = wrap_agent(Scripted(calls("whisper", word="blue"), DONE), [whisper])
    answer = await agent.ainvoke({"messages": [HumanMessage("whisper blue")]})
    assert answer["messages"][-1].text == "Done."
    raising = wrap_agent(Scripted(calls("explode", word="x"), DONE), [explode])
    answer = await raising.ainvoke({"messages": [HumanMessage("x")]})
    assert answer["messages"][-2].status == "error"
    chunks = [c async for c in model(calls("whisper", word="blue")).astream("x")]
    assert chunks[0].tool_call_chunks[0]["name"] == "whisper"
    both = await asyncio.gather(*(PolicyChatModel.of(Scripted(DONE)).ainvoke("x") for _ in "ab"))
    assert [m.text for m in both] == ["Done.", "Done."]


def test_it_streams_calls_and_words_with_their_confidence() -> None:
    chunks = list(model(calls("whisper", word="blue")).stream("x"))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert whole.tool_calls[0]["args"] == {"word": "blue"}
    assert whole.response_metadata["confidence"] == 0.9
    assert chunks[-1].chunk_position == "last"
    agent = wrap_agent(Scripted(calls("whisper", word="blue"), DONE), [whisper])
    tokens = list(agent.stream({"messages": [HumanMessage("x")]}, stream_mode="messages"))
    assert "Done." in [token.text for token, _ in tokens]


def test_turns_of_another_model_are_understood() -> None:
    policy = Scripted(DONE)
    first, second = (
        {"name": "whisper", "args": {"word": word}, "id": word, "type": "tool_call"}
        for word in "ab"
    )
    PolicyChatModel.of(policy).bind_tools([whisper]).invoke(
        [
            SystemMessage("Be kind."),
            HumanMessage([{"type": "text", "text": "whisper a and b"}]),
            AIMessage("Let me see.", tool_calls=[first, second]),
            ToolMessage("{'said': 'a'}", tool_call_id="a"),
            ToolMessage(
                "Error: oh no\n Please fix your mistakes.", tool_call_id="b", status="error"
            ),
            ToolMessage("fine", tool_call_id="unknown", name="whisper"),
        ]
    )
    turns = policy.seen[0][0]
    assert [turn.role for turn in turns] == ["user", *["assistant", "tool"] * 3]
    assert turns[0].content == "whisper a and b"
    assert turns[2].content == {"said": "a"}
    assert turns[4].content == {"error": "failed", "message": "oh no"}
    assert turns[5].call == ToolCall("whisper")


def test_many_threads_share_one_agent() -> None:
    policy = PolicyRuntime(initial_weights(0), {})
    agent = wrap_agent(policy, [whisper], max_steps=3)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: ask(agent, f'please whisper "w{i % 2}"'), range(16)))
    for i, answer in enumerate(answers):
        expected = ask(agent, f'please whisper "w{i % 2}"')
        assert [_shape(m) for m in answer] == [_shape(m) for m in expected]


def _shape(message: Any) -> Any:
    called = [(c["name"], c["args"]) for c in getattr(message, "tool_calls", [])]
    return type(message), message.text, called


@pytest.mark.parametrize("seed", range(6))
def test_an_agent_does_what_the_same_policy_does_in_training(seed: int) -> None:
    scenario = library.get("echo")()
    policy = PolicyRuntime(initial_weights(seed), {"tools": [t.as_json() for t in scenario.tools]})
    env = ToolEnv(scenario, "test", "medium")
    turns, _ = env.reset(options={"task_seed": seed})
    over, made, words, steps = False, [], "", 0
    while not over and steps < 6:
        decision = policy.act(turns, scenario.tools)
        turns, _, terminated, truncated, _ = env.step(decision)
        over, words, steps = terminated or truncated, decision.text, steps + 1
        if decision.call:
            made.append(decision.call)
        if decision.kind == "ask":
            break

    seen: list[ToolCall] = []
    world = scenario.world(scenario.task("test", "medium", seed))
    tools = world_tools(world, lambda call, outcome: seen.append(call))
    messages = ask(wrap_agent(policy, tools, max_steps=6), world.opening())
    assert seen == made
    if len(made) < 6:
        assert messages[-1].text == words


def test_the_tools_of_a_world_really_run() -> None:
    world = echo_world()
    outcomes: list[Outcome] = []
    tools = {t.name: t for t in world_tools(world, lambda call, outcome: outcomes.append(outcome))}
    oracle = world.oracle().call
    assert oracle is not None
    text = tools[oracle.name].invoke(dict(oracle.arguments))
    assert json.loads(text) == {"said": oracle.arguments["word"]}
    assert outcomes[0].verdict == Verdict(True)
    call = {"name": oracle.name, "args": {"loud": 1}, "id": "1", "type": "tool_call"}
    failed = tools[oracle.name].invoke(call)
    assert failed.status == "error"
    assert json.loads(failed.content)["error"] == "invalid_arguments"
    world.step(Decision("final"))
    assert world.succeeded


def test_tracing_is_off_unless_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import langsmith._internal._context as context
    from langsmith import utils

    get_env_var: Any = utils.get_env_var
    tracing_is_enabled = utils.tracing_is_enabled

    monkeypatch.setattr(context, "_GLOBAL_TRACING_ENABLED", None)
    token = context._TRACING_ENABLED.set(None)
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    get_env_var.cache_clear()
    try:
        wrap_agent(Scripted(), [whisper], tracing=True)
        assert tracing_is_enabled()
        with caplog.at_level(logging.WARNING):
            wrap_agent(Scripted(), [whisper])
        assert not tracing_is_enabled()
        assert "LANGSMITH_TRACING is ignored" in caplog.text
    finally:
        context._TRACING_ENABLED.reset(token)
        get_env_var.cache_clear()


def test_the_catalogue_reads_the_adapter_without_loading_langchain() -> None:
    code = (
        "import sys; from models_registry.adapters import adapters; "
        "adapters.get('langchain').missing(); "
        "sys.exit('langchain_core' in sys.modules or 'torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    import models_registry.adapters.langchain as module

    with pytest.raises(AttributeError, match="nothing_here"):
        getattr(module, "nothing_here")  # noqa: B009 (mypy knows that it is not there)


def test_the_model_shows_no_weights_and_names_its_version() -> None:
    chat = PolicyChatModel.of(Scripted(manifest={"scenario": "echo", "sha256": "abcdef0123456"}))
    assert chat.policy_id == "echo-abcdef01"
    assert "Scripted" not in repr(chat)
    assert chat._llm_type == "agentgym-policy"
    assert chat._identifying_params == {"policy_id": "echo-abcdef01"}
