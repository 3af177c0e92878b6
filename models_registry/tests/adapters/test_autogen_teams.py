"""Trained teams as AutoGen group chats."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from autogen_agentchat.agents import UserProxyAgent
from autogen_agentchat.messages import TextMessage

from models_registry.adapters import autogen
from models_registry.adapters._floor import Floor, WorldTeam
from models_registry.artifacts.bundle import BundleError, save_bundle
from models_registry.policies.team import untrained
from models_registry.tests.adapters.harness import tool, whisper
from models_registry.tests.scripted import Scripted, calls
from scenarios.core.team import TeamScenario, TeamWorld
from scenarios.core.types import Decision, Tool, ToolCall, Turn
from scenarios.library import library

DONE = Decision("final", text="Done.", confidence=0.8)


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
