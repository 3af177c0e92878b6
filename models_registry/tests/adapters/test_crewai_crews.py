"""CrewAI's agents, crews and managers, and who decides where the policy is unsure."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from models_registry.adapters import crewai as adapter
from models_registry.adapters._crewai_home import load
from models_registry.tests.adapters.harness import tool, whisper
from models_registry.tests.scripted import Repeating, Scripted, calls
from scenarios.core.types import Decision, Tool, ToolCall, Turn

DONE = Decision("final", text="Done.", confidence=0.8)
KINDS = ("native", "text")
both = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module", autouse=True)
def crewai(storage: Path) -> Any:
    return load()


def answer(agents: list[Any], requests: list[Any], **options: Any) -> str:
    return str(adapter.crew(agents, requests, **options).kickoff().raw)


def test_an_agent_has_its_role_and_goal() -> None:
    agent = adapter.wrap_agent(
        Scripted(), [whisper], role="Clerk", goal="Say words.", backstory="Long service."
    )
    assert (agent.role, agent.goal, agent.backstory) == ("Clerk", "Say words.", "Long service.")
    assert [t.name for t in agent.tools] == ["whisper"]
    assert adapter.CrewAI().validate_agent(agent) == ()


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="native, text"):
        adapter.wrap_agent(Scripted(), [], kind="nope")


@both
def test_tasks_follow_each_other_and_pass_their_answers_on(kind: str) -> None:
    first = Scripted(calls("whisper", word="blue"), Decision("final", text="It is blue."))
    second = Scripted(Decision("final", text="Written down."))
    agents = [
        adapter.wrap_agent(first, [whisper], kind=kind, role="Finder"),
        adapter.wrap_agent(second, [], kind=kind, role="Writer"),
    ]
    out = adapter.crew(agents, ["Find the colour.", "Write it down."]).kickoff()
    assert out.raw == "Written down."
    assert [o.raw for o in out.tasks_output] == ["It is blue.", "Written down."]
    assert second.seen[0][0] == [Turn("user", "Write it down.\nIt is blue.")]


@both
async def test_a_crew_runs_asynchronously(kind: str) -> None:
    policy = Scripted(calls("whisper", word="x"), DONE)
    crew = adapter.crew([adapter.wrap_agent(policy, [whisper], kind=kind)], ["go"])
    assert (await crew.kickoff_async()).raw == "Done."


def test_a_native_asynchronous_kickoff_works_too() -> None:
    policy = Scripted(calls("whisper", word="x"), DONE)
    crew = adapter.crew([adapter.wrap_agent(policy, [whisper])], ["go"])
    assert asyncio.run(crew.akickoff()).raw == "Done."


async def test_a_crew_is_cancelled_while_a_tool_works() -> None:
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait(given: Any) -> None:
        loop.call_soon_threadsafe(started.set)
        time.sleep(0.5)

    policy = Repeating(calls("wait"))
    crew = adapter.crew([adapter.wrap_agent(policy, [tool("wait", wait, {})])], ["go"])
    running = asyncio.create_task(crew.akickoff())
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.sleep(1.0)
    assert len(policy.seen) == 1, "nothing is decided after it"


@both
def test_a_crew_streams(kind: str) -> None:
    policy = Scripted(calls("whisper", word="x"), DONE)
    agent = adapter.wrap_agent(policy, [whisper], kind=kind)
    stream = adapter.crew([agent], ["go"], stream=True).kickoff()
    chunks = [chunk.content for chunk in stream]
    assert "Done." in chunks[-1]
    assert stream.result.raw == "Done."


def test_listeners_hear_every_decision() -> None:
    from crewai.events import LLMCallCompletedEvent, crewai_event_bus

    heard: list[Any] = []
    with crewai_event_bus.scoped_handlers():

        @crewai_event_bus.on(LLMCallCompletedEvent)
        def note(source: Any, event: Any) -> None:
            heard.append((event.model, event.call_type.value))

        policy = Scripted(calls("whisper", word="x"), DONE)
        answer([adapter.wrap_agent(policy, [whisper])], ["go"])
        crewai_event_bus.flush()
    assert heard == [("agentgym/policy", "tool_call"), ("agentgym/policy", "llm_call")]


def test_inputs_are_filled_in() -> None:
    policy = Scripted(DONE)
    crew = adapter.crew([adapter.wrap_agent(policy, [whisper])], ["whisper {word}"])
    crew.kickoff(inputs={"word": "blue"})
    assert policy.seen[0][0] == [Turn("user", "whisper blue")]


def test_an_agent_alone_answers() -> None:
    policy = Scripted(calls("whisper", word="x"), DONE)
    assert adapter.wrap_agent(policy, [whisper]).kickoff("say x").raw == "Done."
    assert policy.seen[0][0] == [Turn("user", "say x")]
    assert [t.name for t in policy.seen[0][1]] == ["whisper"]


@both
def test_crewai_s_own_limit_ends_in_words(kind: str) -> None:
    policy = Repeating(calls("whisper", word="x"))
    agent = adapter.wrap_agent(policy, [whisper], kind=kind, max_iter=3)
    assert "no tool for this" in answer([agent], ["go"])
    assert policy.seen[-1][1] == []


def test_a_tool_of_the_task_replaces_those_of_the_agent() -> None:
    from models_registry.adapters._crewai_tools import native

    other = tool("shout", lambda given: given["word"].upper())
    policy = Scripted(calls("shout", word="x"), DONE)
    agent = adapter.wrap_agent(policy, [whisper])
    task = load().Task(description="go", expected_output="x", agent=agent, tools=[native(other)])
    assert answer([agent], [task]) == "Done."
    assert [t.name for t in policy.seen[0][1]] == ["shout"]


@both
def test_the_same_call_may_be_made_again(kind: str) -> None:
    answers = [TimeoutError(), TimeoutError(), None]

    def flaky(given: Any) -> Any:
        if problem := answers.pop(0):
            raise problem
        return "at last"

    policy = Scripted(*[calls("flaky", word="x")] * 3, DONE)
    agent = adapter.wrap_agent(policy, [tool("flaky", flaky)], kind=kind)
    assert answer([agent], ["go"]) == "Done."
    found = [t.content for t in policy.seen[-1][0] if t.role == "tool"]
    assert [isinstance(c, dict) for c in found] == [True, True, False]


def staff(*roles: str) -> tuple[list[Any], dict[str, Scripted]]:
    minds = {role: Scripted(Decision("final", text=f"{role} did it.")) for role in roles}
    agents = [
        adapter.wrap_agent(mind, [whisper], role=role, goal=f"Do what a {role} does.")
        for role, mind in minds.items()
    ]
    return agents, minds


def test_a_manager_s_policy_chooses_the_coworker() -> None:
    agents, minds = staff("Billing Clerk", "Engineer")
    manager = Scripted(calls("engineer"), Decision("final", text="All done."))
    assert answer(agents, ["Mend it."], manager=manager) == "All done."
    assert minds["Billing Clerk"].seen == []
    assert minds["Engineer"].seen[0][0][0].content.startswith("Mend it.")
    assert [(t.name, t.description) for t in manager.seen[0][1]] == [
        ("billing_clerk", "Billing Clerk: Do what a Billing Clerk does."),
        ("engineer", "Engineer: Do what a Engineer does."),
    ]
    call = ToolCall("engineer")
    assert manager.seen[1][0] == [
        Turn("user", "Mend it."),
        Turn("assistant", call=call),
        Turn("tool", "Engineer did it.", call=call),
    ]


def test_what_one_coworker_found_is_told_to_the_next() -> None:
    agents, minds = staff("Finder", "Writer")
    manager = Scripted(calls("finder"), calls("writer"), DONE)
    answer(agents, ["Find and write."], manager=manager)
    assert "Finder did it." in minds["Writer"].seen[0][0][0].content


def test_a_manager_that_was_trained_with_hand_offs_uses_them() -> None:
    assign = Tool(
        "assign",
        "Give the case to a specialist.",
        {"type": "object", "properties": {"topic": {"type": "string"}}, "required": ["topic"]},
    )
    agents, minds = staff("Specialist")
    manager = Scripted(calls("assign", topic="refund"), DONE)
    delegation = adapter.Delegation({"assign": (assign, "Specialist")})
    answer(agents, ["I want my money."], manager=manager, delegation=delegation)
    assert [t.name for t in manager.seen[0][1]] == ["assign"]
    assert minds["Specialist"].seen[0][0][0].content == "I want my money.\ntopic refund"


def test_a_manager_who_names_nobody_gets_an_error() -> None:
    agents, minds = staff("Engineer")
    manager = Scripted(calls("plumber"), Decision("hand_over", text="Nobody can."))
    assert answer(agents, ["Mend it."], manager=manager) == "Nobody can."
    assert manager.seen[-1][0][-1].is_error
    assert minds["Engineer"].seen == []


def test_a_worker_may_delegate_too() -> None:
    agents, minds = staff("Engineer")
    boss = Scripted(calls("engineer"), DONE)
    chief = adapter.wrap_agent(boss, [], role="Chief", allow_delegation=True)
    task = load().Task(description="Mend it.", expected_output="x", agent=chief)
    assert answer([chief, *agents], [task]) == "Done."
    assert len(minds["Engineer"].seen) == 1


def stand_in(*answers: Any) -> Any:
    """A scripted CrewAI LLM that uses tokens."""

    class StandIn(load().BaseLLM):  # type: ignore[misc]
        def supports_function_calling(self) -> bool:
            return True

        def call(self, messages: Any, *rest: Any, **named: Any) -> Any:
            self._track_token_usage_internal(
                {"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11}
            )
            given = self.additional_params["answers"].pop(0)
            if isinstance(given, str):
                return given
            name, arguments = given
            return [
                {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}
            ]

    return StandIn(model="stand-in", provider="test", answers=list(answers))


def test_an_unsure_policy_asks_the_fallback_and_its_tokens_are_counted() -> None:
    unsure = calls("whisper", confidence=0.3, word="policy")
    policy = Scripted(unsure, DONE)
    llm = stand_in(("whisper", '{"word": "llm"}'))
    agent = adapter.wrap_agent(policy, [whisper], min_confidence=0.5, fallback=llm)
    out = adapter.crew([agent], ["go"]).kickoff()
    assert out.raw == "Done."
    assert policy.seen[-1][0][-1].content == {"said": "llm"}
    assert out.token_usage.total_tokens == 11
    assert out.token_usage.prompt_tokens == 7


def test_a_sure_policy_uses_no_tokens() -> None:
    policy = Scripted(calls("whisper", word="x"), DONE)
    agent = adapter.wrap_agent(policy, [whisper], fallback=stand_in())
    out = adapter.crew([agent], ["go"]).kickoff()
    assert out.token_usage.total_tokens == 0
