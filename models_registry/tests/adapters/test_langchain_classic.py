"""Classic AgentExecutors in three styles."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from langchain_classic.agents import AgentExecutor
from langchain_classic.agents.conversational.output_parser import ConvoOutputParser
from langchain_classic.agents.output_parsers import (
    JSONAgentOutputParser,
    ReActSingleInputOutputParser,
)
from langchain_core.agents import AgentAction, AgentFinish
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool as langchain_tool

from models_registry.adapters import langchain
from models_registry.adapters._core import Core
from models_registry.adapters._langchain_classic import (
    STYLES,
    WORDING,
    ConversationMemory,
    Style,
    _spoken,
    executor,
)
from models_registry.tests.adapters.harness import whisper
from models_registry.tests.scripted import Scripted, calls
from scenarios.core.types import Decision, ToolCall, Turn

DONE = Decision("final", text="Done.", confidence=0.8)
UNSURE = calls("whisper", confidence=0.3, word="policy")
styles = pytest.mark.parametrize("style", STYLES)


@langchain_tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@langchain_tool
def explode(word: str) -> str:
    """Fail."""
    raise ConnectionError("kaput")


PARSERS: dict[Style, Any] = {
    "react": ReActSingleInputOutputParser(),
    "conversational": ConvoOutputParser(),
    "structured_chat": JSONAgentOutputParser(),
}


@styles
def test_each_style_writes_what_its_official_parser_reads(style: Style) -> None:
    call = calls("add", a=1, b=2)
    action = PARSERS[style].parse(WORDING[style](call))
    assert isinstance(action, AgentAction)
    given = action.tool_input
    assert (action.tool, given if isinstance(given, dict) else json.loads(given)) == (
        "add",
        {"a": 1, "b": 2},
    )
    finish = PARSERS[style].parse(WORDING[style](DONE))
    assert isinstance(finish, AgentFinish)
    assert finish.return_values["output"] == "Done."


@styles
def test_tools_with_several_parameters_work_in_every_style(style: Style) -> None:
    policy = Scripted(calls("add", a=40, b=2), DONE)
    agent = langchain.wrap_agent(policy, [add], kind=style)
    assert isinstance(agent, AgentExecutor)
    result = agent.invoke({"input": "add"})
    assert result["output"] == "Done."
    assert result["decision"] == "final"
    assert policy.seen[-1][0][-1].content == 42


@styles
def test_a_tool_that_raises_does_not_end_an_executor(style: Style) -> None:
    policy = Scripted(calls("explode", word="x"), DONE)
    assert langchain.wrap_agent(policy, [explode], kind=style).invoke({"input": "x"})
    assert policy.seen[-1][0][-1].content == {"error": "unavailable", "message": "kaput"}


@styles
async def test_an_executor_runs_asynchronously(style: Style) -> None:
    @langchain_tool
    async def later(word: str) -> str:
        """Say it later."""
        await asyncio.sleep(0)
        if word == "late":
            raise TimeoutError
        return word

    policy = Scripted(calls("later", word="x"), calls("later", word="late"), calls("later"), DONE)
    result = await langchain.wrap_agent(policy, [later], kind=style).ainvoke({"input": "x"})
    assert result["output"] == "Done."
    assert [t.content for t in policy.seen[-1][0] if t.role == "tool" and not t.is_error] == ["x"]
    errors = [t.content["error"] for t in policy.seen[-1][0] if t.is_error]
    assert errors == ["timeout", "invalid_arguments"]


@styles
def test_an_executor_streams_its_steps(style: Style) -> None:
    policy = Scripted(calls("add", a=1), DONE)
    chunks = list(langchain.wrap_agent(policy, [add], kind=style).stream({"input": "add"}))
    assert ["actions" in c or "steps" in c or "output" in c for c in chunks] == [True] * 3


@styles
def test_an_llm_s_agent_takes_the_steps_that_the_policy_is_unsure_of(style: Style) -> None:
    asked: list[Any] = []

    def llm_agent(given: dict[str, Any]) -> AgentAction:
        asked.append(given["input"])
        return AgentAction("whisper", {"word": "llm"}, "")

    policy = Scripted(UNSURE, DONE)
    agent = langchain.wrap_agent(
        policy, [whisper], kind=style, min_confidence=0.5, fallback=RunnableLambda(llm_agent)
    )
    assert agent.invoke({"input": "go"})["output"] == "Done."
    assert asked == ["go"]
    assert policy.seen[-1][0][-1].content == {"said": "llm"}


def test_a_conversation_is_remembered_with_its_tool_calls() -> None:
    policy = Scripted(calls("add", a=1), DONE, Decision("final", text="Again."))
    agent = langchain.wrap_agent(policy, [add], kind="conversational")
    agent.invoke({"input": "add one"})
    assert agent.invoke({"input": "and now?"})["output"] == "Again."
    call = ToolCall("add", {"a": 1})
    assert policy.seen[-1][0] == [
        Turn("user", "add one"),
        Turn("assistant", call=call),
        Turn("tool", 2, call=call),
        Turn("assistant", "Done."),
        Turn("user", "and now?"),
    ]
    agent.memory.clear()
    policy.decisions.append(DONE)
    agent.invoke({"input": "who are you?"})
    assert len(policy.seen[-1][0]) == 1


def test_a_memory_that_keeps_text_is_read_too() -> None:
    text = "Human: one\nand more\nAI: two"
    assert _spoken(text) == [Turn("user", "one\nand more"), Turn("assistant", "two")]
    memory = ConversationMemory()
    memory.save_context({"input": "a"}, {"output": "b"})
    assert [m.text for m in memory.load_memory_variables({})["chat_history"]] == ["a", "b"]


def test_a_policy_takes_over_an_existing_executor() -> None:
    theirs = executor(Core.of(Scripted()), [add], max_execution_time=7.0)
    policy = Scripted(calls("add", a=2, b=2), DONE)
    ours = langchain.with_policy(theirs, Core.of(policy))
    assert ours.invoke({"input": "add"})["output"] == "Done."
    assert ours.max_execution_time == 7.0
    assert policy.seen[-1][0][-1].content == 4


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="structured_chat"):
        langchain.wrap_agent(Scripted(), [], kind="nope")
