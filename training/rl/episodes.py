"""Building the record of an episode, and playing an agent through one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scenarios.core.types import Decision, Turn
from training.rl.progress import EpisodeRecord, StepRecord


class EpisodeBuilder:
    """Collects steps; `finish` gives the record. info: what `ToolEnv.reset` returned; turns: the opening."""

    def __init__(self, info: dict[str, Any], turns: tuple[Turn, ...], attempt: int = 0) -> None:
        self.task_id, self.kind, self.attempt = str(info["task_id"]), str(info["kind"]), attempt
        self.opening = str(turns[0].content)
        self.steps: list[StepRecord] = []
        self.total = 0.0
        self.measured: Mapping[str, tuple[float, float]] = {}

    def add(
        self, decision: Decision, added: tuple[Turn, ...], reward: float, info: dict[str, Any]
    ) -> None:
        verdict = info["verdict"]
        self.total += reward
        self.measured = info.get("measured", {})
        self.steps.append(
            StepRecord(
                decision,
                verdict.right,
                verdict.failure,
                added,
                reward,
                info["reward_terms"],
                info["seconds"],
                info["faulted"],
                info.get("due", ""),
                info.get("role", ""),
                info.get("to", ()),
            )
        )

    def finish(self, *, success: bool, truncated: bool, because: str = "periodic") -> EpisodeRecord:
        return EpisodeRecord(
            self.task_id,
            self.kind,
            self.attempt,
            success,
            truncated,
            self.total,
            self.opening,
            self.steps,
            because,
            self.measured,
        )
