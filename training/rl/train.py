"""`train`: the whole loop as a generator of progress. No callbacks; to stop is to leave the loop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from models_registry.artifacts.bundle import weights_hash
from models_registry.policies.architecture import ARCHITECTURE, initial_weights
from models_registry.policies.network import PolicyNetwork
from models_registry.policies.runtime import Forward
from scenarios.core.env import ToolEnv
from scenarios.core.scenario import Scenario
from scenarios.library import library
from training.rl.algorithms import algorithms
from training.rl.algorithms.base import Algorithm
from training.rl.config import TrainConfig
from training.rl.convergence import Convergence
from training.rl.evaluation import Exam, evaluate
from training.rl.imitation import Imitation, guidance
from training.rl.progress import EpisodeRecord, Progress
from training.rl.rollout import Collector, Finished
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


def train(config: TrainConfig) -> Iterator[Progress]:
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
        yield from _learn(run, scenario, network, algorithm)
    except StopTraining:
        if not run.update:
            raise  # nothing has been learned
        fraction = min(1.0, run.episodes / config.episodes)
        yield run.progress(phase="training", fraction=fraction, weights=network.export())
        return
    weights = network.export()
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


def _learn(
    run: _Run, scenario: Scenario, network: PolicyNetwork, algorithm: Algorithm
) -> Iterator[Progress]:
    config = run.config
    collector = Collector(
        lambda: ToolEnv(scenario, "train", config.difficulty),
        config.environments,
        config.seed,
        guidance=1.0 if config.demonstrations else None,
    )
    imitation = Imitation(network)
    rng = np.random.default_rng([config.seed, 4])
    while run.episodes < config.episodes:
        began = time.perf_counter()
        warm = run.episodes / config.demonstrations if config.demonstrations else 1.0
        collector.guidance = guidance(warm) if warm < 1.0 else None
        forward = Forward(network.export())
        batch, finished = collector.collect(
            forward, config.rollout_steps, config.discount_factor, config.gae_lambda
        )
        if warm < 1.0:
            metrics = imitation.update(batch, warm, rng)
        else:
            after = (run.episodes - config.demonstrations) / max(
                1, config.episodes - config.demonstrations
            )
            metrics = algorithm.update(batch, after, rng)
        if not all(math.isfinite(value) for value in metrics.values()):
            raise Diverged(
                f"training diverged at episode {run.episodes:,}; try a smaller learning rate"
            )
        run.update += 1
        run.episodes += finished.count
        run.env_steps += len(batch)
        run.seconds = time.perf_counter() - run.started
        run.convergence.add(finished.right_calls, finished.calls)
        metrics["steps_per_second"] = len(batch) / (time.perf_counter() - began)
        due = run.next_checkpoint <= run.episodes < config.episodes
        if due:
            run.next_checkpoint = (
                run.episodes // config.checkpoint_interval + 1
            ) * config.checkpoint_interval
        yield run.progress(
            phase="training",
            fraction=min(1.0, run.episodes / config.episodes),
            metrics=_metrics(run, finished, metrics),
            samples=_samples(run, finished),
            weights=network.export() if due else None,
        )


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
