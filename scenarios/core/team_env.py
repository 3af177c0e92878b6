"""`TeamEnv`: the one PettingZoo environment. Every role has its own conversation; those that hold work decide together."""

from __future__ import annotations

import json
from typing import Any

import gymnasium
import numpy as np
from pettingzoo import ParallelEnv

from scenarios.core import rewards
from scenarios.core.env import SEEDS, ConversationSpace, DecisionSpace, Turns
from scenarios.core.rewards import RewardWeights
from scenarios.core.stage import Stage
from scenarios.core.team import TeamOutcome, TeamScenario, TeamWorld, share
from scenarios.core.types import Decision, Difficulty, Sharing, Split, Turn

_END = ("success", "quit")
"""Terms of the end, which the whole team brings about: everyone earns an equal part of them."""


class TeamEnv(ParallelEnv[str, Turns, Decision]):  # type: ignore[misc]
    """Episodes of one team scenario, split and difficulty, in PettingZoo's parallel shape.

    Every agent stays to the end of the episode. `infos[role]["active"]` says who holds work; actions of the others are
    ignored. Of a role that has decided, its info carries `verdict`, `reward_terms` (before sharing), `seconds`,
    `faulted` and `to`; at the end every info carries `success`. Rewards are shared as `sharing` says, see
    `scenarios.core.team.share`. A `stage` set from outside takes effect at the next reset.
    """

    metadata: dict[str, Any] = {"name": "agentgym_team", "render_modes": ["ansi"]}  # noqa: RUF012

    def __init__(
        self,
        scenario: TeamScenario,
        split: Split = "train",
        difficulty: Difficulty = "medium",
        weights: RewardWeights | None = None,
        *,
        sharing: Sharing = "shared",
        weight: float = 0.5,
    ) -> None:
        self.scenario, self.split, self.difficulty = scenario, split, difficulty
        self.weights = weights or RewardWeights()
        self.sharing, self.weight = sharing, weight
        self.render_mode = None
        self.stage = Stage(difficulty)
        self.possible_agents = [role.name for role in scenario.roles]
        self.agents: list[str] = []
        self.observation_spaces = {name: ConversationSpace() for name in self.possible_agents}
        self.action_spaces = {
            name: DecisionSpace(scenario.role_tools(name)) for name in self.possible_agents
        }
        self.world: TeamWorld | None = None
        self.views: dict[str, list[Turn]] = {}
        self.steps = 0
        self._limit = 0
        self._rng = np.random.default_rng()

    def observation_space(self, agent: str) -> ConversationSpace:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> DecisionSpace:
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Turns], dict[str, dict[str, Any]]]:
        """Options as `ToolEnv.reset` takes them."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        options = options or {}
        task_seed = options.get("task_seed")
        if task_seed is None:
            task_seed = int(self._rng.integers(SEEDS))
        stage = self.stage
        self.difficulty = stage.difficulty
        task = self.scenario.task(self.split, stage.difficulty, task_seed)
        world = self.world = self.scenario.world(task, int(options.get("attempt", 0)))
        if stage.fault_rate is not None:
            world.fault_rate = stage.fault_rate
        self._limit = stage.max_steps or self.scenario.max_steps[stage.difficulty]
        self.agents = list(self.possible_agents)
        self.views = {name: [] for name in self.agents}
        self.views[self.agents[0]].append(Turn("user", world.opening()))
        self.steps = 0
        facts = {"task_id": task.id, "kind": task.kind}
        infos = {name: {**facts, "active": name in world.holding} for name in self.agents}
        return self._observations(), infos

    def step(
        self, actions: dict[str, Decision]
    ) -> tuple[
        dict[str, Turns],
        dict[str, float],
        dict[str, bool],
        dict[str, bool],
        dict[str, dict[str, Any]],
    ]:
        world = self.world
        if world is None or not self.agents:
            raise gymnasium.error.ResetNeeded("call reset() before step()")
        self.steps += 1
        infos: dict[str, dict[str, Any]] = {name: {} for name in self.agents}
        earned = dict.fromkeys(self.agents, 0.0)
        for role in world.active():
            if world.ended_by is None and role in actions:
                before = world.progress
                acted = world.act(role, actions[role])
                infos[role] = self._info(acted, before, world.progress)
                earned[role] = sum(infos[role]["reward_terms"].values())
                for name, turns in acted.seen.items():
                    self.views[name].extend(turns)
        terminated = world.ended_by is not None
        truncated = not terminated and (self.steps >= self._limit or not world.holding)
        if terminated or truncated:
            terms = self._end(infos, succeeded=terminated and world.succeeded)
            earned = {name: own + sum(terms.values()) for name, own in earned.items()}
        for name, info in infos.items():
            info["active"] = name in world.holding and not terminated
        everyone = list(self.agents)
        observations = self._observations()
        if terminated or truncated:
            self.agents = []
        return (
            observations,
            share(earned, self.sharing, self.weight),
            dict.fromkeys(everyone, terminated),
            dict.fromkeys(everyone, truncated),
            infos,
        )

    def _info(self, acted: TeamOutcome, before: float, after: float) -> dict[str, Any]:
        outcome = acted.outcome
        terms = rewards.terms(
            self.weights,
            verdict=outcome.verdict,
            before=before,
            after=after,
            ended=False,
            succeeded=False,
        )
        return {
            "verdict": outcome.verdict,
            "reward_terms": {name: value for name, value in terms.items() if name not in _END},
            "seconds": outcome.seconds,
            "faulted": outcome.faulted,
            "to": acted.to,
            "seen": acted.seen,
        }

    def _end(self, infos: dict[str, dict[str, Any]], *, succeeded: bool) -> dict[str, float]:
        """Each role's part of the terms of the end."""
        count = len(infos)
        whole = {
            "success": self.weights.success * rewards.success(ended=True, succeeded=succeeded),
            "quit": self.weights.quit * rewards.quit_(ended=True, succeeded=succeeded),
        }
        parts = {name: value / count for name, value in whole.items()}
        for info in infos.values():
            info["success"] = succeeded
            info["reward_terms"] = {**info.get("reward_terms", {}), **parts}
        return parts

    def _observations(self) -> dict[str, Turns]:
        return {name: tuple(turns) for name, turns in self.views.items()}

    def render(self) -> str:
        return "\n".join(
            f"{name}: {json.dumps(turn.as_json())}"
            for name, turns in self.views.items()
            for turn in turns
        )
