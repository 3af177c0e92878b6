"""Advantages and returns: pure array functions over (steps, environments)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


def gae(  # noqa: PLR0913  (the six arrays and two factors of the formula)
    rewards: Floats,
    values: Floats,
    next_values: Floats,
    terminated: Bools,
    truncated: Bools,
    discount: float,
    lam: float,
) -> tuple[Floats, Floats]:
    """Generalised advantage estimation (Schulman et al. 2015, arXiv:1506.02438); advantages and returns, each (T, N).

    `next_values[t]` is the value of the state that step t led to, before any reset. A terminated step has no future;
    a truncated one has, but the chain is cut behind it: its value is bootstrapped and no later advantage flows back.
    """
    steps = len(rewards)
    advantages = np.zeros_like(rewards)
    running = np.zeros_like(rewards[0])
    for t in range(steps - 1, -1, -1):
        alive = 1.0 - terminated[t]
        delta = rewards[t] + discount * next_values[t] * alive - values[t]
        going_on = 1.0 - np.logical_or(terminated[t], truncated[t])
        running = (delta + discount * lam * going_on * running).astype(np.float32)
        advantages[t] = running
    return advantages, advantages + values


def outcomes(totals: Floats, groups: NDArray[np.int64] | None = None) -> Floats:
    """Advantage of whole episodes from their total rewards, (E,) -> (E,).

    Without groups: less the mean of all (REINFORCE with a baseline). groups: (E,) numbers of the groups; each group's
    outcomes less their mean, over their deviation, and 0 where all attempts came out the same (GRPO, equation 3 of
    arXiv:2402.03300).
    """
    if groups is None:
        return np.asarray(totals - totals.mean(), dtype=np.float32)
    counts = np.bincount(groups)
    means = np.bincount(groups, totals) / counts
    spread = np.sqrt(np.bincount(groups, (totals - means[groups]) ** 2) / counts)
    return np.asarray((totals - means[groups]) / (spread[groups] + 1e-6), dtype=np.float32)
