"""Stages of a curriculum, as data. Light to import: forms and the command line check them too."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.core.types import Difficulty


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a curriculum: the dials of its tasks, and when training leaves it.

    promote_at, demote_below: share of successes over the last `window` episodes of the policy's own. fault_rate,
    max_steps: in place of what the difficulty says.
    """

    difficulty: Difficulty
    promote_at: float = 0.8
    demote_below: float = 0.3
    window: int = 300
    fault_rate: float | None = None
    max_steps: int | None = None

    @property
    def name(self) -> str:
        """The difficulty, and the dials that are turned."""
        dials = (
            f"faults {self.fault_rate:.0%}" if self.fault_rate is not None else "",
            f"{self.max_steps} steps" if self.max_steps is not None else "",
        )
        return ", ".join((self.difficulty, *filter(None, dials)))
