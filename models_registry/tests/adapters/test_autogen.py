"""What is AutoGen's own: the client, hand-offs, people, group chats, trained teams."""

from __future__ import annotations

import asyncio
import importlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from autogen_agentchat.agents import AssistantAgent, UserProxyAgent
from autogen_agentchat.base import Handoff
from autogen_agentchat.conditions import HandoffTermination
from autogen_agentchat.messages import HandoffMessage, TextMessage
from autogen_core import CancellationToken, ComponentModel, FunctionCall
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
from models_registry.adapters._floor import Floor, WorldTeam
from models_registry.artifacts.bundle import BundleError, save_bundle
from models_registry.policies.team import untrained
from models_registry.tests.adapters.harness import tool, whisper
from models_registry.tests.scripted import Obedient, Repeating, Scripted, calls
from scenarios.core.team import TeamScenario, TeamWorld
from scenarios.core.types import Decision, Tool, ToolCall, Turn
from scenarios.library import library

DONE = Decision("final", text="Done.", confidence=0.8)
HELLO = [UserMessage(content="hello", source="user")]


def client(*decisions: Decision, **settings: Any) -> autogen.PolicyClient:
    return autogen.PolicyClient(Core.of(Scripted(*decisions), **settings))


def named(name: str) -> FunctionTool:
    def say(word: str) -> str:
        return word

    return FunctionTool(say, description="Say it.", name=name)


class StandIn(autogen.PolicyClient):
    """A scripted client in the place of an LLM, that uses tokens."""

    def __init__(self, *answers: str | tuple[str, dict[str, Any]]) -> None:
        super().__init__(Core.of(Scripted()))
        self.answers = list(answers)
        self.asked: list[Sequence[Any]] = []
        self.closed = False

    async def create(self, messages: Any, **given: Any) -> CreateResult:
        self.asked.append(messages)
        answer = self.answers.pop(0)
        content: Any = answer
        if not isinstance(answer, str):
            content = [FunctionCall(id="1", name=answer[0], arguments=json.dumps(answer[1]))]
        usage = RequestUsage(prompt_tokens=7, completion_tokens=4)
        reason: Any = "stop" if isinstance(answer, str) else "function_calls"
        return CreateResult(finish_reason=reason, content=content, usage=usage, cached=False)

    async def close(self) -> None:
        self.closed = True


# ---- the client ------------------------------------------------------------------------------------


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
    llm = StandIn('{"a": 1}')
    made = autogen.PolicyClient(Core.of(Scripted(DONE)), fallback=llm)
    assert (await made.create(HELLO, json_output=True)).content == '{"a": 1}'


async def test_an_unsure_policy_asks_the_fallback_and_its_tokens_are_counted() -> None:
    llm = StandIn(("whisper", {"word": "from the llm"}))
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


# ---- what the policy reads --------------------------------------------------------------------------


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


# ---- agents -----------------------------------------------------------------------------------------


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


# ---- group chats ------------------------------------------------------------------------------------


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
    llm = StandIn("b")
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


# ---- trained teams ----------------------------------------------------------------------------------


class Oracle:
    """A member who always takes the reference path."""

    def __init__(self, world: TeamWorld, role: str) -> None:
        self.world, self.role = world, role
        self.read: list[list[Turn]] = []

    def act(self, turns: Sequence[Turn], tools: Sequence[Tool]) -> Decision:
        self.read.append(list(turns))
        return self.world.oracle_of(self.role)


def team_world(key: str, seed: int, difficulty: Any = "medium") -> tuple[TeamScenario, TeamWorld]:
    scenario = library.get(key)()
    assert isinstance(scenario, TeamScenario)
    return scenario, scenario.world(scenario.task("test", difficulty, seed))


TEAMS = ["relay", "team_support", "collaborative_coding"]


@pytest.mark.parametrize("key", TEAMS)
@pytest.mark.parametrize("seed", range(4))
async def test_a_team_that_knows_what_to_do_reaches_the_goal(key: str, seed: int) -> None:
    scenario, world = team_world(key, seed)
    side = WorldTeam(world, scenario)
    minds = {role: Oracle(world, role) for role in world.roles}
    person = UserProxyAgent("customer", input_func=lambda prompt: side.answer)
    chat = autogen.trained_team(
        minds,
        {role: side.tools(role) for role in world.roles},
        side.floor(),
        person=person,
        max_turns=80,
    )
    await chat.run(task=world.opening())
    assert world.succeeded


