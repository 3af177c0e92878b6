"""Where a run stands, in one word, by a stated rule over its recent windows."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from training.rl.intervals import wilson

WINDOW_CALLS = 2_000
"""Reliability is judged over the latest calls, at least so many once they exist."""
HISTORY = 20
"""Updates over which a trend is fitted."""
SLOPE = 0.002
"""Rise of reliability per update that counts as improving."""
SPREAD = 0.06
"""Standard deviation around the trend that counts as unstable."""


@dataclass(slots=True)
class Convergence:
    """Feed it every update's calls; `state` is one of starting, improving, plateau, unstable, target_held.

    target_held: the lower Wilson bound over the window reaches the target. unstable: the rates of the last `HISTORY`
    updates scatter by more than `SPREAD` around their trend. improving: the trend rises by more than `SLOPE` an update.
    """

    target: float
    calls: deque[tuple[int, int]] = field(default_factory=deque)
    rates: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))
    _total: int = 0

    def add(self, right: int, calls: int) -> None:
        if not calls:
            return
        self.calls.append((right, calls))
        self._total += calls
        while self._total - self.calls[0][1] >= WINDOW_CALLS:
            self._total -= self.calls.popleft()[1]
        self.rates.append(right / calls)

    def restore(self, calls: Sequence[Sequence[int]], rates: Sequence[float]) -> None:
        """Go on from the `calls` and `rates` of an earlier one."""
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
    def state(self) -> str:
        _, low, _ = self.window()
        if low is not None and low >= self.target and self._total >= WINDOW_CALLS // 2:
            return "target_held"
        if len(self.rates) < HISTORY // 2:
            return "starting"
        rates = np.array(self.rates)
        steps = np.arange(len(rates))
        slope, start = np.polyfit(steps, rates, 1)
        if float(np.std(rates - slope * steps - start)) > SPREAD:
            return "unstable"
        return "improving" if slope > SLOPE else "plateau"
