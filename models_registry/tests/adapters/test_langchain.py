"""What is LangChain's own: classic executors, middleware, fallbacks, providers, and tools from anywhere."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_classic.agents import AgentExecutor
from langchain_classic.agents.conversational.output_parser import ConvoOutputParser
from langchain_classic.agents.output_parsers import (
    JSONAgentOutputParser,
    ReActSingleInputOutputParser,
)
from langchain_core.agents import AgentAction, AgentFinish
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
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
from models_registry.adapters._langchain_tools import live_tools, native
from models_registry.adapters._livetools import LiveTool
from models_registry.adapters._prose import Templates, WrittenByLLM
from models_registry.tests.adapters.harness import tool, whisper
from models_registry.tests.adapters.stand_in import StandIn
from models_registry.tests.scripted import Repeating, Scripted, calls
from scenarios.core.types import Decision, ToolCall, ToolResult, Turn

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


# ---- classic executors ------------------------------------------------------------------------------


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


# ---- the chat model's fallback ----------------------------------------------------------------------


def test_an_unsure_model_asks_its_fallback_and_tokens_count_once() -> None:
    llm = StandIn(answers=[("whisper", {"word": "llm"})])
    policy = Scripted(UNSURE, DONE)
    agent = langchain.wrap_agent(policy, [whisper], min_confidence=0.5, fallback=llm)
    with get_usage_metadata_callback() as usage:
        messages = agent.invoke({"messages": [("user", "go")]})["messages"]
    assert messages[-1].text == "Done."
    assert llm.asked == [(["whisper"], None)]
    assert usage.usage_metadata["stand-in"]["total_tokens"] == 11
    assert policy.seen[-1][0][-1].content == {"said": "llm"}


async def test_the_fallback_is_asked_asynchronously_too() -> None:
    llm = StandIn(answers=["From the LLM."])
    model = langchain.PolicyChatModel.of(
        Scripted(UNSURE), min_confidence=0.5, fallback=llm
    ).bind_tools([add, native(whisper)])
    assert (await model.ainvoke("go")).text == "From the LLM."


@pytest.mark.parametrize("answer", ["From the LLM.", ("whisper", {"word": "llm"})])
def test_the_fallback_s_answer_is_streamed(answer: Any) -> None:
    model = langchain.PolicyChatModel.of(
        Scripted(UNSURE), min_confidence=0.5, fallback=StandIn(answers=[answer])
    ).bind_tools([native(whisper)])
    whole: Any = None
    for chunk in model.stream("go"):
        whole = chunk if whole is None else whole + chunk
    if isinstance(answer, str):
        assert whole.text == answer
    else:
        assert whole.tool_calls[0]["args"] == {"word": "llm"}
    assert whole.usage_metadata["total_tokens"] == 11


def test_a_model_without_tools_asks_its_fallback_without_any() -> None:
    llm = StandIn(answers=["Hello."])
    unsure = Decision("final", text="x", confidence=0.1)
    model = langchain.PolicyChatModel.of(Scripted(unsure), min_confidence=0.5, fallback=llm)
    assert model.invoke("hi").text == "Hello."
    assert llm.asked == [([], None)]


# ---- middleware -------------------------------------------------------------------------------------


def behind(policy: Any, llm: StandIn, **settings: Any) -> tuple[Any, Any]:
    front = langchain.PolicyMiddleware(Core.of(policy), **settings)
    agent: Any = create_agent(llm, [native(whisper), add], middleware=[front])
    return agent, front


def ask(agent: Any) -> list[Any]:
    messages: list[Any] = agent.invoke({"messages": [("user", "go")]})["messages"]
    return messages


def test_off_the_policy_is_not_even_asked() -> None:
    policy, llm = Scripted(), StandIn(answers=["Hello."])
    agent, front = behind(policy, llm, mode="off")
    assert ask(agent)[-1].text == "Hello."
    assert policy.seen == []
    assert front.steps == []


def test_in_the_shadow_only_agreement_is_noted() -> None:
    policy = Scripted(
        calls("whisper", word="a"), calls("whisper", word="b"), calls("add", a=1), DONE
    )
    answers = [("whisper", {"word": "a"}), ("whisper", {"word": "x"}), ("whisper", {"word": "y"})]
    llm = StandIn(answers=[*answers, "Finished."])
    agent, front = behind(policy, llm, mode="shadow")
    assert ask(agent)[-1].text == "Finished."
    assert [(s.same_tool, s.agrees) for s in front.steps] == [
        (True, True),
        (True, False),
        (False, False),
        (True, True),
    ]
    assert front.report() == {"steps": 4, "llm_calls": 4, "same_tool": 0.75, "agreement": 0.5}
    assert all(names == ["whisper", "add"] for names, _ in llm.asked), "the LLM notices nothing"


def test_constrained_the_llm_fills_in_the_policy_s_tool() -> None:
    policy = Scripted(calls("whisper", confidence=0.7, word="p"), DONE)
    llm = StandIn(answers=[("whisper", {"word": "llm"}), "Finished."])
    agent, front = behind(policy, llm, mode="constrain")
    messages = ask(agent)
    assert llm.asked == [(["whisper"], "whisper"), (["whisper", "add"], None)]
    assert messages[2].text == '{"said": "llm"}'
    assert [step.route for step in front.steps] == ["constrained", "llm"]


def test_accepted_the_llm_is_not_called() -> None:
    policy = Scripted(calls("whisper", confidence=0.95, word="p"), Decision("final", text="Done."))
    agent, front = behind(policy, StandIn(answers=[]), mode="accept")
    messages = ask(agent)
    assert messages[-1].text == "Done."
    assert messages[1].response_metadata["source"] == "policy"
    assert front.report()["llm_calls"] == 0


@pytest.mark.parametrize(
    ("confidence", "route"),
    [(0.95, "policy"), (0.9, "policy"), (0.7, "constrained"), (0.6, "constrained"), (0.5, "llm")],
)
def test_confidence_decides_the_way(confidence: float, route: str) -> None:
    policy = Scripted(calls("whisper", confidence=confidence, word="p"), DONE)
    llm = StandIn(answers=[("whisper", {"word": "llm"}), "Finished."][route == "policy" :])
    agent, front = behind(policy, llm, mode="accept")
    ask(agent)
    assert front.steps[0].route == route


async def test_middleware_runs_asynchronously() -> None:
    for mode, asked in (("off", 2), ("shadow", 2), ("accept", 1)):
        policy = Scripted(calls("whisper", confidence=0.95, word="p"), DONE)
        llm = StandIn(answers=[("whisper", {"word": "llm"}), "Finished."][2 - asked :])
        agent, _ = behind(policy, llm, mode=mode)
        result = await agent.ainvoke({"messages": [("user", "go")]})
        assert result["messages"][-1].text == "Finished."
        assert len(llm.asked) == asked


def test_a_call_with_bad_arguments_is_never_accepted() -> None:
    policy = Scripted(calls("whisper", confidence=1.0, word=7), DONE)
    llm = StandIn(answers=["Finished."])
    agent, front = behind(policy, llm, mode="accept")
    ask(agent)
    assert front.steps[0].route == "llm"


def test_only_so_many_steps_are_kept() -> None:
    policy = Repeating(DONE)
    agent, front = behind(policy, StandIn(answers=["a"] * 5), mode="shadow", keep=3)
    for _ in range(5):
        ask(agent)
    assert len(front.steps) == 3


@pytest.mark.parametrize(
    "given", [{"mode": "on"}, {"accept_at": 0.5, "constrain_at": 0.6}, {"accept_at": 1.5}]
)
def test_middleware_refuses_settings_that_cannot_be(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        langchain.PolicyMiddleware(Core.of(Scripted()), **given)


# ---- providers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpt-5", "provider:model"),
        ("openai:", "provider:model"),
        ("nobody:x", "unknown provider"),
        ("anthropic:x", "pip install langchain-anthropic"),
        ("openai:gpt-5-mini", "OPENAI_API_KEY"),
    ],
)
def test_a_provider_that_cannot_be_used_says_what_to_do(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(langchain.ProviderError, match=message):
        langchain.chat_model(name)


def test_a_provider_with_a_key_gives_a_model() -> None:
    model: Any = langchain.chat_model("openai:gpt-5-mini", api_key="not a real key")
    assert model.model_name == "gpt-5-mini"


# ---- tools, words, cancellation ---------------------------------------------------------------------


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


@styles
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
