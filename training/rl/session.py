"""A session: the counters of one run, its schedules, and how its state is taken down and put back."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from training.rl.averaging import TailAverage
from training.rl.config import TrainConfig, parse_changes, parse_config
from training.rl.convergence import Convergence
from training.rl.curriculum import Curriculum, StageChange, curriculum
from training.rl.device import Device
from training.rl.lanes import Finished
from training.rl.problem import Problem
from training.rl.progress import EpisodeRecord, Progress
from training.rl.state import Array, TrainerState, of, under

CHECKPOINT = "checkpoint"
"""Among changes: not a setting, but the wish for a checkpoint at the next update."""


@dataclass(slots=True)
class Session:
    """Where a run stands, apart from networks and optimizers."""

    config: TrainConfig
    problem: Problem
    convergence: Convergence
    curriculum: Curriculum
    began: float = field(default_factory=time.perf_counter)
    update: int = 0
    episodes: int = 0
    env_steps: int = 0
    seconds: float = 0.0
    seconds_before: float = 0.0
    """Seconds of training that earlier processes spent on this run."""
    epoch: int = 0
    """Number of the update after which all conversations started afresh last."""
    next_checkpoint: int = 0
    next_validation: int = 0
    best_reward: float = -math.inf
    succeeded: bool = False
    average: TailAverage = field(default_factory=TailAverage)
    device: Device | None = None
    """Chosen with the first rollout, and kept for the rest of the run."""

    @classmethod
    def of(cls, config: TrainConfig, problem: Problem) -> Session:
        """A new run's."""
        return cls(
            config,
            problem,
            Convergence(problem.target),
            curriculum(config.curriculum, problem.stages, config.difficulty),
            next_checkpoint=config.checkpoint_interval,
            next_validation=config.validation_interval,
        )

    @property
    def spent(self) -> float:
        """Share of the budget of steps, 0 where there is none."""
        return self.env_steps / self.config.steps if self.config.steps else 0.0

    @property
    def fraction(self) -> float:
        return min(1.0, max(self.episodes / self.config.episodes, self.spent))

    @property
    def over(self) -> bool:
        return self.episodes >= self.config.episodes or self.spent >= 1

    def count(self, finished: Finished, steps: int) -> StageChange | None:
        """Take in one update; the change of stage that it led to."""
        self.update += 1
        self.episodes += finished.count
        self.env_steps += steps
        self.seconds = self.seconds_before + time.perf_counter() - self.began
        self.convergence.add(finished.right_calls, finished.calls, self.episodes)
        return self.curriculum.add(finished.successes)

    def checkpoint_due(self) -> bool:
        """Whether a checkpoint belongs here; asking moves on to the next one."""
        due = self.next_checkpoint <= self.episodes and not self.over
        if due:
            interval = self.config.checkpoint_interval
            self.next_checkpoint = (self.episodes // interval + 1) * interval
            self.epoch = self.update
        return due

    def validation_due(self) -> bool:
        """Whether to look at validation tasks here; asking moves on to the next time."""
        interval = self.config.validation_interval
        due = interval > 0 and self.next_validation <= self.episodes
        if due:
            self.next_validation = (self.episodes // interval + 1) * interval
        return due

    def change(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change settings of the run that goes on; what has changed, typed. Raises `ConfigError`."""
        if changes.get(CHECKPOINT):
            self.next_checkpoint = self.episodes
            changes = {name: value for name, value in changes.items() if name != CHECKPOINT}
        changed = parse_changes(self.config, changes)
        self.config = replace(self.config, **changed)
        for name in ("checkpoint", "validation"):
            if f"{name}_interval" in changed:
                interval = changed[f"{name}_interval"]
                following = (self.episodes // interval + 1) * interval if interval else 0
                setattr(self, f"next_{name}", following)
        if "curriculum" in changed:
            stages, difficulty = self.problem.stages, self.config.difficulty
            self.curriculum = curriculum(self.config.curriculum, stages, difficulty)
        return changed

    def progress(self, **more: Any) -> Progress:
        return Progress(
            update=self.update,
            episodes=min(self.episodes, self.config.episodes),
            total_episodes=self.config.episodes,
            env_steps=self.env_steps,
            seconds=self.seconds,
            convergence=self.convergence.state,
            stage=self.curriculum.stage.name,
            **more,
        )

    def metrics(self, finished: Finished, losses: dict[str, float]) -> dict[str, float | None]:
        share, low, high = self.convergence.window()
        some = bool(finished.rewards)
        return {
            "reward": float(np.mean(finished.rewards)) if some else None,
            "success": float(np.mean(finished.successes)) if finished.successes else None,
            "episode_steps": float(np.mean(finished.lengths)) if some else None,
            "tool_reliability": share,
            "tool_reliability_low": low,
            "tool_reliability_high": high,
            **losses,
        }

    def samples(self, finished: Finished) -> tuple[EpisodeRecord, ...]:
        """One ordinary episode of the update, and the ones worth a look: the first success, a new best."""
        if not finished.episodes:
            return ()
        chosen = [finished.episodes[0]]
        if not self.succeeded and any(finished.successes):
            self.succeeded = True
            first = next(episode for episode in finished.episodes if episode.success)
            chosen.append(replace(first, sampled_because="first_success"))
        best = max(finished.episodes, key=lambda episode: episode.total_reward)
        if best.total_reward > self.best_reward + 1e-9:
            self.best_reward = best.total_reward
            chosen.append(replace(best, sampled_because="best"))
        return tuple(chosen)

    def state(self, arrays: dict[str, Array], facts: dict[str, Any]) -> TrainerState:
        """Everything to go on from here; arrays and facts: what others add."""
        own = {
            "config": self.config.as_json(),
            "update": self.update,
            "episodes": self.episodes,
            "env_steps": self.env_steps,
            "seconds": self.seconds,
            "epoch": self.epoch,
            "next_checkpoint": self.next_checkpoint,
            "next_validation": self.next_validation,
            "best_reward": self.best_reward if math.isfinite(self.best_reward) else None,
            "succeeded": self.succeeded,
            "curriculum": self.curriculum.as_json(),
            "calls": [list(pair) for pair in self.convergence.calls],
            "rates": list(self.convergence.rates),
            "held_since": self.convergence.held_since,
            "device": asdict(self.device) if self.device is not None else None,
        }
        return TrainerState(
            {**arrays, **under("average", self.average.as_arrays())}, {**facts, "session": own}
        )

    def restore(self, state: TrainerState) -> None:
        """Go on from what `state` gave."""
        own = dict(state.facts["session"])
        self.config = parse_config(own.pop("config"))
        self.curriculum = curriculum(
            self.config.curriculum, self.problem.stages, self.config.difficulty
        )
        self.curriculum.restore(own.pop("curriculum"))
        self.convergence.restore(own.pop("calls"), own.pop("rates"), own.pop("held_since"))
        self.average.restore(of("average", state.arrays))
        device = own.pop("device", None)
        self.device = Device(**device) if device is not None else None
        best = own.pop("best_reward")
        self.best_reward = -math.inf if best is None else best
        self.seconds_before = own["seconds"]
        for name, value in own.items():
            setattr(self, name, value)
