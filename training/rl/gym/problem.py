"""A Gymnasium environment as a problem for the trainer: collected, learned, and judged by its return on fresh seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np

from models_registry.artifacts.bundle import weights_hash
from scenarios.core.stage import Stage
from scenarios.core.types import Json
from training.rl import intervals
from training.rl.algorithms.base import Bounds
from training.rl.config import ConfigError, TrainConfig
from training.rl.evaluation import Evaluated
from training.rl.gym.collector import GymSource, Lane
from training.rl.gym.names import gym_id
from training.rl.gym.network import GymNetwork
from training.rl.gym.presets import preset
from training.rl.gym.scales import SCALES, Eye
from training.rl.gym.spaces import Actions, Env, Floats, Observations, UnsupportedSpace
from training.rl.gym.towers import Actor, initial_weights
from training.rl.imitation import Imitation
from training.rl.state import load_network

ARCHITECTURE = "tanh-towers-1"
MAX_GRADIENT = 0.5
TEST_SEEDS, VALIDATION_SEEDS = 1_000_000_000, 2_000_000_000
"""First seeds of the episodes that are judged; training draws its own below 2**31."""
VALIDATION_EPISODES = 20
SIDE_BY_SIDE = 16


@dataclass(slots=True)
class Played:
    """Returns and lengths of whole episodes, in the order of their seeds."""

    returns: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def as_json(self, label: str) -> dict[str, Json]:
        return {
            "label": label,
            "return": intervals.mean(self.returns),
            "steps": intervals.mean([float(length) for length in self.lengths]),
        }


class GymTask:
    """A registered environment, learned by two small towers."""

    target = 1.0
    """There are no tool calls whose reliability could reach it."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.env_id = gym_id(config.scenario) or ""
        self.preset = preset(self.env_id)
        self.stages: tuple[Stage, ...] = (Stage(config.difficulty),)
        self.bounds = Bounds(float("inf"), MAX_GRADIENT, self.preset.final_rate)
        env = self.make()
        try:
            self.views = Observations(env.observation_space)
            self.actions = Actions(env.action_space)
        except UnsupportedSpace as problem:
            raise ConfigError({"scenario": f"{self.env_id}: {problem}"}) from problem
        finally:
            env.close()
        self.network = self.twin()

    def make(self) -> Env:
        """An environment of its own. Raises `ConfigError` where something that it needs is not installed."""
        try:
            return gymnasium.make(self.env_id, disable_env_checker=True)
        except (gymnasium.error.Error, ImportError) as problem:
            raise ConfigError({"scenario": f"{self.env_id} cannot be made: {problem}"}) from problem

    def twin(self) -> GymNetwork:
        weights = initial_weights(self.views.size, self.actions.size, self.config.seed)
        scales = SCALES.initial(self.views.size)
        return GymNetwork({**weights, **scales}, self.actions, self.bounds)

    def imitation(self) -> Imitation | None:
        return None

    def source(self) -> GymSource:
        scaled = self._rescale if self.preset.normalise else None
        return GymSource(self.make, self.config.environments, self.config.seed, scaled)

    def _rescale(self, scales: dict[str, Floats]) -> None:
        load_network(self.network, {**self.network.export(), **scales})

    def validate(self, weights: Mapping[str, Floats]) -> dict[str, float | None]:
        *_, played = self.play(weights, VALIDATION_SEEDS, VALIDATION_EPISODES)
        return {"validation_return": float(np.mean(played.returns))}

    def evaluate(
        self, weights: Mapping[str, Floats], convergence: dict[str, Json]
    ) -> Iterator[Evaluated]:
        """Whole episodes by the best action, and by random ones, on the same fresh seeds."""
        count = self.config.evaluation_tasks
        agents: dict[str, Json] = {}
        for name, label, own in (("trained", "Trained", weights), ("random", "Random", None)):
            played = Played()
            for played in self.play(own, TEST_SEEDS, count):
                share = (len(agents) + len(played.returns) / count) / 2
                yield Evaluated(min(share, 0.999), label)
            agents[name] = played.as_json(label)
        yield Evaluated(1.0, "done", self._evidence(agents, weights))

    def _evidence(self, agents: dict[str, Json], weights: Mapping[str, Floats]) -> dict[str, Json]:
        return {
            "kind": "gym",
            "scenario": self.config.scenario,
            "agents": agents,
            "episodes": self.config.evaluation_tasks,
            "first_seed": TEST_SEEDS,
            "threshold": gymnasium.spec(self.env_id).reward_threshold,
            "seed": self.config.seed,
            "weights_sha256": weights_hash(dict(weights)),
        }

    def play(
        self, weights: Mapping[str, Floats] | None, first_seed: int, count: int
    ) -> Iterator[Played]:
        """`count` episodes, each from a seed of its own; yields what is over after every batch. weights: None is random."""
        actor = None if weights is None else Actor(weights)
        eye = None if weights is None else Eye(weights, on=self.preset.normalise)
        lanes = [Lane(self.make()) for _ in range(min(SIDE_BY_SIDE, count))]
        played = Played()
        rng = np.random.default_rng([self.config.seed, 7])
        try:
            for start in range(0, count, len(lanes)):
                batch = lanes[: count - start]
                for n, lane in enumerate(batch):
                    lane.open(first_seed + start + n)
                self._to_the_end(batch, actor, eye, rng)
                played.returns += [lane.total for lane in batch]
                played.lengths += [lane.length for lane in batch]
                yield played
        finally:
            for lane in lanes:
                lane.env.close()

    def _to_the_end(
        self, lanes: list[Lane], actor: Actor | None, eye: Eye | None, rng: np.random.Generator
    ) -> None:
        while lanes:
            if actor is None or eye is None:
                scores = rng.random((len(lanes), self.actions.size), dtype=np.float32)
            else:
                scores = actor.scores(eye(self.views.encode([lane.observation for lane in lanes])))
            if lanes[0].mask is not None:
                allowed = np.stack([self.actions.mask(lane.mask) for lane in lanes])
                scores = np.where(allowed, scores, -np.inf)
            actions = self.actions.decode(self.actions.best(scores))
            steps = [lane.step(action) for lane, action in zip(lanes, actions, strict=True)]
            lanes = [
                lane for lane, step in zip(lanes, steps, strict=True) if not (step[1] or step[2])
            ]


def manifest(config: TrainConfig, evidence: Mapping[str, Json]) -> dict[str, Any]:
    """What a folder with these weights says of itself."""
    return {
        "architecture": ARCHITECTURE,
        "scenario": config.scenario,
        "gymnasium": gymnasium.__version__,
        "config": config.as_json(),
        "seed": config.seed,
        "evidence": dict(evidence),
    }
