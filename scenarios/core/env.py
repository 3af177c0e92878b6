"""`ToolEnv`: the one Gymnasium environment. Observations are conversations, actions are decisions."""

from __future__ import annotations

import json
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Space

from scenarios.core import rewards
from scenarios.core.episode import Episode
from scenarios.core.rewards import RewardWeights
from scenarios.core.scenario import Scenario
from scenarios.core.schema import argument_errors
from scenarios.core.stage import Stage
from scenarios.core.types import (
    DECISION_KINDS,
    Decision,
    Difficulty,
    Json,
    Split,
    Tool,
    ToolCall,
    Turn,
)
from scenarios.core.world import World

Turns = tuple[Turn, ...]

SEEDS = 2**31 - 1


class ConversationSpace(Space[Turns]):
    """All conversations: tuples of turns whose contents are JSON."""

    def __init__(self) -> None:
        super().__init__(shape=None, dtype=None)

    def sample(self, mask: Any = None, probability: Any = None) -> Turns:
        return (Turn("user", f"message {int(self.np_random.integers(SEEDS))}"),)

    def contains(self, x: Any) -> bool:
        if not isinstance(x, tuple) or not all(isinstance(turn, Turn) for turn in x):
            return False
        try:
            json.dumps([turn.as_json() for turn in x], allow_nan=False)
        except (TypeError, ValueError):
            return False
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConversationSpace)

    def __hash__(self) -> int:
        return hash(ConversationSpace)


class DecisionSpace(Space[Decision]):
    """All schema-valid tool calls over a list of tools, and the other kinds of decision."""

    def __init__(self, tools: tuple[Tool, ...]) -> None:
        super().__init__(shape=None, dtype=None)
        self.tools = {tool.name: tool for tool in tools}

    def sample(self, mask: Any = None, probability: Any = None) -> Decision:
        choice = int(self.np_random.integers(len(self.tools) + len(DECISION_KINDS) - 1))
        others = [kind for kind in DECISION_KINDS if kind != "tool"]
        if choice >= len(self.tools):
            return Decision(others[choice - len(self.tools)], text="...")
        tool = list(self.tools.values())[choice]
        arguments = {name: self._value(tool.properties[name]) for name in tool.required}
        return Decision("tool", ToolCall(tool.name, arguments))

    def _value(self, schema: Any) -> Json:
        if "enum" in schema:
            return schema["enum"][int(self.np_random.integers(len(schema["enum"])))]
        kind = schema.get("type", "string")
        if kind == "boolean":
            return bool(self.np_random.integers(2))
        if kind in ("number", "integer"):
            low = int(schema.get("minimum", 0))
            return int(self.np_random.integers(low, int(schema.get("maximum", low + 100)) + 1))
        return f"value {int(self.np_random.integers(SEEDS))}"

    def contains(self, x: Any) -> bool:
        if not isinstance(x, Decision):
            return False
        if x.call is None:
            return True
        tool = self.tools.get(x.call.name)
        return tool is not None and not argument_errors(tool, x.call.arguments)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DecisionSpace) and other.tools == self.tools

    def __hash__(self) -> int:
        return hash(tuple(self.tools))


class ToolEnv(gymnasium.Env[Turns, Decision]):
    """Episodes of one scenario, split and difficulty.

    `reset(options={"task_seed": int, "attempt": int})` picks the task; without options it is drawn from the
    environment's own generator. A `stage` (of a curriculum) set from outside takes effect at the next reset. `info` carries `verdict`, `reward_terms`, `seconds`, `progress`, and at the end
    `success` and `measured`. `truncated` means that the step limit was hit: the future is cut, not over.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi"]}  # noqa: RUF012  (Gymnasium's own shape)

    def __init__(
        self,
        scenario: Scenario,
        split: Split = "train",
        difficulty: Difficulty = "medium",
        weights: RewardWeights | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.scenario, self.split, self.difficulty = scenario, split, difficulty
        self.weights = weights or RewardWeights()
        self.render_mode = render_mode
        self.observation_space = ConversationSpace()
        self.action_space = DecisionSpace(scenario.tools)
        self.stage = Stage(difficulty)
        self.episode: Episode | None = None

    @property
    def world(self) -> World | None:
        """The hidden side of the episode that goes on."""
        return self.episode.world if self.episode is not None else None

    @property
    def steps(self) -> int:
        return self.episode.steps if self.episode is not None else 0

    @property
    def turns(self) -> list[Turn]:
        return self.episode.turns if self.episode is not None else []

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Turns, dict[str, Any]]:
        super().reset(seed=seed)
        options = options or {}
        task_seed = options.get("task_seed")
        if task_seed is None:
            task_seed = int(self.np_random.integers(SEEDS))
        self.difficulty = self.stage.difficulty
        attempt = int(options.get("attempt", 0))
        episode = Episode(self.scenario, self.split, self.stage, task_seed, attempt)
        self.episode, task = episode, episode.world.task
        return tuple(episode.turns), {"task_id": task.id, "kind": task.kind}

    def step(self, action: Decision) -> tuple[Turns, float, bool, bool, dict[str, Any]]:
        episode = self.episode
        if episode is None:
            raise gymnasium.error.ResetNeeded("call reset() before step()")
        world, before = episode.world, episode.world.progress
        outcome = episode.step(action)
        over, succeeded = episode.over, episode.succeeded
        terms = rewards.terms(
            self.weights,
            verdict=outcome.verdict,
            before=before,
            after=world.progress,
            ended=over,
            succeeded=succeeded,
        )
        info: dict[str, Any] = {
            "verdict": outcome.verdict,
            "reward_terms": terms,
            "seconds": outcome.seconds,
            "faulted": outcome.faulted,
            "progress": world.progress,
        }
        if over:
            info["success"] = succeeded
            info["measured"] = world.measured()
        reward = float(np.sum(list(terms.values())))
        return tuple(episode.turns), reward, episode.terminated, episode.truncated, info

    def render(self) -> str:
        return "\n".join(json.dumps(turn.as_json()) for turn in self.turns)
