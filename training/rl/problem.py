"""What is learned: everything that differs between tool use and any other environment, behind one small face."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from models_registry.artifacts.bundle import weights_hash
from models_registry.policies.architecture import initial_weights
from models_registry.policies.runtime import Forward
from scenarios.core.stage import Stage
from scenarios.core.team import TeamScenario
from scenarios.core.types import Json
from scenarios.sources.catalogue import find
from training.rl.agents import PolicyAgent
from training.rl.algorithms.base import Experience, Network
from training.rl.config import TrainConfig
from training.rl.evaluation import Evaluated, evaluate
from training.rl.exam import VALIDATION_TASKS, Exam, play
from training.rl.gym.names import gym_id
from training.rl.gym.problem import GymTask
from training.rl.imitation import Imitation
from training.rl.lanes import Finished
from training.rl.parallel import collectors
from training.rl.rollout import Order
from training.rl.team.problem import TeamUse
from training.rl.tool_network import ToolNetwork

Weights = Mapping[str, NDArray[np.float32]]


class Source(Protocol):
    """Where experience comes from; a context, because there may be processes to end."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: Any) -> None: ...

    def collect(self, weights: Weights, order: Order) -> tuple[Sequence[Experience], Finished]:
        """One rollout with these weights."""
        ...


class Problem(Protocol):
    """A family of tasks with the network that is to learn it."""

    target: float
    """Tool reliability that counts as learned, for the convergence state."""
    stages: tuple[Stage, ...]

    @property
    def network(self) -> Network:
        """The network that learns."""
        ...

    def twin(self) -> Network:
        """A network like this one, to hold other weights."""
        ...

    def imitation(self) -> Imitation | None:
        """How demonstrations are learned from; None where there is nobody to show them."""
        ...

    def source(self) -> Source:
        """Fresh collectors."""
        ...

    def validate(self, weights: Weights) -> dict[str, float | None]:
        """Metrics on validation tasks, their names beginning with `validation_`."""
        ...

    def evaluate(self, weights: Weights, convergence: dict[str, Json]) -> Iterator[Evaluated]:
        """Evidence on held-out tasks. convergence: facts of the training, to stand in it."""
        ...


class ToolUse:
    """A scenario, learned by the pointer network."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.scenario = find(config.scenario)
        self.target = self.scenario.criteria.tool_reliability
        self.stages = self.scenario.curriculum
        self.network = self.twin()

    def twin(self) -> ToolNetwork:
        return ToolNetwork(initial_weights(self.config.seed), self.scenario.trained)

    def imitation(self) -> Imitation | None:
        return Imitation(self.network)

    def source(self) -> Source:
        return collectors(self.config)

    def validate(self, weights: Weights) -> dict[str, float | None]:
        if not self.scenario.held_out:
            return {"validation_reliability": None, "validation_success": None}
        exam = Exam(self.scenario, "validation", self.config.difficulty, VALIDATION_TASKS, 1)
        calls = right = wins = 0
        for _, episode, _ in play(PolicyAgent(Forward(weights)), exam):
            judged = [step.right for step in episode.steps if step.decision.kind == "tool"]
            calls, right, wins = (
                calls + len(judged),
                right + sum(judged),
                wins + episode.success,
            )
        return {
            "validation_reliability": right / calls if calls else None,
            "validation_success": wins / exam.tasks,
        }

    def evaluate(self, weights: Weights, convergence: dict[str, Json]) -> Iterator[Evaluated]:
        config = self.config
        exam = Exam(
            self.scenario,
            "test" if self.scenario.held_out else "train",
            config.difficulty,
            config.evaluation_tasks,
            config.evaluation_attempts,
        )
        yield from evaluate(
            dict(weights),
            exam,
            seed=config.seed,
            weights_sha256=weights_hash(dict(weights)),
            convergence=convergence,
        )


def problem_of(config: TrainConfig) -> Problem:
    """The problem that a config names."""
    if gym_id(config.scenario) is not None:
        return GymTask(config)
    if isinstance(find(config.scenario), TeamScenario):
        return TeamUse(config)
    return ToolUse(config)
