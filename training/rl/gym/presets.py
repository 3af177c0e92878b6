"""What a run on a Gymnasium environment starts from, where no setting is given. Plain data: forms and the CLI read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from training.rl.gym.names import gym_id

GENERAL: dict[str, Any] = {
    "episodes": 10_000_000,
    "steps": 500_000,
    "warm_start": 0.0,
    "learning_rate": 1e-3,
    "batch_size": 256,
    "discount_factor": 0.99,
    "gae_lambda": 0.95,
    "clip_range": 0.2,
    "entropy_coefficient": 0.0,
    "update_epochs": 4,
    "environments": 16,
    "collectors": 1,
    "rollout_steps": 128,
    "checkpoint_interval": 1_000,
    "evaluation_tasks": 100,
    "evaluation_attempts": 1,
}
"""Settings of PPO on an environment that nothing is known about; the budget is in steps."""


@dataclass(frozen=True, slots=True)
class Preset:
    """settings: what differs from `GENERAL`. normalise: observations and rewards are brought to a common scale.

    final_rate: share of the learning rate that is left at the end; 1 where it stays constant.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    normalise: bool = True
    final_rate: float = 0.0


PRESETS: dict[str, Preset] = {
    "CartPole-v1": Preset(
        {
            "steps": 100_000,
            "learning_rate": 2e-3,
            "update_epochs": 6,
            "environments": 8,
            "rollout_steps": 64,
        }
    ),
    "Acrobot-v1": Preset(
        {"steps": 100_000, "learning_rate": 2e-3, "gae_lambda": 0.94, "rollout_steps": 64}
    ),
}
"""Tried against each other by how soon the threshold is reached; see `benchmarks.parity`."""


def preset(env_id: str) -> Preset:
    """The preset of an environment."""
    return PRESETS.get(env_id, Preset())


def with_preset(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as given, over those of the preset. A budget of episodes alone is not cut short by one of steps."""
    env_id = gym_id(str(given.get("scenario", "")))
    if env_id is None:
        return dict(given)
    usual = {**GENERAL, **preset(env_id).settings}
    if "episodes" in given:
        usual["steps"] = 0
    return {**usual, **given}
