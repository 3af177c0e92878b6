"""`check_scenario`: the proofs that every scenario has to pass before anything is trained on it."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from gymnasium.utils.env_checker import check_env

from scenarios.core import rewards
from scenarios.core.env import ToolEnv
from scenarios.core.scenario import Scenario
from scenarios.core.types import DIFFICULTIES, SPLITS, Decision, Difficulty, Split, Turn

MAX_RANDOM_SUCCESS = 0.05
"""Random schema-valid play may succeed on so many tasks; more means that the scenario is a coin toss."""

HIDDEN_WORDS = ("milestone", "oracle", "payload", "right_call")
"""Words of the hidden side; none of them may be a key of what the agent sees."""

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

    Raises `ScenarioError` naming the rule and the task. Runs Gymnasium's own `check_env` too.
    """
    _check_card(scenario)
    _check_splits(scenario)
    oracle = nothing = random = count = 0
    for split in SPLITS:
        for difficulty in DIFFICULTIES:
            for seed in range(tasks):
                _check_determinism(scenario, split, difficulty, seed)
                oracle += _oracle_succeeds(scenario, split, difficulty, seed)
                nothing += _nothing_succeeds(scenario, split, difficulty, seed)
                random += _random_succeeds(scenario, split, difficulty, seed)
                count += 1
    if nothing:
        raise ScenarioError(f"{scenario.key}: doing nothing succeeds on {nothing} of {count} tasks")
    if random > MAX_RANDOM_SUCCESS * count and len(scenario.tools) > 4:
        raise ScenarioError(f"{scenario.key}: random play succeeds on {random} of {count} tasks")
    try:
        check_env(ToolEnv(scenario), skip_render_check=True)
    except (AssertionError, TypeError, ValueError) as problem:
        raise ScenarioError(f"{scenario.key}: Gymnasium's check_env says: {problem}") from problem
    return Report(scenario.key, count, oracle / count, nothing / count, random / count)


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
    env: ToolEnv, seed: int, attempt: int, decide: Any
) -> tuple[tuple[Turn, ...], bool, list[float]]:
    low, high = rewards.bounds(env.weights)
    turns, _ = env.reset(options={"task_seed": seed, "attempt": attempt})
    seen: list[float] = []
    while True:
        turns, reward, terminated, truncated, info = env.step(decide(env))
        seen.append(reward)
        where = f"{env.scenario.key} {env.split}/{env.difficulty}/{seed}"
        if not low - 1e-9 <= reward <= high + 1e-9:
            raise ScenarioError(f"{where}: reward {reward} outside [{low}, {high}]")
        _check_no_leak(where, turns)
        if terminated or truncated:
            return turns, bool(info["success"]), seen


def _check_no_leak(where: str, turns: tuple[Turn, ...]) -> None:
    try:
        text = json.dumps([turn.as_json() for turn in turns], allow_nan=False)
    except (TypeError, ValueError) as problem:
        raise ScenarioError(f"{where}: the conversation is no JSON ({problem})") from problem
    for word in HIDDEN_WORDS:
        if f'"{word}"' in text:
            raise ScenarioError(f"{where}: the observation holds the hidden field {word!r}")


def _oracle(env: ToolEnv) -> Decision:
    if env.world is None:
        raise ScenarioError("the environment was not reset")
    return env.world.oracle()


def _check_determinism(scenario: Scenario, split: Split, difficulty: Difficulty, seed: int) -> None:
    runs = [_play(ToolEnv(scenario, split, difficulty), seed, 1, _oracle) for _ in range(2)]
    if runs[0] != runs[1]:
        raise ScenarioError(
            f"{scenario.key} {split}/{difficulty}/{seed}: the same seed gave two different episodes"
        )


def _oracle_succeeds(scenario: Scenario, split: Split, difficulty: Difficulty, seed: int) -> bool:
    for attempt in (0, 7):
        if not _play(ToolEnv(scenario, split, difficulty), seed, attempt, _oracle)[1]:
            raise ScenarioError(
                f"{scenario.key} {split}/{difficulty}/{seed}: the oracle fails (attempt {attempt})"
            )
    return True


def _nothing_succeeds(scenario: Scenario, split: Split, difficulty: Difficulty, seed: int) -> bool:
    ends = [lambda env: Decision("final", text="Done."), lambda env: Decision("hand_over")]
    return any(_play(ToolEnv(scenario, split, difficulty), seed, 0, end)[1] for end in ends)


def _random_succeeds(scenario: Scenario, split: Split, difficulty: Difficulty, seed: int) -> bool:
    env = ToolEnv(scenario, split, difficulty)
    env.action_space.seed(zlib.crc32(f"{split}/{difficulty}/{seed}".encode()))
    return _play(env, seed, 0, lambda env: env.action_space.sample())[1]
