"""The world's vocabulary: environment, verdicts, faults, rewards, registry, schemas, and the check itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env

from scenarios.core import rewards
from scenarios.core.check import ScenarioError, check_scenario
from scenarios.core.env import ConversationSpace, DecisionSpace, ToolEnv
from scenarios.core.registry import Registry, UnknownKey
from scenarios.core.rewards import RewardWeights
from scenarios.core.schema import argument_errors, value_allowed
from scenarios.core.tasks import ASK, AnyOf, FailureKind, Milestone, Task, Verdict
from scenarios.core.types import Decision, Tool, ToolCall, ToolResult, Turn
from scenarios.core.world import World
from scenarios.library import library
from scenarios.library.echo import Echo, EchoWorld

TOOLS = tuple(
    Tool(
        name,
        "A tool.",
        {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
    )
    for name in ("first", "second", "other")
)


class Board(World):
    """Counts calls; breaks policy on x = 13."""

    def __init__(self, task: Task, fault_rate: float = 0.0) -> None:
        super().__init__(task, 0, TOOLS, fault_rate)
        self.ran: list[ToolCall] = []

    def opening(self) -> str:
        return "do it"

    def run(self, call: ToolCall) -> ToolResult:
        self.ran.append(call)
        if call.arguments["x"] == 13:
            self.breaches.append("thirteen")
        return ToolResult({"x": call.arguments["x"]}, seconds=0.5)

    def reply(self, question: str) -> str:
        return "seven"

    def goals_hold(self) -> bool:
        return {call.name for call in self.ran} >= {"first", "second"}


def board(*milestones: Milestone, fault_rate: float = 0.0) -> Board:
    plan = milestones or (
        Milestone("a", "first", {"x": AnyOf((1, 2))}),
        Milestone("b", "second", {"x": AnyOf((3,))}, after=("a",)),
    )
    return Board(Task("board", "train", "easy", 0, "kind", plan), fault_rate)


def call(name: str, **arguments: Any) -> Decision:
    return Decision("tool", ToolCall(name, arguments))


@pytest.mark.parametrize(
    ("decisions", "failure"),
    [
        ([call("first", x=1)], None),
        ([call("first", x=2)], None),
        ([call("first", x=9)], "wrong_argument"),
        ([call("first")], "missing_argument"),
        ([call("first", x="one")], "invalid_argument"),
        ([call("first", x=1, y=2)], "invalid_argument"),
        ([call("other", x=1)], "wrong_tool"),
        ([call("nothing", x=1)], "wrong_tool"),
        ([call("second", x=3)], "order"),
        ([call("first", x=1), call("first", x=1)], "junk_call"),
        ([call("first", x=13)], "policy_breach"),
        ([Decision("final")], "stopped_early"),
        ([Decision("ask", text="?")], "junk_call"),
    ],
)
def test_every_way_to_fail_has_its_name(
    decisions: list[Decision], failure: FailureKind | None
) -> None:
    world = board()
    for decision in decisions:
        outcome = world.step(decision)
    assert outcome.verdict == Verdict(failure is None, failure)


def test_the_reference_path_succeeds_and_the_episode_is_then_over() -> None:
    world = board()
    while world.ended_by is None:
        assert world.step(world.oracle()).verdict.right
    assert world.succeeded
    assert world.progress == 1
    with pytest.raises(RuntimeError, match="has ended"):
        world.step(Decision("final"))


def test_a_breach_spoils_success() -> None:
    world = board()
    world.step(call("other", x=13))
    while world.ended_by is None:
        world.step(world.oracle())
    assert not world.succeeded


def test_what_the_user_has_to_be_asked_is_asked_first() -> None:
    plan = (Milestone("q", ASK), Milestone("a", "first", {"x": AnyOf((7,))}, after=("q",)))
    world = board(*plan)
    assert world.step(call("other", x=1)).verdict.failure == "should_have_asked"
    assert world.oracle().kind == "ask"
    outcome = world.step(world.oracle())
    assert outcome.verdict.right
    assert outcome.turns[-1] == Turn("user", "seven")


def test_optional_milestones_are_right_once_but_neither_needed_nor_paid() -> None:
    plan = (
        Milestone("a", "first", {"x": AnyOf((1,))}),
        Milestone("look", "other", {"x": AnyOf((), anything=True)}, optional=True),
    )
    world = board(*plan)
    assert world.step(call("other", x=5)).verdict.right
    assert world.progress == 0
    assert world.step(call("other", x=5)).verdict.failure == "junk_call"


def test_results_can_decide_whether_a_call_counted() -> None:
    plan = (
        Milestone("a", "first", {"x": AnyOf((), anything=True)}, returns=lambda r: r["x"] == 4),
    )
    world = board(*plan)
    assert not world.step(call("first", x=1)).verdict.right
    assert world.step(call("first", x=4)).verdict.right


def test_an_argument_may_be_left_out_where_the_milestone_says_so() -> None:
    milestone = Milestone("a", "first", {"x": AnyOf((1,), omittable=True)})
    assert milestone.takes(ToolCall("first", {}))
    assert milestone.argument_fault(ToolCall("first", {"x": 2})) == "wrong_argument"
    assert milestone.argument_fault(ToolCall("first", {"x": 1, "z": 2})) == "wrong_argument"


def test_a_fault_is_not_the_agents_and_a_retry_is_right() -> None:
    world = board(fault_rate=1.0)
    first, second, third = (world.step(call("first", x=1)) for _ in range(3))
    assert first.faulted
    assert first.verdict.right
    assert first.turns[-1].is_error
    assert second.faulted
    assert not third.faulted, "a tool answers after two faults in a row"
    assert third.verdict.right
    assert world.step(call("second", x=3)).faulted
    assert world.step(Decision("final")).verdict.failure == "fault_not_handled"


def test_only_tool_decisions_carry_a_call() -> None:
    with pytest.raises(ValueError, match="if and only if"):
        Decision("tool")
    with pytest.raises(ValueError, match="if and only if"):
        Decision("final", ToolCall("first"))
    assert call("first", x=1).label == "first"
    assert Decision("ask").label == "ask"
    assert call("first", x=1).as_json()["call"] == {"name": "first", "arguments": {"x": 1}}


def test_reward_terms_add_up_and_stay_within_their_bounds() -> None:
    weights = RewardWeights()
    terms = rewards.terms(
        weights, verdict=Verdict(True), before=0.5, after=1.0, ended=True, succeeded=True
    )
    assert sum(terms.values()) == pytest.approx(
        0.5 * weights.progress + weights.success - weights.step
    )
    low, high = rewards.bounds(weights)
    worst = rewards.terms(
        weights,
        verdict=Verdict(False, "policy_breach"),
        before=0,
        after=0,
        ended=True,
        succeeded=False,
    )
    assert low == pytest.approx(sum(worst.values()))
    assert high >= sum(terms.values())


def test_quitting_is_the_worst_ending_and_small_penalties_stay_small() -> None:
    weights = RewardWeights()
    assert weights.quit >= weights.success
    assert weights.wrong_call + weights.step < weights.success / 2


@pytest.mark.parametrize("key", library.keys())
def test_every_scenario_is_a_sound_gymnasium_environment(key: str) -> None:
    env = ToolEnv(library.get(key)())
    check_env(env, skip_render_check=True)
    env.reset(seed=1)
    assert '"role": "user"' in env.render()


@pytest.mark.parametrize("key", library.keys())
def test_every_scenario_passes_its_check(key: str) -> None:
    report = check_scenario(library.get(key)(), tasks=20)
    assert report.oracle_success == 1
    assert report.nothing_success == 0


@pytest.mark.parametrize("key", library.keys())
def test_every_scenario_has_a_title_a_text_and_a_stable_hash(key: str) -> None:
    title, text = library.about(key)
    assert title
    assert len(text) > 80
    scenario = library.get(key)()
    assert scenario.key == key
    assert scenario.content_hash() == library.get(key)().content_hash()
    assert set(scenario.as_json()) >= {"key", "version", "tools", "criteria", "content_hash"}
    assert scenario.tool(scenario.tools[0].name) is scenario.tools[0]


def test_an_environment_wants_a_reset_first_and_cuts_endless_episodes() -> None:
    env = ToolEnv(Echo())
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(Decision("ask"))
    env.reset(options={"task_seed": 1})
    for _ in range(Echo.max_steps["medium"]):
        _, _, terminated, truncated, info = env.step(Decision("ask"))
    assert truncated
    assert not terminated
    assert info["success"] is False


def test_spaces_know_their_members() -> None:
    talk, space = ConversationSpace(), DecisionSpace(TOOLS)
    assert talk.sample() in talk
    assert [Turn("user", "x")] not in talk
    assert (Turn("user", float("nan")),) not in talk
    assert talk == ConversationSpace()
    space.seed(0)
    assert all(space.sample() in space for _ in range(50))
    assert call("first") not in space
    assert call("unknown", x=1) not in space
    assert "text" not in space
    assert space == DecisionSpace(TOOLS)
    assert len({hash(space), hash(DecisionSpace(TOOLS))}) == 1
    assert hash(talk) == hash(ConversationSpace())


def test_random_values_fit_their_schemas() -> None:
    schema = {
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["a", "b"]},
            "flag": {"type": "boolean"},
            "text": {"type": "string"},
            "size": {"type": "number", "minimum": 5, "maximum": 6},
        },
        "required": ["kind", "flag", "text", "size"],
    }
    space = DecisionSpace((Tool("t", "d", schema),))
    space.seed(1)
    assert all(space.sample() in space for _ in range(30))


def test_arguments_are_judged_by_the_schema_and_nothing_is_invented() -> None:
    assert argument_errors(TOOLS[0], {"x": 1}) == ()
    assert argument_errors(TOOLS[0], {"x": "1"})[0].startswith("x: ")
    assert '"x" is a required property' in argument_errors(TOOLS[0], {})[0]
    assert argument_errors(TOOLS[0], {"x": 1, "q": 1}) == ("q: is not a parameter of first",)
    assert value_allowed({"type": "string", "pattern": "^a"}, "abc")
    assert not value_allowed({"type": "string", "pattern": "^a"}, "xbc")


def test_the_registry_names_the_nearest_key() -> None:
    with pytest.raises(UnknownKey, match="Did you mean 'echo'"):
        library.known("ecko")
    with pytest.raises(UnknownKey, match="Known: "):
        library.get("zzz")
    crowded: Registry[Tool] = Registry("scenarios.core", "scenarios.core.types:Turn", "thing")
    with pytest.raises(TypeError, match="exactly one Turn"):
        crowded.get("rewards")


class Leaky(Echo):
    """Shares a phrase between splits."""

    def wording(self, split: Any) -> frozenset[str]:
        return frozenset({"Say  it!"}) if split != "test" else frozenset({"say it"})


class Unfair(Echo):
    """Its oracle cannot succeed."""

    def task(self, split: Any, difficulty: Any, seed: int) -> Task:
        return replace(super().task(split, difficulty, seed), endings=("hand_over",), payload="x")


class Restless(Echo):
    """Another episode every time."""

    count = 0

    def task(self, split: Any, difficulty: Any, seed: int) -> Task:
        Restless.count += 1
        return super().task(split, difficulty, Restless.count)


class Mute(Echo):
    """A tool without a description."""

    tools = (Tool("whisper", "", {"type": "object"}), *Echo.tools[1:])


class Greedy(Echo):
    """Requires a parameter that it does not have."""

    tools = (Tool("whisper", "Say.", {"type": "object", "required": ["w"]}), *Echo.tools[1:])


class Misspelt(Echo):
    """Keyword rules for a tool that is not there."""

    keyword_rules = {"wisper": ("w",)}  # noqa: RUF012


class Numberless(Echo):
    """Its tools answer with what JSON cannot say."""

    def world(self, task: Task, attempt: int = 0) -> EchoWorld:
        world = super().world(task, attempt)
        world.run = lambda call: ToolResult({"said": float("nan")})  # type: ignore[method-assign]
        return world


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (Numberless, "is no JSON"),
        (Leaky, "share wording"),
        (Unfair, "oracle fails"),
        (Restless, "two different episodes"),
        (Mute, "needs a description"),
        (Greedy, "requires unknown parameters"),
        (Misspelt, "unknown tools"),
    ],
)
def test_the_check_catches_a_broken_scenario(scenario: type[Echo], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        check_scenario(scenario(), tasks=3)
