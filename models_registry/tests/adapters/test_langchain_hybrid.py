"""A policy beside an LLM in LangChain: fallbacks, middleware, providers."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.tools import tool as langchain_tool

from models_registry.adapters import langchain
from models_registry.adapters._core import Core
from models_registry.adapters._langchain_tools import native
from models_registry.tests.adapters.harness import whisper
from models_registry.tests.adapters.stand_in import StandIn
from models_registry.tests.scripted import Repeating, Scripted, calls
from scenarios.core.types import Decision

DONE = Decision("final", text="Done.", confidence=0.8)
UNSURE = calls("whisper", confidence=0.3, word="policy")


@langchain_tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


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


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpt-5", "provider:model"),
        ("openai:", "provider:model"),
        ("nobody:x", "unknown provider"),
        ("elsewhere:x", "pip install no-such-package"),
        ("openai:gpt-5-mini", "OPENAI_API_KEY"),
    ],
)
def test_a_provider_that_cannot_be_used_says_what_to_do(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models_registry.adapters._langchain_providers import PROVIDERS, _Needs

    pytest.importorskip("langchain_openai")
    monkeypatch.setitem(PROVIDERS, "elsewhere", _Needs("no-such-package", None))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(langchain.ProviderError, match=message):
        langchain.chat_model(name)


def test_a_provider_with_a_key_gives_a_model() -> None:
    pytest.importorskip("langchain_openai")
    model: Any = langchain.chat_model("openai:gpt-5-mini", api_key="not a real key")
    assert model.model_name == "gpt-5-mini"
