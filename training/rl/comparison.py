"""Two agents on the same tasks: how large a difference could be seen, and the one that was."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from scenarios.core.types import Json
from training.rl.intervals import FloatArray, Z, estimate

POWER = 0.80
Z_POWER = 0.8416212335729143
"""Normal quantile of `POWER`."""
SAME = ("scenario", "content_hash", "split", "difficulty", "first_seed", "tasks")
"""What two documents must agree on to be about the same tasks."""
METHOD = {
    "alpha": 0.05,
    "power": POWER,
    "formula": "(z(0.975) + z(0.80)) * sqrt(2) * SE, SE = width of the 95 % interval / (2 * 1.96), clustered by task",
    "source": "Bloom 1995, Minimum Detectable Effects; for model evaluations Miller 2024, arXiv:2411.00640",
}


def detectable(figure: Mapping[str, Json]) -> float | None:
    """Smallest true difference from another version that would be found in 80 of 100 comparisons, at 5 %, two-sided.

    The other version is taken to vary as much, and to be independent; on the same tasks the paired comparison sees less
    than this (`METHOD`). None where the figure has no interval.
    """
    low, high = figure["low"], figure["high"]
    if low is None or high is None:
        return None
    return float((Z + Z_POWER) * math.sqrt(2) * (high - low) / (2 * Z))


def paired(
    hits: tuple[ArrayLike, ArrayLike], totals: tuple[ArrayLike, ArrayLike]
) -> dict[str, Json]:
    """Difference of two shares, first less second, over the same K tasks; hits and totals: two arrays (K,) each.

    The interval is the normal one over the tasks' shares in the difference (linearised, as each share is a ratio of sums),
    with two tasks added that differ as much as can be, one of them cut in halves for either side and the other without a
    difference (Agresti, Min 2005, for matched proportions): so it does not collapse where nothing differs. n is K.
    """
    first, second = (_parts(h, t) for h, t in zip(hits, totals, strict=True))
    count = len(first[1])
    if len(second[1]) != count:
        raise ValueError(f"{count} tasks against {len(second[1])}: not the same tasks")
    if math.isnan(first[0]) or math.isnan(second[0]):
        return estimate(None, None, None, count)
    value = first[0] - second[0]
    each = value + first[1] - second[1]
    size = count + 2
    middle = float(each.sum()) / size
    variance = (float((each**2).sum()) + 1) / size - middle**2
    half = Z * math.sqrt(variance / size)
    return estimate(value, max(-1.0, middle - half), min(1.0, middle + half), count)


def _parts(hits: ArrayLike, totals: ArrayLike) -> tuple[float, FloatArray]:
    """A share, and each task's part in its deviation: (K,) with mean 0."""
    x, m = np.asarray(hits, dtype=float), np.asarray(totals, dtype=float)
    if m.sum() == 0:
        return math.nan, np.zeros(len(m))
    share = float(x.sum() / m.sum())
    return share, (x - share * m) * len(m) / m.sum()


def compare_counts(
    first: Mapping[str, Any], second: Mapping[str, Any], attempts: tuple[int, int]
) -> dict[str, Json]:
    """Differences in success and tool reliability; first, second: `per_task` of evidence."""
    tries = [np.full(len(c["success"]), a) for c, a in zip((first, second), attempts, strict=True)]
    return {
        "success": paired((first["success"], second["success"]), (tries[0], tries[1])),
        "tool_reliability": paired(
            (first["right"], second["right"]), (first["calls"], second["calls"])
        ),
    }


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Json]:
    """The trained agents of two evidence documents on the same tasks: {success, tool_reliability}, first less second.

    A difference is shown where its interval does not hold 0. Raises `ValueError` naming what the documents differ in.
    """
    for key in SAME:
        if first.get(key) != second.get(key):
            raise ValueError(
                f"{key} differs ({first.get(key)!r}, {second.get(key)!r}): only evidence on the same tasks can be compared"
            )
    counts = [d.get("agents", {}).get("trained", {}).get("per_task") for d in (first, second)]
    if not all(counts):
        raise ValueError(
            "one of them has no counts per task (made by an older version); evaluate it again"
        )
    return compare_counts(counts[0], counts[1], (first["attempts"], second["attempts"]))
