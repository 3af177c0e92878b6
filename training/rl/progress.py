"""What training tells the outside: plain data, JSON-able, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from scenarios.core.types import Decision, Json, Turn

if TYPE_CHECKING:
    from models_registry.artifacts.bundle import Weights
    from training.rl.curriculum import StageChange
    from training.rl.device import Device
    from training.rl.state import TrainerState

Phase = Literal["training", "evidence", "done"]


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One decision of an episode and what followed."""

    decision: Decision
    right: bool
    failure: str | None
    turns: tuple[Turn, ...]
    """The turns that this decision added (its own, the tool's result, the user's reply)."""
    reward: float
    reward_terms: dict[str, float]
    seconds: float
    faulted: bool
    due: str = ""
    """In an exam: the tool or decision that was due, see `training.rl.confusion`."""
    role: str = ""
    """In a team: who decided."""
    to: tuple[str, ...] = ()
    """In a team: whom the work went to."""

    def as_json(self) -> dict[str, Json]:
        """decision and turns as plain JSON, the rest as it is."""
        return {
            "decision": self.decision.as_json(),
            "right": self.right,
            "failure": self.failure,
            "turns": [turn.as_json() for turn in self.turns],
            "reward": self.reward,
            "reward_terms": self.reward_terms,
            "seconds": self.seconds,
            "faulted": self.faulted,
            "due": self.due,
            "role": self.role,
            "to": list(self.to),
        }


@dataclass(frozen=True, slots=True)
class EpisodeRecord:
    """One attempt at one task, step by step: what the transcript page shows."""

    task_id: str
    kind: str
    attempt: int
    success: bool
    truncated: bool
    total_reward: float
    opening: str
    steps: list[StepRecord] = field(default_factory=list)
    sampled_because: str = "periodic"
    """periodic, first_success, worst, best, last_failure or evidence."""
    measured: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """What the scenario's world counted, see `World.measured`."""


@dataclass(frozen=True, slots=True)
class Progress:
    """State of a run after one update (phase training) or one part of the evaluation (phase evidence).

    metrics: reward, tool_reliability, tool_reliability_low, tool_reliability_high (Wilson, 95 %, over this window's
    calls), success, episode_steps, entropy, policy_loss, value_loss, kl, clip_fraction, explained_variance,
    learning_rate, steps_per_second. None stands for a value that does not exist (no call in the window, NaN).
    weights: a copy of the policy's weights when a checkpoint is due, and at the end.
    """

    phase: Phase
    update: int
    episodes: int
    total_episodes: int
    env_steps: int
    seconds: float
    metrics: dict[str, float | None] = field(default_factory=dict)
    convergence: str = "starting"
    """starting, improving, plateau, unstable or target_held."""
    samples: tuple[EpisodeRecord, ...] = ()
    fraction: float = 0.0
    """Share of the current phase that is done, in [0, 1]."""
    weights: Weights | None = None
    state: TrainerState | None = None
    """With weights: what a later process needs to go on from here as if nothing had happened."""
    stage: str = ""
    """Stage of the curriculum; without one, the difficulty."""
    stage_change: StageChange | None = None
    """Set where this update led to another stage."""
    changed: dict[str, Any] = field(default_factory=dict)
    """Settings that were changed from outside just before this update, with their new values."""
    device: Device | None = None
    """Set once, where a run begins: where its updates run, and why."""
    evidence: dict[str, Json] | None = None
    """Only in the last progress (phase done); see `training.rl.evidence`."""
