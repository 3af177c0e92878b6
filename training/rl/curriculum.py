"""Curriculum: from easy tasks to the run's own difficulty, forward on success, back on failure.

Bengio et al. 2009, doi:10.1145/1553374.1553380. The stages are data of the scenario, or of the run's settings.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from scenarios.core.stage import Stage
from scenarios.core.types import DIFFICULTIES, Difficulty

OFF, ON = "off", "on"


@dataclass(frozen=True, slots=True)
class StageChange:
    """Training went from one stage to another."""

    before: str
    after: str
    success: float
    """Share of successes that decided it."""


@dataclass(slots=True)
class Curriculum:
    """Where training stands among its stages; `add` the successes of every update."""

    stages: tuple[Stage, ...]
    index: int = 0
    seen: deque[bool] = field(default_factory=deque)

    @property
    def stage(self) -> Stage:
        return self.stages[self.index]

    def add(self, successes: Iterable[bool]) -> StageChange | None:
        """Take in finished episodes; the change, where the window now says so. A new stage starts a new window."""
        stage = self.stage
        self.seen.extend(successes)
        while len(self.seen) > stage.window:
            self.seen.popleft()
        if len(self.seen) < stage.window:
            return None
        share = sum(self.seen) / len(self.seen)
        step = (share >= stage.promote_at) - (share < stage.demote_below)
        to = min(max(self.index + step, 0), len(self.stages) - 1)
        if to == self.index:
            return None
        self.index = to
        self.seen.clear()
        return StageChange(stage.name, self.stage.name, share)

    def as_json(self) -> dict[str, Any]:
        return {"index": self.index, "seen": list(self.seen)}

    def restore(self, facts: dict[str, Any]) -> None:
        """Go on from what `as_json` gave."""
        self.index = facts["index"]
        self.seen = deque(facts["seen"])


def curriculum(setting: str, stages: tuple[Stage, ...], difficulty: Difficulty) -> Curriculum:
    """The curriculum of a run: `off` (one stage), `on` (the scenario's stages), or stages in words, see `parse`."""
    if setting == OFF:
        return Curriculum((Stage(difficulty),))
    if setting != ON:
        return Curriculum(parse(setting))
    reach = DIFFICULTIES.index(difficulty)
    within = tuple(s for s in stages if DIFFICULTIES.index(s.difficulty) <= reach)
    return Curriculum(within or (Stage(difficulty),))


_DIALS = {"promote": "promote_at", "demote": "demote_below", "faults": "fault_rate"}
_COUNTS = {"window": "window", "steps": "max_steps"}


def parse(text: str) -> tuple[Stage, ...]:
    """Stages in words: `easy promote=0.9 faults=0; medium window=200 steps=10; hard`.

    promote, demote, faults: shares in [0, 1]. window, steps: whole numbers from 1 to 100,000. Raises `ValueError`.
    """
    stages = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        difficulty, *dials = part.split()
        if difficulty not in DIFFICULTIES:
            raise ValueError(
                f"a stage starts with {', '.join(DIFFICULTIES)}, not {difficulty!r}; "
                "write off, on, or stages such as 'easy promote=0.9; medium; hard'"
            )
        stages.append(Stage(difficulty, **dict(map(_dial, dials))))
    if not stages:
        raise ValueError("write off, on, or stages such as 'easy promote=0.9; medium; hard'")
    return tuple(stages)


def _dial(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    known = ", ".join((*_DIALS, *_COUNTS))
    try:
        if name in _DIALS and 0 <= float(value) <= 1:
            return _DIALS[name], float(value)
        if name in _COUNTS and 1 <= int(value) <= 100_000:
            return _COUNTS[name], int(value)
    except ValueError:
        pass
    raise ValueError(
        f"{text!r} is not a dial; known: {known}, shares from 0 to 1, whole numbers from 1"
    )
