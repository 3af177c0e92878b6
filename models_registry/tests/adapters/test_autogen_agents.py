"""AutoGen's agents and group chats: fresh agents, people, hand-offs, selectors."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from autogen_agentchat.agents import UserProxyAgent
from autogen_agentchat.base import Handoff
from autogen_agentchat.conditions import HandoffTermination
from autogen_agentchat.messages import HandoffMessage
from autogen_core import CancellationToken
from autogen_core.tools import FunctionTool

from models_registry.adapters import autogen
from models_registry.adapters._core import Core
from models_registry.tests.adapters.harness import tool, whisper
from models_registry.tests.adapters.stand_in_client import ClientStandIn
from models_registry.tests.scripted import Repeating, Scripted, calls
from scenarios.core.types import Decision, ToolCall, Turn

DONE = Decision("final", text="Done.", confidence=0.8)


async def test_texts_say_which_decision_they_are() -> None:
    agent = autogen.wrap_agent(Scripted(Decision("ask", text="Which?", confidence=0.25)), [])
    message = (await agent.run(task="go")).messages[-1]
    assert message.metadata == {"source": "policy", "decision": "ask", "confidence": "0.2500"}


async def test_an_agent_keeps_its_conversation_and_a_fresh_one_has_none() -> None:
    policy = Scripted(DONE, DONE, DONE)
    agent = autogen.wrap_agent(policy, [whisper], description="Says words.")
    await agent.run(task="one")
    await agent.run(task="two")
    assert [t.content for t in policy.seen[1][0]] == ["one", "Done.", "two"]
    other = agent.fresh()
    await other.run(task="three")
    assert [t.content for t in policy.seen[2][0]] == ["three"]
    assert (other.name, other.description) == (agent.name, "Says words.")


async def test_two_runs_at_once_on_one_agent_are_refused() -> None:
    slow = tool("slow", lambda given: time.sleep(0.2), {})
    agent = autogen.wrap_agent(Repeating(calls("slow")), [slow], max_steps=1)
    results = await asyncio.gather(agent.run(task="a"), agent.run(task="b"), return_exceptions=True)
    problems = [r for r in results if isinstance(r, RuntimeError)]
    assert len(problems) == 1
    assert "fresh()" in str(problems[0])


async def test_fifty_fresh_agents_share_one_event_loop() -> None:
    def make(number: int) -> autogen.PolicyAssistant:
        said = Decision("final", text=f"Said {number}.")
        return autogen.wrap_agent(Scripted(calls("whisper", word=str(number)), said), [whisper])

    agents = [make(number) for number in range(50)]
    found = await asyncio.gather(*(agent.run(task="go") for agent in agents))
    assert [r.messages[-1].to_text() for r in found] == [f"Said {n}." for n in range(50)]


async def test_a_run_is_cancelled_while_a_tool_works() -> None:
    started = asyncio.Event()

    async def wait(word: str) -> str:
        """Wait."""
        started.set()
        await asyncio.sleep(60)
        return word

    token = CancellationToken()
    agent = autogen.wrap_agent(Repeating(calls("wait", word="x")), [wait])
    running = asyncio.create_task(agent.run(task="go", cancellation_token=token))
    await started.wait()
    token.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not agent._busy


async def test_asynchronous_tools_stay_in_their_event_loop() -> None:
    loops: list[Any] = []

    async def here(word: str) -> str:
        """Note the loop."""
        loops.append(asyncio.get_running_loop())
        raise TimeoutError

    policy = Scripted(calls("here", word="x"), DONE)
    await autogen.wrap_agent(policy, [here]).run(task="go")
    assert loops == [asyncio.get_running_loop()]
    assert policy.seen[-1][0][-1].content["error"] == "timeout"


def test_tools_come_from_agents_workbenches_and_lists() -> None:
    from autogen_core.tools import StaticWorkbench

    from models_registry.adapters._autogen_tools import live_tools

    def say(word: str) -> dict[str, str]:
        """Say it."""
        return {"said": word}

    bench = StaticWorkbench([FunctionTool(say, description="Say it.")])
    (live,) = live_tools(bench)
    assert live.call({"word": "x"}).content == {"said": "x"}
    with pytest.raises(TypeError, match="not str"):
        live_tools("say")


async def test_tools_are_extracted_inside_a_running_loop() -> None:
    agent = autogen.wrap_agent(Scripted(), [whisper])
    (found,) = autogen.AutoGen().live_tools(agent)
    assert found.call({"word": "x"}).content == {"said": "x"}


async def test_a_person_in_the_loop_answers_the_policy_s_question() -> None:
    policy = Scripted(Decision("ask", text="Which word?"), calls("whisper", word="blue"), DONE)
    agent = autogen.wrap_agent(policy, [whisper])
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return "blue"

    chat = autogen.round_robin([agent.fresh, lambda: UserProxyAgent("user", input_func=answer)])
    result = await chat.run(task="whisper")
    assert len(asked) == 1
    assert result.messages[-1].to_text() == "Done."
    assert [t.content for t in policy.seen[1][0]] == ["whisper", "Which word?", "blue"]


async def test_without_a_person_a_question_ends_the_run_and_the_answer_resumes_it() -> None:
    policy = Scripted(Decision("ask", text="Which word?"), calls("whisper", word="blue"), DONE)
    chat = autogen.round_robin([autogen.wrap_agent(policy, [whisper]).fresh])
    assert (await chat.run(task="whisper")).messages[-1].to_text() == "Which word?"
    assert (await chat.run(task="blue")).messages[-1].to_text() == "Done."


async def test_members_of_a_round_hear_each_other() -> None:
    first = Scripted(Decision("ask", text="Over to you."))
    second = Scripted(DONE)
    chat = autogen.round_robin(
        [
            autogen.wrap_agent(first, [], name="first").fresh,
            autogen.wrap_agent(second, [], name="second").fresh,
            lambda: UserProxyAgent("user", input_func=lambda prompt: "unused"),
        ]
    )
    await chat.run(task="go")
    assert [t.content for t in second.seen[0][0]] == ["go", "Over to you."]


async def test_a_hand_off_is_a_tool_like_any_other() -> None:
    front = Scripted(calls("transfer_to_clerk"))
    clerk = Scripted(calls("whisper", word="blue"), DONE)
    chat = autogen.swarm(
        [
            autogen.wrap_agent(front, [], name="front", handoffs=["clerk"]).fresh,
            autogen.wrap_agent(clerk, [whisper], name="clerk").fresh,
        ]
    )
    result = await chat.run(task="whisper blue")
    assert [type(m) for m in result.messages].count(HandoffMessage) == 1
    assert result.messages[-1].to_text() == "Done."
    assert [t.name for t in front.seen[0][1]] == ["transfer_to_clerk"]
    assert clerk.seen[0][0][0] == Turn("user", "whisper blue")


async def test_a_question_goes_to_the_person_of_a_swarm_and_reads_as_in_training() -> None:
    policy = Scripted(Decision("ask", text="Which word?"), calls("whisper", word="blue"), DONE)
    agent = autogen.wrap_agent(
        policy, [whisper], name="clerk", handoffs=[Handoff(target="user", message="To the user.")]
    )
    chat = autogen.swarm([agent.fresh], termination=lambda: HandoffTermination("user"))
    first = await chat.run(task="whisper")
    handed = first.messages[-1]
    assert isinstance(handed, HandoffMessage)
    assert handed.metadata["decision"] == "ask"
    assert [t.name for t in policy.seen[0][1]] == ["whisper"], "the door to a person is no tool"
    reply = HandoffMessage(source="user", target="clerk", content="blue")
    second = await chat.run(task=reply)
    assert second.messages[-1].to_text() == "Done."
    assert policy.seen[1][0][:3] == [
        Turn("user", "whisper"),
        Turn("assistant", "Which word?"),
        Turn("user", "blue"),
    ]


def members(*names: str) -> list[Any]:
    made = [
        autogen.wrap_agent(
            Repeating(Decision("final", text=f"{name} is done.")), [], name=name, description=name
        )
        for name in names
    ]
    return [agent.fresh for agent in made]


async def test_a_policy_selects_who_speaks() -> None:
    policy = Scripted(calls("b"), calls("a"), Decision("final", text="Enough."))
    result = await autogen.selector(Core.of(policy), members("a", "b")).run(task="go")
    assert [m.source for m in result.messages] == ["user", "b", "a"]
    assert policy.seen[-1][0] == [
        Turn("user", "go"),
        Turn("assistant", call=ToolCall("b")),
        Turn("tool", "b is done.", call=ToolCall("b")),
        Turn("assistant", call=ToolCall("a")),
        Turn("tool", "a is done.", call=ToolCall("a")),
    ]
    assert [t.name for t in policy.seen[0][1]] == ["a", "b"]


async def test_an_unsure_selector_leaves_the_choice_to_the_llm() -> None:
    policy = Scripted(calls("a", confidence=0.3), Decision("final", text="Enough."))
    llm = ClientStandIn("b")
    core = Core.of(policy, min_confidence=0.5)
    result = await autogen.selector(core, members("a", "b"), llm=llm).run(task="go")
    assert [m.source for m in result.messages] == ["user", "b"]
    assert len(llm.asked) == 1


async def test_an_unsure_selector_without_an_llm_ends_the_chat() -> None:
    core = Core.of(Scripted(calls("a", confidence=0.3)), min_confidence=0.5)
    result = await autogen.selector(core, members("a", "b")).run(task="go")
    assert [m.source for m in result.messages] == ["user"]


async def test_a_chat_that_never_ends_is_stopped() -> None:
    policy = Repeating(calls("a"))
    chat = autogen.selector(Core.of(policy), members("a", "b"), max_turns=4)
    result = await chat.run(task="go")
    assert [m.source for m in result.messages] == ["user", *["a"] * 4]
