"""`check_scenario`: the proofs that every scenario has to pass before anything is trained on it."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from itertools import combinations

from gymnasium.spaces import Space
from gymnasium.utils.env_checker import check_env

from scenarios.core import rewards
from scenarios.core.env import ToolEnv
from scenarios.core.rewards import RewardWeights
from scenarios.core.scenario import HIDDEN_WORDS, Scenario
from scenarios.core.tasks import ASK
from scenarios.core.team import TeamScenario
from scenarios.core.team_env import TeamEnv
from scenarios.core.types import DIFFICULTIES, SPLITS, Decision, Difficulty, Split, Turn
from scenarios.core.world import World

MAX_RANDOM_SUCCESS = 0.05
"""Random schema-valid play may succeed on so many tasks; more means that the scenario is a coin toss."""

MAX_QUIET = 0.3
"""Share of tasks that may ask for nothing, because no tool serves the request."""

Decide = Callable[[World, Space[Decision]], Decision]
Played = tuple[tuple[Turn, ...], list[float], bool]
"""The conversation (of a team: all of them, one after another), the rewards, and whether it succeeded."""

_WORDS = re.compile(r"\w+")


class ScenarioError(AssertionError):
    """A scenario broke one of the rules; the message says which, and on which task."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked: scenario, number of tasks, and the success rates of the oracle and of the two floors."""

    scenario: str
    tasks: int
    oracle_success: float
    nothing_success: float
    random_success: float


def check_scenario(scenario: Scenario, tasks: int = 40) -> Report:
    """Prove the rules on `tasks` tasks per split and difficulty.

    Raises `ScenarioError` naming the rule and the task. Runs Gymnasium's own `check_env` too, for a team PettingZoo's
    `parallel_api_test` and `parallel_seed_test`.
    """
    _check_card(scenario)
    if isinstance(scenario, TeamScenario):
        _check_team(scenario)
    _check_splits(scenario)
    oracle = nothing = random = count = quiet = 0
    for split in SPLITS:
        for difficulty in DIFFICULTIES:
            for seed in range(tasks):
                _check_determinism(scenario, split, difficulty, seed)
                oracle += _oracle_succeeds(scenario, split, difficulty, seed)
                if scenario.task(split, difficulty, seed).milestones:
                    nothing += _nothing_succeeds(scenario, split, difficulty, seed)
                else:
                    quiet += 1  # a request that no tool serves: to do nothing is right
                random += _random_succeeds(scenario, split, difficulty, seed)
                count += 1
    if quiet > MAX_QUIET * count:
        raise ScenarioError(f"{scenario.key}: {quiet} of {count} tasks ask for nothing")
    if nothing:
        raise ScenarioError(f"{scenario.key}: doing nothing succeeds on {nothing} of {count} tasks")
    if random > MAX_RANDOM_SUCCESS * count and len(scenario.tools) > 4:
        raise ScenarioError(f"{scenario.key}: random play succeeds on {random} of {count} tasks")
    _check_contract(scenario)
    return Report(scenario.key, count, oracle / count, nothing / count, random / count)


def _check_contract(scenario: Scenario) -> None:
    """Gymnasium's own test, or PettingZoo's."""
    try:
        if isinstance(scenario, TeamScenario):
            # Loading it warns of what PettingZoo itself still uses.
            from pettingzoo.test import parallel_api_test, parallel_seed_test  # noqa: PLC0415

            with redirect_stdout(StringIO()):  # it reports there
                parallel_api_test(TeamEnv(scenario), num_cycles=50)
            parallel_seed_test(lambda: TeamEnv(scenario), num_cycles=50)
        else:
            check_env(ToolEnv(scenario), skip_render_check=True)
    except (AssertionError, TypeError, ValueError) as problem:
        whose = (
            "PettingZoo's tests say"
            if isinstance(scenario, TeamScenario)
            else "Gymnasium's check_env says"
        )
        raise ScenarioError(f"{scenario.key}: {whose}: {problem}") from problem


def _check_card(scenario: Scenario) -> None:
    for tool in scenario.tools:
        if not tool.description or tool.parameters.get("type") != "object":
            raise ScenarioError(
                f"{scenario.key}: tool {tool.name} needs a description and a schema of type object"
            )
        if unknown := set(tool.required) - set(tool.properties):
            raise ScenarioError(
                f"{scenario.key}: tool {tool.name} requires unknown parameters {sorted(unknown)}"
            )
    if unknown := set(scenario.keyword_rules) - {tool.name for tool in scenario.tools}:
        raise ScenarioError(f"{scenario.key}: keyword rules for unknown tools {sorted(unknown)}")


def _check_team(scenario: TeamScenario) -> None:
    """Roles, tools and hand-offs name each other, and every milestone is one that its role can reach."""
    roles = {role.name: role for role in scenario.roles}
    tools = {tool.name for tool in scenario.tools}
    owned = {name for role in scenario.roles for name in role.tools}
    named = {name for to in scenario.handoffs.values() for name in to}
    named |= {role.passes_to for role in scenario.roles if role.passes_to is not None}
    for what, odd in (
        ("tools that no role has", tools - owned),
        ("unknown tools of a role", owned - tools),
        ("hand-offs that are no tool", set(scenario.handoffs) - tools),
        ("unknown roles that work goes to", named - set(roles)),
    ):
        if odd:
            raise ScenarioError(f"{scenario.key}: {what}: {sorted(odd)}")
    for difficulty in DIFFICULTIES:
        for milestone in scenario.task("train", difficulty, 0).milestones:
            role = roles.get(milestone.role)
            if role is None or milestone.tool not in (*role.tools, ASK):
                raise ScenarioError(
                    f"{scenario.key}: {milestone.role!r} cannot reach the milestone {milestone.name!r}"
                )


