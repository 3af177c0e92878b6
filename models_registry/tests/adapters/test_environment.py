"""A user's own agent as an environment, and what all adapters promise about the agents of their framework."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env

from models_registry.adapters import adapters, autogen, crewai, langchain
from models_registry.adapters._environment import AgentTask, environment
from models_registry.adapters.base import Adapter
from models_registry.tests.adapters.harness import tool
from models_registry.tests.scripted import Scripted, calls
from scenarios.core.types import Decision, ToolCall, ToolResult, Turn

LOOK = ToolCall("look_up", {"word": "blue"})
SEND = ToolCall("send", {"word": "blue"})
TASK = AgentTask(
    "Please send blue.",
    (LOOK, SEND),
    ((LOOK, ToolResult({"found": "blue"})), (SEND, ToolResult("sent"))),
)
DONE = Decision("final", text="Done.")


class Ran(Exception):
    """A real tool was run."""


def never(given: Any) -> Any:
    raise Ran


def tools(run: Any = never) -> list[Any]:
    return [tool("look_up", run), tool("send", run)]


def play(env: Any, *decisions: Decision) -> tuple[list[Turn], float, dict[str, Any]]:
    env.reset(options={"task_seed": 0})
    paid, info, turns = 0.0, {}, ()
    for decision in decisions:
        turns, reward, terminated, _, info = env.step(decision)
        paid += reward
    assert terminated
    return list(turns), paid, info


def decided(call: ToolCall) -> Decision:
    return Decision("tool", call)


def test_it_is_a_gymnasium_environment() -> None:
    env = environment(tools(), [TASK])
    assert isinstance(env, gymnasium.Env)
    check_env(env, skip_render_check=True)


def test_recorded_answers_stand_for_the_real_tools() -> None:
    env = environment(tools(), [TASK])
    turns, paid, info = play(env, decided(LOOK), decided(SEND), DONE)
    assert [t.content for t in turns if t.role == "tool"] == [{"found": "blue"}, "sent"]
    assert info["success"]
    assert paid > 1.5


def test_giving_up_and_the_wrong_order_are_not_a_success() -> None:
    env = environment(tools(), [TASK])
    assert not play(env, DONE)[2]["success"]
    assert not play(env, decided(SEND), decided(LOOK), DONE)[2]["success"]


def test_what_is_not_recorded_is_an_error_and_runs_nothing() -> None:
    env = environment(tools(), [TASK])
    turns, _, info = play(env, decided(ToolCall("send", {"word": "red"})), DONE)
    assert turns[2].content["error"] == "not_recorded"
    assert not info["success"]


def test_only_tools_marked_safe_really_run() -> None:
    seen: list[Any] = []

    def run(given: Any) -> Any:
        seen.append(dict(given))
        return {"found": "red"}

    env = environment([tool("look_up", run), tool("send", never)], [TASK], safe=["look_up"])
    other = ToolCall("look_up", {"word": "red"})
    turns, _, info = play(env, decided(other), decided(LOOK), decided(SEND), DONE)
    assert seen == [{"word": "red"}]
    assert turns[2].content == {"found": "red"}
    assert info["success"], "looking something up too often spoils nothing"


def test_a_simulator_answers_the_rest_and_a_stray_change_spoils_the_task() -> None:
    def simulate(call: ToolCall) -> Any:
        if call.arguments["word"] == "black":
            raise TimeoutError
        return {"simulated": call.name}

    env = environment(tools(), [TASK], simulate=simulate)
    stray = ToolCall("send", {"word": "red"})
    turns, _, info = play(env, decided(stray), decided(LOOK), decided(SEND), DONE)
    assert turns[2].content == {"simulated": "send"}
    assert not info["success"]
    late = decided(ToolCall("send", {"word": "black"}))
    assert play(env, late, DONE)[0][2].content["error"] == "timeout"


def test_a_call_made_again_gets_the_next_recorded_answer() -> None:
    failed = ToolResult({"error": "timeout", "message": "late"}, is_error=True)
    task = AgentTask("x", (LOOK,), ((LOOK, failed), (LOOK, ToolResult(1))))
    env = environment(tools(), [task])
    turns, _, info = play(env, decided(LOOK), decided(LOOK), DONE)
    assert [t.is_error for t in turns if t.role == "tool"] == [True, False]
    assert info["success"]


def test_a_recorded_conversation_is_a_task() -> None:
    turns = [
        Turn("user", "Send it."),
        Turn("assistant", "Which?"),
        Turn("user", "The blue one."),
        Turn("assistant", call=LOOK),
        Turn("tool", {"found": "blue"}, call=LOOK),
        Turn("assistant", call=SEND),
        Turn("tool", {"error": "timeout", "message": "late"}, call=SEND, is_error=True),
        Turn("assistant", "Sorry."),
    ]
    task = AgentTask.of(turns, "test")
    assert (task.request, task.answer, task.split) == ("Send it.", "The blue one.", "test")
    assert task.calls == (LOOK,)
    assert len(task.recorded) == 2
    with pytest.raises(ValueError, match="request"):
        AgentTask.of(turns[1:])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": []}, "at least one"),
        ({"safe": ["nope"]}, "no tool 'nope'"),
        ({"tasks": [AgentTask("x", (ToolCall("nope"),))]}, "no tool 'nope'"),
        ({"split": "test"}, "split='test'"),
    ],
)
def test_what_cannot_be_is_said_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        environment(tools(), **({"tasks": [TASK]} | options))


# ---- the same promises for every framework -------------------------------------------------------


def look_up(word: str) -> dict[str, str]:
    """Look a word up."""
    return {"found": word}


def send(word: str, times: int = 1) -> str:
    """Send a word."""
    raise Ran


def user_agents() -> dict[str, Any]:
    """Agents as their users build them, over native tools, with a model of their own."""
    from autogen_agentchat.agents import AssistantAgent
    from langchain.agents import create_agent
    from langchain_core.tools import tool as langchain_tool

    from models_registry.adapters._core import Core
    from models_registry.tests.adapters.stand_in import StandIn

    load = importlib.import_module("models_registry.adapters._crewai_home").load
    module = load()
    from crewai.tools import tool as crewai_tool

    core = Core.of(Scripted())
    client = autogen.PolicyClient(core)
    graph: Any = create_agent(StandIn(answers=[]), [langchain_tool(look_up), langchain_tool(send)])
    return {
        "langchain": graph,
        "autogen": AssistantAgent("a", client, tools=[look_up, send], max_tool_iterations=5),
        "crewai": module.Agent(
            role="r",
            goal="g",
            backstory="b",
            llm=crewai.PolicyLLM(core),
            tools=[crewai_tool(look_up), crewai_tool(send)],
        ),
        "plain": [look_up, send],
    }


every_adapter = pytest.mark.parametrize("key", ["langchain", "autogen", "crewai", "plain"])


def made(key: str) -> Adapter:
    return adapters.get(key)()


def test_these_are_all_adapters_there_are() -> None:
    assert set(user_agents()) <= set(adapters.keys())


@every_adapter
def test_tools_are_extracted_from_a_user_s_agent(key: str) -> None:
    found = made(key).extract_tools(user_agents()[key])
    assert [t.name for t in found] == ["look_up", "send"]
    assert [t.description for t in found] == ["Look a word up.", "Send a word."]
    assert [t.required for t in found] == [("word",), ("word",)]
    assert found[1].properties["times"]["type"] == "integer"
    assert found[0].properties["word"] == {"type": "string"}


@every_adapter
def test_extracted_tools_run_with_canonical_results(key: str) -> None:
    look, sender = made(key).live_tools(user_agents()[key])
    assert look.call({"word": "blue"}) == ToolResult({"found": "blue"})
    assert look.call({"wrong": 1}).content["error"] == "invalid_arguments"
    assert sender.call({"word": "blue"}).is_error


@every_adapter
def test_an_environment_is_made_over_a_user_s_agent(key: str) -> None:
    env = made(key).create_environment(user_agents()[key], [TASK], safe=["look_up"])
    red = ToolCall("look_up", {"word": "red"})
    turns, _, info = play(env, decided(red), decided(LOOK), decided(SEND), DONE)
    assert [t.content for t in turns if t.role == "tool"] == [
        {"found": "red"},
        {"found": "blue"},
        "sent",
    ]
    assert info["success"]


@every_adapter
def test_the_framework_says_what_it_is(key: str) -> None:
    info = made(key).get_framework_info()
    assert info.key == key
    assert info.missing == ()
    assert info.kinds
    assert all(version[0].isdigit() for version in info.versions.values())
    assert set(info.versions) == set(made(key).requires)


@every_adapter
def test_an_agent_of_something_else_is_refused_in_words(key: str) -> None:
    (problem,) = made(key).validate_agent(42)
    assert "not int" in problem


@every_adapter
def test_an_agent_without_tools_has_nothing_to_learn(key: str) -> None:
    assert "no tools" in made(key).validate_agent([])[0]


@every_adapter
def test_an_agent_that_fits_has_no_problems(key: str) -> None:
    agent = user_agents()[key]
    if key == "langchain":
        agent = agent.with_config(recursion_limit=50)
    assert made(key).validate_agent(agent) == ()


def test_settings_that_hurt_are_named() -> None:
    from autogen_agentchat.agents import AssistantAgent

    from models_registry.adapters._core import Core

    client = autogen.PolicyClient(Core.of(Scripted()))
    once = AssistantAgent("a", client, tools=[look_up])
    assert "max_tool_iterations" in made("autogen").validate_agent(once)[0]
    assert "recursion_limit" in made("langchain").validate_agent(user_agents()["langchain"])[0]


def test_tools_that_cannot_be_told_apart_are_named() -> None:
    twice = [tool("send", never), tool("send", never)]
    assert "2 tools are called 'send'" in made("plain").validate_agent(twice)[0]
    silent = function_without_words()
    assert "no description" in made("plain").validate_agent([silent])[0]


def function_without_words() -> Any:
    def quiet(word: str) -> str:
        return word

    return quiet


@pytest.mark.parametrize("key", ["langchain", "autogen", "crewai", "plain"])
def test_a_run_becomes_a_task(key: str) -> None:
    policy = Scripted(calls("look_up", word="blue"), DONE)
    record: Any
    if key == "langchain":
        record = langchain.wrap_agent(policy, [look_up]).invoke({"messages": [("user", "go")]})
    elif key == "autogen":
        record = asyncio.run(autogen.wrap_agent(policy, [look_up]).run(task="go"))
    elif key == "crewai":
        agent = crewai.wrap_agent(policy, [look_up])
        record = crewai.crew([agent], ["go"]).kickoff().tasks_output[0]
    else:
        record = made("plain").wrap_agent(policy, [look_up]).run("go")
    turns = made(key).turns(record)
    task = AgentTask.of(turns)
    assert task.request == "go"
    assert task.calls == (LOOK,)
    assert task.recorded == ((LOOK, ToolResult({"found": "blue"})),)
    assert turns[-1] == Turn("assistant", "Done.")
