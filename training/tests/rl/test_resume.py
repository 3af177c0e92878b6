"""Runs that go on: from a checkpoint bit by bit, with changed settings, through the stages of a curriculum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models_registry.artifacts.bundle import weights_hash
from training.rl.config import ConfigError, TrainConfig, parse_config
from training.rl.progress import Progress
from training.rl.train import train

SMALL: dict[str, Any] = {
    "scenario": "echo",
    "episodes": 900,
    "warm_start": 0.3,
    "environments": 16,
    "rollout_steps": 8,
    "evaluation_tasks": 10,
    "evaluation_attempts": 2,
    "checkpoint_interval": 200,
    "collectors": 1,
}
MEASURED = ("steps_per_second",)


def configured(**values: Any) -> TrainConfig:
    return parse_config({**SMALL, **values})


def learned(config: TrainConfig, **more: Any) -> list[Progress]:
    """All progress; how often the evaluation is heard of is a matter of time."""
    return [p for p in train(config, **more) if p.phase != "evidence"]


def timeless(progress: Progress) -> dict[str, Any]:
    """What must be the same in a run that came back."""
    return {
        "update": progress.update,
        "episodes": progress.episodes,
        "env_steps": progress.env_steps,
        "convergence": progress.convergence,
        "stage": progress.stage,
        "metrics": {k: v for k, v in progress.metrics.items() if k not in MEASURED},
        "samples": [sample.total_reward for sample in progress.samples],
        "weights": None if progress.weights is None else weights_hash(progress.weights),
    }


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"collectors": 2},
        {"algorithm": "grpo", "kl_leash": 0.1, "group_size": 4},
        {"curriculum": "easy promote=0.2 window=30; medium promote=0.3 window=30; hard"},
    ],
)
def test_a_run_from_any_checkpoint_equals_the_unbroken_one(more: dict[str, Any]) -> None:
    config = configured(**more)
    whole = learned(config)
    states = [p for p in whole if p.state is not None]
    assert len(states) >= 3
    for start in (states[0], states[-1]):  # in the warm start, and after it
        rest = learned(config, resume=start.state)
        expected = whole[whole.index(start) + 1 :]
        assert [timeless(p) for p in rest] == [timeless(p) for p in expected]
        agents, others = (x[-1].evidence["agents"] for x in (rest, whole))  # type: ignore[index]
        assert agents["trained"]["success"] == others["trained"]["success"]
        assert agents["trained"]["failures"] == others["trained"]["failures"]


def test_a_checkpoint_is_arrays_and_json_only() -> None:
    import json

    state = next(p.state for p in train(configured()) if p.state is not None)
    assert all(isinstance(value, np.ndarray) for value in state.arrays.values())
    assert json.loads(json.dumps(state.facts, allow_nan=False)) == state.facts


def test_settings_change_at_the_next_update_and_only_some_may() -> None:
    running = train(configured(warm_start=0))
    next(running)
    told = running.send({"learning_rate": "1e-9", "episodes": 300, "entropy_coefficient": 0.002})
    assert told.changed == {"learning_rate": 1e-9, "episodes": 300}, "what stayed is no change"
    assert told.metrics["learning_rate"] == pytest.approx(1e-9, rel=0.4)
    assert told.total_episodes == 300
    rest = list(running)
    assert all(not p.changed for p in rest)
    assert rest[-1].episodes == 300


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"environments": 3}, "cannot be changed"),
        ({"learning_rate": -1}, "at least|above"),
        ({"learning_rat": 1}, "did you mean"),
    ],
)
def test_a_bad_change_names_the_field_and_the_fix(changes: dict[str, Any], words: str) -> None:
    running = train(configured())
    next(running)
    with pytest.raises(ConfigError, match=words):
        running.send(changes)


def test_validation_is_looked_at_when_it_is_due() -> None:
    config = configured(validation_interval=300)
    looked = [p.episodes for p in train(config) if "validation_reliability" in p.metrics]
    assert len(looked) == 3
    assert looked == sorted(looked)