@pytest.mark.parametrize("key", TEAMS)
async def test_each_member_reads_what_its_role_read_in_training(key: str) -> None:
    from scenarios.core.team_env import TeamEnv

    scenario, world = team_world(key, 1, "easy")
    side = WorldTeam(world, scenario)
    minds = {role: Oracle(world, role) for role in world.roles}
    person = UserProxyAgent("customer", input_func=lambda prompt: side.answer)
    tools = {role: side.tools(role) for role in world.roles}
    chat = autogen.trained_team(minds, tools, side.floor(), person=person, max_turns=80)
    await chat.run(task=world.opening())

    env = TeamEnv(scenario, "test", "easy")
    views, _ = env.reset(options={"task_seed": 1})
    read: dict[str, list[list[Turn]]] = {role: [] for role in world.roles}
    while env.agents:
        assert env.world is not None
        active = env.world.active()
        for role in active:
            read[role].append(list(views[role]))
        views, *_ = env.step({role: env.world.oracle_of(role) for role in active})
    # Working side by side, a member may read a message one decision earlier than in training.
    for role, mind in minds.items():
        assert len(mind.read) == len(read[role])
        assert mind.read[-1] == read[role][-1]


@pytest.mark.parametrize("key", ["relay", "team_support"])
async def test_a_bundle_gives_every_role_its_own_policy(key: str, tmp_path: Path) -> None:
    scenario, world = team_world(key, 2)
    roles = [role.name for role in scenario.roles]
    manifest = {
        "scenario": key,
        "roles": roles,
        "tools": [spec.as_json() for spec in scenario.tools],
    }
    save_bundle(tmp_path / key, untrained(roles, 3, critic=True), manifest)
    side = WorldTeam(world, scenario)
    tools = {role: side.tools(role) for role in roles}
    chat = autogen.trained_team(tmp_path / key, tools, side.floor(), max_steps=4, max_turns=12)
    result = await chat.run(task=world.opening())
    assert result.messages[1].source == roles[0]
    assert {m.source for m in result.messages} <= {"user", *roles}
    with pytest.raises(BundleError):
        autogen.wrap_agent(tmp_path / key, [])
    with pytest.raises(ValueError, match="tools must be given"):
        autogen.trained_team(tmp_path / key, {}, side.floor())


async def test_a_team_of_one_s_own_words_its_hand_offs() -> None:
    pass_on = tool("pass_on", lambda given: "ok")
    front = Scripted(calls("pass_on", word="blue"))
    back = Scripted(Decision("ask", text="How loud?"), DONE)
    floor = Floor(("front", "back"), {"pass_on": ("back",)})
    chat = autogen.trained_team(
        {"front": front, "back": back}, {"front": [pass_on], "back": [whisper]}, floor
    )
    first = await chat.run(task="say blue")
    assert first.messages[-1].to_text() == "How loud?"
    second = await chat.run(task="quietly")
    assert second.messages[-1].to_text() == "Done."
    assert [t.content for t in back.seen[1][0]] == ["front: word blue", "How loud?", "quietly"]
    assert [t.content for t in front.seen[0][0]] == ["say blue"]


async def test_a_failed_hand_off_passes_nothing_on() -> None:
    def fail(given: Any) -> Any:
        raise TimeoutError

    front = Scripted(calls("pass_on", word="x"), Decision("hand_over", text="I give up."))
    back = Scripted()
    floor = Floor(("front", "back"), {"pass_on": ("back",)})
    chat = autogen.trained_team(
        {"front": front, "back": back}, {"front": [tool("pass_on", fail)], "back": []}, floor
    )
    result = await chat.run(task="go")
    assert result.messages[-1].to_text() == "I give up."
    assert back.seen == []
    assert floor.over


def test_who_waits_for_several_goes_on_when_all_have_answered() -> None:
    floor = Floor(
        ("author", "reviewer", "tester"), {"ask": ("reviewer", "tester"), "ok": ("author",)}
    )
    floor.passed("author", ToolCall("ask"))
    assert [floor.next(), floor.next(), floor.next()] == ["reviewer", "tester", "reviewer"]
    floor.passed("reviewer", ToolCall("ok"))
    assert floor.holding == {"tester"}
    floor.passed("tester", ToolCall("ok"))
    assert floor.holding == {"author"}
    floor.spoke("author", DONE)
    assert floor.over


def test_the_module_loads_autogen_only_when_it_is_used() -> None:
    with pytest.raises(AttributeError, match="nothing_here"):
        importlib.import_module("models_registry.adapters.autogen").nothing_here  # noqa: B018
    assert isinstance(TextMessage(content="x", source="y"), TextMessage)
