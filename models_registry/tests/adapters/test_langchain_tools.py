"""LangChain's tools from anywhere, words, cancellation."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool as langchain_tool

from models_registry.adapters import langchain
from models_registry.adapters._core import Core
from models_registry.adapters._langchain_classic import (
    STYLES,
    Style,
    executor,
)
from models_registry.adapters._langchain_tools import live_tools, native
from models_registry.adapters._livetools import LiveTool
from models_registry.adapters._prose import Templates, WrittenByLLM
from models_registry.tests.adapters.harness import tool, whisper
from models_registry.tests.adapters.stand_in import StandIn
from models_registry.tests.scripted import Repeating, Scripted, calls
from scenarios.core.types import Decision, ToolCall, ToolResult, Turn

DONE = Decision("final", text="Done.", confidence=0.8)


@langchain_tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


def test_tools_come_from_lists_executors_and_graphs() -> None:
    graph: Any = create_agent(StandIn(answers=[]), [add, native(whisper)])
    sources: list[Any] = [
        [add, whisper, {"type": "web_search"}],
        executor(Core.of(Scripted()), [add, whisper]),
        graph,
        langchain.wrap_agent(Scripted(), [add, whisper]),
    ]
    for source in sources:
        found = {t.spec.name: t for t in live_tools(source)}
        assert set(found) == {"add", "whisper"}
        assert found["add"].call({"a": 2}) == ToolResult(3)
        assert found["whisper"].call({"word": "x"}).content == {"said": "x"}
    with pytest.raises(TypeError, match="not int"):
        live_tools(42)


def test_a_plain_function_is_a_tool() -> None:
    def shout(word: str) -> str:
        """Say it loudly."""
        return word.upper()

    policy = Scripted(calls("shout", word="x"), DONE)
    langchain.wrap_agent(policy, [shout]).invoke({"messages": [("user", "go")]})
    assert policy.seen[-1][0][-1].content == "X"


def test_answers_are_worded_by_a_template_or_by_an_llm() -> None:
    templates = Templates({"final": "I have said {said}."})
    core = Core.of(Scripted(calls("whisper", word="blue"), DONE), write=templates)
    agent = langchain.wrap_agent(core, [whisper])
    assert agent.invoke({"messages": [("user", "go")]})["messages"][-1].text == "I have said blue."

    llm = StandIn(answers=["It is said, quietly."])
    write = WrittenByLLM(lambda prompt: str(llm.invoke(prompt).text), templates)
    core = Core.of(Scripted(calls("whisper", word="blue"), DONE), write=write)
    messages = langchain.wrap_agent(core, [whisper]).invoke({"messages": [("user", "go")]})
    assert messages["messages"][-1].text == "It is said, quietly."


async def test_a_graph_is_cancelled_while_a_tool_works() -> None:
    started = asyncio.Event()

    @langchain_tool
    async def wait(word: str) -> str:
        """Wait."""
        started.set()
        await asyncio.sleep(60)
        return word

    agent = langchain.wrap_agent(Repeating(calls("wait", word="x")), [wait])
    running = asyncio.create_task(agent.ainvoke({"messages": [("user", "go")]}))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize("style", STYLES)
async def test_an_executor_is_cancelled_while_a_tool_works(style: Style) -> None:
    started = asyncio.Event()

    @langchain_tool
    async def wait(word: str) -> str:
        """Wait."""
        started.set()
        await asyncio.sleep(60)
        return word

    agent = langchain.wrap_agent(Repeating(calls("wait", word="x")), [wait], kind=style)
    running = asyncio.create_task(agent.ainvoke({"input": "go"}))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_slow_policy_does_not_block_the_event_loop() -> None:
    class Slow(Scripted):
        def act(self, turns: Any, tools: Any) -> Decision:
            time.sleep(0.3)
            return DONE

    model = langchain.PolicyChatModel.of(Slow())
    began = time.perf_counter()
    await asyncio.gather(*(model.ainvoke("x") for _ in range(4)))
    assert time.perf_counter() - began < 1.0


def test_messages_of_any_make_become_turns() -> None:
    record = [
        HumanMessage("go"),
        AIMessage("", tool_calls=[{"name": "add", "args": {"a": 1}, "id": "1"}]),
        ToolMessage("2", tool_call_id="1"),
    ]
    adapter = langchain.LangChain()
    call = ToolCall("add", {"a": 1})
    wanted = [Turn("user", "go"), Turn("assistant", call=call), Turn("tool", 2, call=call)]
    assert adapter.turns(record) == adapter.turns({"messages": record}) == wanted


async def test_a_live_tool_runs_on_both_sides() -> None:
    def boom(given: Any) -> Any:
        raise ValueError("kaput")

    dressed = native(LiveTool(tool("boom", boom).spec, boom))
    call = {"name": "boom", "args": {"word": "x"}, "id": "1", "type": "tool_call"}
    for message in (dressed.invoke(call), await dressed.ainvoke(call)):
        assert message.status == "error"
        assert json.loads(message.content) == {"error": "failed", "message": "kaput"}
