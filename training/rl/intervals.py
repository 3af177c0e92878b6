"""95 % intervals that know that attempts at one task are not independent, and that do not collapse at 0 or 1.

A rate gets a Wilson interval (Wilson 1927) over its effective sample size: n shrunk by the design effect, the ratio of
the variance between clusters (tasks) to that of independent draws (Kish 1965). A percentile bootstrap would collapse
to [1, 1] when nothing failed; this one does not. A mean gets a normal interval from the variance between clusters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from scenarios.core.types import Json

Z = 1.959963984540054
"""Two-sided 95 %."""


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
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


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
