"""95 % intervals that know that attempts at one task are not independent, and that do not collapse at 0 or 1.

A rate gets a Wilson interval (Wilson 1927) over its effective sample size: n shrunk by the design effect, the ratio of
the variance between clusters (tasks) to that of independent draws (Kish 1965). A percentile bootstrap would collapse
to [1, 1] when nothing failed; this one does not. A mean gets a normal interval from the variance between clusters.
What is neither (a ratio, a calibration error) gets a bootstrap that draws whole clusters (`bootstrap`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenarios.core.types import Json

Z = 1.959963984540054
"""Two-sided 95 %."""
DRAWS = 1_000
"""Resamples of a bootstrap."""
MOST_COUNTS = 4_000_000
"""Counts of drawn clusters that are held in memory at once."""

FloatArray = NDArray[np.float64]
Statistic = Callable[[FloatArray], FloatArray]


def estimate(value: float | None, low: float | None, high: float | None, n: int) -> dict[str, Json]:
    """A figure with its interval, as evidence carries it; NaN becomes None."""
    clean = [None if x is None or not math.isfinite(x) else float(x) for x in (value, low, high)]
    return {"value": clean[0], "low": clean[1], "high": clean[2], "n": int(n)}


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson score interval of a share seen in n independent draws; n may be fractional."""
    if n <= 0:
        return 0.0, 1.0
    centre = share + Z * Z / (2 * n)
    spread = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    scale = 1 + Z * Z / n
    low = max(0.0, (centre - spread) / scale) if share > 0 else 0.0
    high = min(1.0, (centre + spread) / scale) if share < 1 else 1.0  # exact, where rounding is not
    return low, high


def rate(hits: ArrayLike, totals: ArrayLike) -> dict[str, Json]:
    """Share sum(hits) / sum(totals) over clusters: hits (K,) and totals (K,), with hits <= totals; n is sum(totals)."""
    x, m = np.asarray(hits, dtype=float), np.asarray(totals, dtype=float)
    x, m = x[m > 0], m[m > 0]
    n, clusters = float(m.sum()), len(m)
    if n == 0:
        return estimate(None, None, None, 0)
    share = float(x.sum() / n)
    effective = float(
        clusters
    )  # nothing seen to vary: as many independent draws as there are clusters, no more
    if 0 < share < 1 and clusters > 1:
        residual = x - share * m
        variance = clusters / (clusters - 1) * float((residual**2).sum()) / n**2
        if variance > 0:
            effective = min(n, share * (1 - share) / variance)
    low, high = wilson(share, effective)
    return estimate(share, low, high, int(n))


def mean(values: Sequence[float], clusters: Sequence[int] | None = None) -> dict[str, Json]:
    """Mean with a normal interval; `clusters` names the task of each value. n is the number of values."""
    x = np.asarray(values, dtype=float)
    if len(x) == 0:
        return estimate(None, None, None, 0)
    middle = float(x.mean())
    names = np.arange(len(x)) if clusters is None else np.asarray(clusters)
    _, groups = np.unique(names, return_inverse=True)
    sums = np.bincount(groups, weights=x - middle)
    count = len(sums)
    if count < 2:
        return estimate(middle, None, None, len(x))
    error = math.sqrt(count / (count - 1) * float((sums**2).sum())) / len(x)
    return estimate(middle, middle - Z * error, middle + Z * error, len(x))


def pass_hat(successes: ArrayLike, attempts: int, k: int) -> dict[str, Json]:
    """pass^k: chance that k attempts at the same task all succeed, mean over tasks of C(c, k) / C(n, k).

    successes: (K,) successful attempts per task. Yao et al. 2024 (tau-bench), arXiv:2406.12045. n is the number of tasks.
    """
    counts = np.asarray(successes, dtype=int)
    if k > attempts or len(counts) == 0:
        return estimate(None, None, None, 0)
    per_task = np.array([math.comb(int(c), k) / math.comb(attempts, k) for c in counts])
    return rate(per_task, np.ones(len(per_task)))


def bootstrap(
    sums: ArrayLike, statistic: Statistic, n: int, *, norm: bool = False
) -> dict[str, Json]:
    """A statistic of sums over clusters, with a bootstrap interval that draws whole clusters (Davison, Hinkley 1997, 3.8).

    sums: (K, P), what each cluster adds to P totals. statistic: (B, P) totals -> (B,) values. n: what the figure says it
    rests on. The same sums give the same interval: the draws have a seed of their own.
    norm: the statistic is a norm, such as a sum of absolute differences. Noise pushes it up, and its resamples lie above
    the value by about as much as the value lies above the truth; so the interval is the basic one (2 value - upper to
    2 value - lower percentile), and begins at 0 where the noise alone would give such a value in more than 2.5 of 100.
    """
    each = np.asarray(sums, dtype=float)
    if len(each) == 0:
        return estimate(None, None, None, n)
    seen = each.sum(0, keepdims=True)
    value = float(statistic(seen)[0])
    if len(each) < 2:
        return estimate(value, None, None, n)
    draws = _resampled(each)
    low, high = np.nanpercentile(statistic(draws), [2.5, 97.5])
    if norm:
        low, high = max(0.0, 2 * value - high), max(value, 2 * value - low)
        if value <= np.percentile(statistic(draws - seen), 97.5):
            low = 0.0
    return estimate(value, float(low), float(high), n)


def _resampled(sums: FloatArray) -> FloatArray:
    """(DRAWS, P) totals over clusters drawn with replacement."""
    count = len(sums)
    rng = np.random.default_rng(0)
    rows = max(1, MOST_COUNTS // count)
    chances = np.full(count, 1 / count)
    parts = [
        rng.multinomial(count, chances, size=min(rows, DRAWS - done)) @ sums
        for done in range(0, DRAWS, rows)
    ]
    return np.concatenate(parts)


def ratio(tops: ArrayLike, bottoms: ArrayLike) -> dict[str, Json]:
    """sum(tops) / sum(bottoms) over clusters, both (K,); unlike a rate it may exceed 1. n is the number of clusters."""
    pairs = np.column_stack([np.asarray(tops, dtype=float), np.asarray(bottoms, dtype=float)])

    def divide(totals: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            found: FloatArray = totals[:, 0] / totals[:, 1]
        return np.where(np.isfinite(found), found, np.nan)

    if not pairs[:, 1].sum():
        return estimate(None, None, None, len(pairs))
    return bootstrap(pairs, divide, len(pairs))
