"""Progress as a trainer would yield it, made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.core.types import Decision, Turn
from training.rl.progress import EpisodeRecord, Progress, StepRecord

if TYPE_CHECKING:
    from training.models import Run

MakeRun = Callable[..., "Run"]
Trainer = Callable[[Callable[..., Iterator[Progress]]], None]
WEIGHTS = {"table": np.ones((2, 3), dtype=np.float32)}
EVIDENCE: dict[str, Any] = {"scenario": "echo", "agents": {"trained": {"label": "trained"}}}


def sample(because: str = "periodic", **more: Any) -> EpisodeRecord:
    """An episode of one step."""
    step = StepRecord(
        Decision("final", text="Done."),
        True,
        None,
        (Turn("assistant", "Done."),),
        1.0,
        {"end": 1.0},
        0.0,
        False,
    )
    values: dict[str, Any] = {
        "task_id": "echo/test/1", "kind": "shout", "attempt": 0, "success": True, "truncated": False,
        "total_reward": 1.0, "opening": "please shout", "steps": [step], "sampled_because": because,
    } | more  # fmt: skip
    return EpisodeRecord(**values)


def step(episodes: int, *, total: int = 40, **more: Any) -> Progress:
    """Progress of the training phase."""
    values: dict[str, Any] = {
        "phase": "training", "update": episodes, "episodes": episodes, "total_episodes": total,
        "env_steps": 2 * episodes, "seconds": episodes / 10, "metrics": {"reward": episodes / total},
        "fraction": episodes / total,
    } | more  # fmt: skip
    return Progress(**values)


def saved(episodes: int, *, note: str = "", **more: Any) -> Progress:
    """Progress with a checkpoint, whose state holds the number of episodes and a note."""
    from training.rl.state import TrainerState

    state = TrainerState({"numbers": np.arange(3.0)}, {"episodes": episodes, "note": note})
    values: dict[str, Any] = {"weights": WEIGHTS, "state": state} | more
    return step(episodes, **values)


def done(**more: Any) -> Progress:
    """The last progress of a run."""
    values: dict[str, Any] = {
        "phase": "done", "metrics": {}, "weights": WEIGHTS, "evidence": EVIDENCE, "fraction": 1.0,
    } | more  # fmt: skip
    return step(40, **values)
