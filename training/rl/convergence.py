"""Where a run stands, in one word, and when it had learned, by stated rules over its recent windows."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from scenarios.core.types import Json
from training.rl.intervals import wilson

WINDOW_CALLS = 2_000
"""Reliability is judged over the latest calls, at least so many once they exist."""
HISTORY = 20
"""Updates over which a trend is fitted."""
SLOPE = 0.002
"""Rise of reliability per update that counts as improving."""
SPREAD = 0.06
"""Standard deviation around the trend that counts as unstable."""
RULE = (
    f"The first episode from which the lower 95 % bound of tool reliability, over the latest {WINDOW_CALLS:,} calls of "
    "training (decisions are drawn, not the most likely ones), stays at or above the target until training ends."
)


@dataclass(slots=True)
class Convergence:
    """Feed it every update's calls; `state` is one of starting, improving, plateau, unstable, target_held.

    target_held: the lower Wilson bound over the window reaches the target. unstable: the rates of the last `HISTORY`
    updates scatter by more than `SPREAD` around their trend. improving: the trend rises by more than `SLOPE` an update.
    held_since: episodes trained when the target came to be held without a break since; None where it is not held.
    """

    target: float
    calls: deque[tuple[int, int]] = field(default_factory=deque)
    rates: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))
    held_since: int | None = None
    _total: int = 0

    def add(self, right: int, calls: int, episodes: int = 0) -> None:
        """Take in one update; episodes: how many the run has trained by now."""
        if not calls:
            return
        self.calls.append((right, calls))
        self._total += calls
        while self._total - self.calls[0][1] >= WINDOW_CALLS:
            self._total -= self.calls.popleft()[1]
        self.rates.append(right / calls)
        if not self.held:
            self.held_since = None
        elif self.held_since is None:
            self.held_since = episodes

    def restore(
        self, calls: Sequence[Sequence[int]], rates: Sequence[float], held_since: int | None = None
    ) -> None:
        """Go on from the `calls`, `rates` and `held_since` of an earlier one."""
        self.held_since = held_since
        self.calls = deque((right, count) for right, count in calls)
        self.rates = deque(rates, maxlen=HISTORY)
        self._total = sum(count for _, count in self.calls)

    def window(self) -> tuple[float | None, float | None, float | None]:
        """Reliability over the window with its 95 % Wilson interval."""
        if not self._total:
            return None, None, None
        share = sum(right for right, _ in self.calls) / self._total
        low, high = wilson(share, self._total)
        return share, low, high

    @property
    def held(self) -> bool:
        """Whether the target is held over the window, which must be half full at least."""
        _, low, _ = self.window()
        return low is not None and low >= self.target and self._total >= WINDOW_CALLS // 2

    def facts(self) -> dict[str, Json]:
        """The evidence's `convergence`, at the end of a run: the episode by `RULE`, None without convergence."""
        share, low, high = self.window()
        window = {"value": share, "low": low, "high": high, "n": self._total}
        return {
            "rule": RULE,
            "target": self.target,
            "episode": self.held_since,
            "state": self.state,
            "window": window,
        }

    @property
    def state(self) -> str:
        if self.held:
            return "target_held"
        if len(self.rates) < HISTORY // 2:
            return "starting"
        rates = np.array(self.rates)
        steps = np.arange(len(rates))
        slope, start = np.polyfit(steps, rates, 1)
        if float(np.std(rates - slope * steps - start)) > SPREAD:
            return "unstable"
        return "improving" if slope > SLOPE else "plateau"