def _check_splits(scenario: Scenario) -> None:
    for first, second in combinations(SPLITS, 2):
        for what, pool in (("wording", scenario.wording), ("entities", scenario.entities)):
            a, b = ({_bare(text) for text in pool(split)} for split in (first, second))
            if both := sorted(a & b):
                raise ScenarioError(
                    f"{scenario.key}: {first} and {second} share {what}: {both[:3]}"
                )


def _bare(text: str) -> str:
    """A text without what another spelling could hide behind: case, spaces, punctuation."""
    return " ".join(_WORDS.findall(text.lower()))


def _play(
    scenario: Scenario, split: Split, difficulty: Difficulty, task: tuple[int, int], decide: Decide
) -> Played:
    """One episode of a task (seed, attempt) as `decide` goes about it."""
    where = f"{scenario.key} {split}/{difficulty}/{task[0]}"
    options = {"task_seed": task[0], "attempt": task[1]}
    if isinstance(scenario, TeamScenario):
        steps = _team_steps(TeamEnv(scenario, split, difficulty), options, decide)
    else:
        steps = _steps(ToolEnv(scenario, split, difficulty), options, decide)
    low, high = _bounds(scenario)
    turns: tuple[Turn, ...] = ()
    seen: list[float] = []
    success = False
    for turns, rewards_now, done in steps:
        success = done
        for reward in rewards_now:
            if not low - 1e-9 <= reward <= high + 1e-9:
                raise ScenarioError(f"{where}: reward {reward} outside [{low}, {high}]")
        seen += rewards_now
        _check_no_leak(where, turns, scenario.known_words)
    return turns, seen, success


def _bounds(scenario: Scenario) -> tuple[float, float]:
    """Of one step's reward; in a team, of all that its members may earn in one."""
    low, high = rewards.bounds(RewardWeights())
    return (low * len(scenario.roles), high) if isinstance(scenario, TeamScenario) else (low, high)


def _steps(env: ToolEnv, options: dict[str, int], decide: Decide) -> Iterator[Played]:
    env.action_space.seed(_seed(env.split, env.difficulty, options))
    env.reset(options=options)
    over = False
    while not over and env.world is not None:
        turns, reward, terminated, truncated, info = env.step(decide(env.world, env.action_space))
        over = terminated or truncated
        yield turns, [reward], bool(info.get("success"))


def _team_steps(env: TeamEnv, options: dict[str, int], decide: Decide) -> Iterator[Played]:
    for number, role in enumerate(env.possible_agents):
        env.action_space(role).seed(_seed(env.split, env.difficulty, options) + number)
    env.reset(options=options)
    while env.agents and env.world is not None:
        actions = {}
        for role in env.world.active():
            env.world.role = role
            actions[role] = decide(env.world, env.action_space(role))
        views, earned, _, _, infos = env.step(actions)
        turns = tuple(turn for view in views.values() for turn in view)
        success = any(info.get("success") for info in infos.values())
        yield turns, list(earned.values()), success


def _seed(split: Split, difficulty: Difficulty, options: dict[str, int]) -> int:
    return zlib.crc32(f"{split}/{difficulty}/{options['task_seed']}".encode())


def _check_no_leak(where: str, turns: tuple[Turn, ...], known: frozenset[str]) -> None:
    try:
        text = json.dumps([turn.as_json() for turn in turns], allow_nan=False)
    except (TypeError, ValueError) as problem:
        raise ScenarioError(f"{where}: the conversation is no JSON ({problem})") from problem
    for word in HIDDEN_WORDS:
        if word not in known and f'"{word}"' in text:
            raise ScenarioError(f"{where}: the observation holds the hidden field {word!r}")


def _oracle(world: World, space: Space[Decision]) -> Decision:
    return world.oracle()


def _random(world: World, space: Space[Decision]) -> Decision:
    return space.sample()


def _check_determinism(scenario: Scenario, split: Split, difficulty: Difficulty, seed: int) -> None:
    runs = [_play(scenario, split, difficulty, (seed, 1), _oracle) for _ in range(2)]
    if runs[0] != runs[1]:
        raise ScenarioError(
            f"{scenario.key} {split}/{difficulty}/{seed}: the same seed gave two different episodes"
        )


def _oracle_succeeds(scenario: Scenario, split: Split, difficulty: Difficulty, seed: int) -> bool:
    for attempt in (0, 7):
        if not _play(scenario, split, difficulty, (seed, attempt), _oracle)[2]:
            raise ScenarioError(
                f"{scenario.key} {split}/{difficulty}/{seed}: the oracle fails (attempt {attempt})"
            )
    return True


def _nothing_succeeds(scenario: Scenario, split: Split, difficulty: Difficulty, seed: int) -> bool:
    ends = (Decision("final", text="Done."), Decision("hand_over"))
    return any(
        _play(scenario, split, difficulty, (seed, 0), lambda world, space, end=end: end)[2]  # type: ignore[misc]
        for end in ends
    )


def _random_succeeds(scenario: Scenario, split: Split, difficulty: Difficulty, seed: int) -> bool:
    return _play(scenario, split, difficulty, (seed, 0), _random)[2]
