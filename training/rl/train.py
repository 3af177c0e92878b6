"""`train`: the whole loop as a generator of progress. No callbacks; to stop is to leave the loop."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from models_registry.artifacts.bundle import weights_hash
from models_registry.policies.architecture import ARCHITECTURE, initial_weights
from models_registry.policies.network import PolicyNetwork
from scenarios.core.scenario import Scenario
from scenarios.library import library
from training.rl.algorithms import algorithms
from training.rl.algorithms.base import Algorithm
from training.rl.averaging import TailAverage
from training.rl.batch import Batch
from training.rl.config import TrainConfig
from training.rl.convergence import Convergence
from training.rl.evaluation import evaluate
from training.rl.exam import Exam
from training.rl.imitation import Imitation, guidance
from training.rl.parallel import Collectors, Order, Plan, plans
from training.rl.progress import EpisodeRecord, Progress
from training.rl.rollout import Finished
from training.rl.stopping import StopTraining


class Diverged(ArithmeticError):
    """A loss or weight became NaN or infinite; nothing after the last checkpoint is worth keeping."""


@dataclass(slots=True)
class _Run:
    """Counters of one run."""

    config: TrainConfig
    convergence: Convergence
    started: float = field(default_factory=time.perf_counter)
    update: int = 0
    episodes: int = 0
    env_steps: int = 0
    seconds: float = 0.0
    next_checkpoint: int = 0
    best_reward: float = -math.inf
    succeeded: bool = False
    average: TailAverage = field(default_factory=TailAverage)

    @property
    def fraction(self) -> float:
        return min(1.0, self.episodes / self.config.episodes)

    def count(self, finished: Finished, steps: int) -> None:
        self.update += 1
        self.episodes += finished.count
        self.env_steps += steps
        self.seconds = time.perf_counter() - self.started
        self.convergence.add(finished.right_calls, finished.calls)

    def checkpoint_due(self) -> bool:
        """Whether a checkpoint belongs here; asking moves on to the next one."""
        interval = self.config.checkpoint_interval
        due = self.next_checkpoint <= self.episodes < self.config.episodes
        if due:
            self.next_checkpoint = (self.episodes // interval + 1) * interval
        return due

    def progress(self, **more: Any) -> Progress:
        return Progress(
            update=self.update,
            episodes=min(self.episodes, self.config.episodes),
            total_episodes=self.config.episodes,
            env_steps=self.env_steps,
            seconds=self.seconds,
            convergence=self.convergence.state,
            **more,
        )


def train(config: TrainConfig) -> Generator[Progress, None, None]:
    """Learn `config.scenario`, yielding after every update, then during the evaluation; the last one carries evidence.

    Deterministic: equal configs give equal weights and, apart from measured times, equal evidence, bit for bit, on the
    same build of torch. Sets torch to one thread (several threads of a small network spin against each other).
    Raises `Diverged`. A `StopTraining` thrown into it while it learns is answered with a last progress that carries
    the weights so far.
    """
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    scenario = library.get(config.scenario)()
    network = PolicyNetwork(initial_weights(config.seed))
    algorithm = algorithms.get(config.algorithm)(network, config)
    run = _Run(
        config,
        Convergence(scenario.criteria.tool_reliability),
        next_checkpoint=config.checkpoint_interval,
    )
    try:
        yield from _learn(run, network, algorithm)
    except StopTraining:
        if not run.update:
            raise  # nothing has been learned
        weights = run.average.mean(network.export())
        yield run.progress(phase="training", fraction=run.fraction, weights=weights)
        return
    weights = run.average.mean(network.export())
    yield replace(run.progress(phase="training", fraction=1.0), weights=weights)
    exam = Exam(
        scenario, "test", config.difficulty, config.evaluation_tasks, config.evaluation_attempts
    )
    for state in evaluate(weights, exam, seed=config.seed, weights_sha256=weights_hash(weights)):
        over = state.evidence is not None
        yield run.progress(
            phase="done" if over else "evidence",
            fraction=state.fraction,
            evidence=state.evidence,
            samples=tuple(state.kept),
            weights=weights if over else None,
        )


def _learn(run: _Run, network: PolicyNetwork, algorithm: Algorithm) -> Iterator[Progress]:
    config = run.config
    learners = _Learners(config, Imitation(network), algorithm)
    weights = network.export()
    with Collectors(_plans(config)) as collectors:
        while run.episodes < config.episodes:
            began = time.perf_counter()
            order = Order(
                config.rollout_steps,
                config.discount_factor,
                config.gae_lambda,
                learners.guidance(run.episodes),
            )
            batches, finished = collectors.collect(weights, order)
            metrics = learners.update(batches, run.episodes)
            if not all(math.isfinite(value) for value in metrics.values()):
                raise Diverged(
                    f"training diverged at episode {run.episodes:,}; try a smaller learning rate"
                )
            steps = sum(len(batch) for batch in batches)
            metrics["steps_per_second"] = steps / (time.perf_counter() - began)
            run.count(finished, steps)
            weights = network.export()
            run.average.add(weights, run.fraction)
            yield run.progress(
                phase="training",
                fraction=run.fraction,
                metrics=_metrics(run, finished, metrics),
                samples=_samples(run, finished),
                weights=run.average.mean(weights) if run.checkpoint_due() else None,
            )


def _plans(config: TrainConfig) -> list[Plan]:
    guided = 1.0 if config.demonstrations else None
    return plans(
        config.scenario,
        config.difficulty,
        config.environments,
        config.seed,
        config.collectors,
        guided,
    )


@dataclass(slots=True)
class _Learners:
    """The warm start, then the algorithm: who learns from a rollout depends on the episodes so far."""

    config: TrainConfig
    imitation: Imitation
    algorithm: Algorithm
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.config.seed, 4])

    def guidance(self, episodes: int) -> float | None:
        """Share of episodes in which the oracle acts, or None once the warm start is over."""
        shown = self.config.demonstrations
        return guidance(episodes / shown) if episodes < shown else None

    def update(self, batches: list[Batch], episodes: int) -> dict[str, float]:
        shown, total = self.config.demonstrations, self.config.episodes
        if episodes < shown:
            return self.imitation.update(batches, episodes / shown, self.rng)
        done = (episodes - shown) / max(1, total - shown)
        return self.algorithm.update(batches, done, self.rng)


def _metrics(run: _Run, finished: Finished, losses: dict[str, float]) -> dict[str, float | None]:
    share, low, high = run.convergence.window()
    count = len(finished.episodes)
    return {
        "reward": float(np.mean(finished.rewards)) if count else None,
        "success": float(np.mean(finished.successes)) if count else None,
        "episode_steps": float(np.mean(finished.lengths)) if count else None,
        "tool_reliability": share,
        "tool_reliability_low": low,
        "tool_reliability_high": high,
        **losses,
    }


def _samples(run: _Run, finished: Finished) -> tuple[EpisodeRecord, ...]:
    """One ordinary episode of the update, and the ones worth a look: the first success, a new best."""
    if not finished.episodes:
        return ()
    chosen = [finished.episodes[0]]
    if not run.succeeded and any(finished.successes):
        run.succeeded = True
        first = finished.episodes[finished.successes.index(True)]
        chosen.append(replace(first, sampled_because="first_success"))
    best = max(finished.episodes, key=lambda episode: episode.total_reward)
    if best.total_reward > run.best_reward + 1e-9:
        run.best_reward = best.total_reward
        chosen.append(replace(best, sampled_because="best"))
    return tuple(chosen)


def manifest(config: TrainConfig, scenario: Scenario) -> dict[str, Any]:
    """What a bundle says of itself, before weights and evidence are added."""
    return {
        "architecture": ARCHITECTURE,
        "scenario": scenario.key,
        "scenario_version": scenario.version,
        "scenario_hash": scenario.content_hash(),
        "tools": [tool.as_json() for tool in scenario.tools],
        "config": config.as_json(),
        "seed": config.seed,
    }
