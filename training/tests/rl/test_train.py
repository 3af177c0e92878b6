"""The loop as a whole: it learns, it repeats itself, and it can be left at any time."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from models_registry.artifacts.bundle import weights_hash
from training.rl.algorithms.ppo import PPO
from training.rl.config import TrainConfig, parse_config
from training.rl.progress import Progress
from training.rl.stopping import StopTraining
from training.rl.train import Diverged, manifest, train

SMALL: dict[str, Any] = {
    "scenario": "echo",
    "episodes": 400,
    "warm_start": 0.5,
    "environments": 16,
    "rollout_steps": 16,
    "evaluation_tasks": 12,
    "evaluation_attempts": 2,
    "checkpoint_interval": 150,
}


def configured(**values: Any) -> TrainConfig:
    return parse_config({**SMALL, **values})


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        measured = {"decision_seconds", "response_seconds", "cost", "criteria", "cost_per_success"}
        return {k: timeless(v) for k, v in value.items() if k not in measured}
    return value


def last(config: TrainConfig) -> Progress:
    return list(train(config))[-1]


@pytest.mark.slow
@pytest.mark.parametrize("warm_start", [0.8, 0])
def test_it_learns_echo_with_and_without_a_warm_start(warm_start: float) -> None:
    config = configured(
        episodes=9000,
        warm_start=warm_start,
        environments=64,
        learning_rate=2e-3,
        entropy_coefficient=0.01,
        evaluation_tasks=60,
        collectors=1,
    )
    evidence = last(config).evidence
    assert evidence is not None
    agents = evidence["agents"]
    assert agents["trained"]["success"]["value"] > 0.9
    assert agents["untrained"]["success"]["value"] < 0.3
    assert agents["oracle"]["success"]["value"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("algorithm", "rate", "entropy", "steps"),
    [("reinforce", 1e-3, 0.1, 8), ("grpo", 3e-3, 0.01, 16)],
)
def test_the_other_algorithms_learn_echo_from_reward_alone(
    algorithm: str, rate: float, entropy: float, steps: int
) -> None:
    config = configured(
        algorithm=algorithm,
        episodes=9000,
        warm_start=0,
        environments=64,
        learning_rate=rate,
        entropy_coefficient=entropy,
        rollout_steps=steps,
        evaluation_tasks=60,
        collectors=1,
    )
    evidence = last(config).evidence
    assert evidence is not None
    assert evidence["agents"]["trained"]["success"]["value"] > 0.9


def test_the_same_seed_gives_the_same_weights_and_evidence_and_another_seed_does_not() -> None:
    first, second = last(configured(seed=3)), last(configured(seed=3))
    assert first.weights is not None
    assert second.weights is not None
    assert weights_hash(first.weights) == weights_hash(second.weights)
    assert timeless(first.evidence) == timeless(second.evidence)
    other = last(configured(seed=4))
    assert other.weights is not None
    assert weights_hash(other.weights) != weights_hash(first.weights)


@pytest.mark.slow
def test_the_number_of_threads_does_not_change_the_weights() -> None:
    """Whatever the machine lends: numpy's own threads in the collectors, torch's in the learner."""
    code = (
        "from training.tests.rl.test_train import configured, last; "
        "from models_registry.artifacts.bundle import weights_hash; "
        "print(weights_hash(last(configured(seed=3, episodes=200, evaluation_tasks=2)).weights))"
    )
    hashes = set()
    for threads in ("1", "2"):
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        env = {**os.environ, **dict.fromkeys(names, threads)}
        told = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        hashes.add(told.stdout.strip())
    assert len(hashes) == 1
    assert len(hashes.pop()) == 64


def test_progress_counts_up_and_ends_with_weights_and_evidence() -> None:
    seen = list(train(configured()))
    training = [p for p in seen if p.phase == "training"]
    assert [p.episodes for p in training] == sorted(p.episodes for p in training)
    assert training[-1].fraction == 1
    assert training[-1].weights is not None
    assert any(p.weights is not None for p in training[:-1]), "no checkpoint on the way"
    assert {p.phase for p in seen} >= {"training", "done"}
    done = seen[-1]
    assert done.phase == "done"
    assert done.evidence is not None
    assert done.samples
    assert done.evidence["weights_sha256"] == weights_hash(done.weights or {})
    assert {"imitation_loss", "policy_loss"} <= {name for p in training for name in p.metrics}


def test_a_stop_hands_over_what_was_learned() -> None:
    running = train(configured())
    next(running)
    final = running.throw(StopTraining())
    assert final.weights is not None
    with pytest.raises(StopIteration):
        next(running)


def test_leaving_the_loop_ends_the_collector_processes() -> None:
    import multiprocessing

    running = train(configured(collectors=2))
    next(running)
    assert multiprocessing.active_children()
    running.close()
    assert not multiprocessing.active_children()


def test_a_loss_that_is_not_a_number_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PPO, "update", lambda *_: {"policy_loss": float("nan")})
    with pytest.raises(Diverged, match="smaller learning rate"):
        last(configured(warm_start=0))


def test_the_manifest_says_what_was_trained_on_what() -> None:
    from scenarios.library import library

    scenario = library.get("echo")()
    facts = manifest(configured(seed=5), scenario)
    assert facts["scenario_hash"] == scenario.content_hash()
    assert facts["seed"] == 5
    assert [tool["name"] for tool in facts["tools"]] == ["whisper", "shout"]
    assert np.isfinite(facts["config"]["learning_rate"])
