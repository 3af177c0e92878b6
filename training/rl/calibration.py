"""Fitting the calibration of confidence on validation tasks, and showing on test tasks what it is worth.

Reliability curve and expected calibration error: Naeini 2015, Guo 2017 (arXiv:1706.04599), 10 bins of equal width.
Coverage against accuracy: Geifman, El-Yaniv 2017 (arXiv:1705.08500), selective classification.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models_registry.policies.calibration import Calibration, logit
from scenarios.core.types import Json
from training.rl.intervals import FloatArray, bootstrap, rate

BINS = 10
THRESHOLDS = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99)
TASKS = 200
"""Validation tasks that the calibration is fitted on, one attempt each."""
FIRST_SEED = 1_000_000
"""Their first seed: not the tasks that metrics during training, or an exam on the validation split, are taken on."""
MIN_SLOPE = 0.05
"""Of the log-odds: a temperature of at most 20."""
STEPS = 50
SMALL = 1e-10


@dataclass(slots=True)
class Decided:
    """Decisions of one agent: task, confidence as the policy gave it, and whether it was right; lists of equal length."""

    task: list[int] = field(default_factory=list)
    confidence: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)

    def add(self, task: int, confidence: float, right: bool) -> None:
        self.task.append(task)
        self.confidence.append(confidence)
        self.right.append(right)

    def __len__(self) -> int:
        return len(self.task)


def fit(decided: Decided) -> Calibration:
    """The temperature of greatest posterior probability, by Newton's method on its inverse: a logistic regression.

    The inverse has a normal prior around 1 with variance 1: where all decisions were right, maximum likelihood would
    have no end; and few decisions leave the confidence nearly as it is. It stays above 0, so that order is kept.
    Fitted on as many decisions, Platt's slope and offset and isotonic regression gave no better log-loss on test tasks.
    """
    x = np.array([logit(confidence) for confidence in decided.confidence])
    y = np.array(decided.right, dtype=float)

    def loss(slope: float) -> float:
        return float(np.logaddexp(0, slope * x).sum() - slope * (x @ y) + 0.5 * (slope - 1) ** 2)

    slope = 1.0
    for _ in range(STEPS):
        p = 0.5 + 0.5 * np.tanh(0.5 * slope * x)
        step = float(x @ (p - y) + slope - 1) / float((x * x) @ (p * (1 - p)) + 1)
        while loss(slope - step) > loss(slope) and abs(step) > SMALL:
            step /= 2  # convex, so a shorter step always helps
        slope -= step
        if abs(step) <= SMALL:
            break
    return Calibration(1 / max(MIN_SLOPE, slope))


def fit_facts(calibration: Calibration, decided: Decided) -> dict[str, Json]:
    """What a manifest's `calibration` holds."""
    return {
        "method": "temperature",
        "temperature": calibration.temperature,
        "split": "validation",
        "tasks": len(set(decided.task)),
        "n": len(decided),
    }


def section(facts: Mapping[str, Json], decided: Decided, tasks: int) -> dict[str, Json]:
    """The evidence's `calibration`: the fit, and what it did to the confidence of other decisions, `decided`."""
    calibrate = Calibration.of(facts)
    raw = np.array(decided.confidence, dtype=float)
    after = np.array([calibrate(confidence) for confidence in decided.confidence], dtype=float)
    task, right = np.array(decided.task, dtype=int), np.array(decided.right, dtype=bool)
    sums = _PerTask(task, tasks)
    gaps = [_gaps(sums, confidence, right) for confidence in (raw, after)]
    n = len(decided)
    return {
        "fit": dict(facts),
        "before": {
            "error": bootstrap(gaps[0], _norm(n), n, norm=True),
            "bins": _bins(sums, raw, right),
        },
        "after": {
            "error": bootstrap(gaps[1], _norm(n), n, norm=True),
            "bins": _bins(sums, after, right),
        },
        "gain": bootstrap(np.concatenate(gaps, axis=1), _gain(n), n),
        "coverage": [_at(sums, after, right, threshold) for threshold in THRESHOLDS],
    }


@dataclass(frozen=True, slots=True)
class _PerTask:
    """Sums over each task's decisions."""

    task: NDArray[np.int64]
    tasks: int

    def __call__(self, values: NDArray[np.bool_] | FloatArray) -> FloatArray:
        return np.bincount(self.task, np.asarray(values, dtype=float), self.tasks).astype(float)


def _places(confidence: FloatArray) -> NDArray[np.int64]:
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)


def _gaps(sums: _PerTask, confidence: FloatArray, right: NDArray[np.bool_]) -> FloatArray:
    """(tasks, BINS): sum of right less confidence over the decisions of each task in each bin."""
    place = _places(confidence)
    return np.column_stack([sums((right - confidence) * (place == i)) for i in range(BINS)])


def _norm(n: int) -> Callable[[FloatArray], FloatArray]:
    """Expected calibration error of totals of gaps: (B, BINS) -> (B,)."""
    return lambda totals: np.abs(totals).sum(1) / max(1, n)


def _gain(n: int) -> Callable[[FloatArray], FloatArray]:
    error = _norm(n)
    return lambda totals: error(totals[:, :BINS]) - error(totals[:, BINS:])


def _bins(
    sums: _PerTask, confidence: FloatArray, right: NDArray[np.bool_]
) -> list[dict[str, Json]]:
    """Per bin: its ends, the mean confidence, and the share of right decisions with its interval."""
    place = _places(confidence)
    rows = []
    for i in range(BINS):
        inside = place == i
        mean = float(confidence[inside].mean()) if inside.any() else None
        figure = rate(sums(right & inside), sums(inside))
        rows.append({"from": i / BINS, "to": (i + 1) / BINS, "confidence": mean, "right": figure})
    return rows


def _at(
    sums: _PerTask, confidence: FloatArray, right: NDArray[np.bool_], threshold: float
) -> dict[str, Json]:
    """If only decisions of at least this confidence are kept: how many are, and how many of them are right."""
    kept = confidence >= threshold
    return {
        "threshold": threshold,
        "coverage": rate(sums(kept), sums(np.ones_like(kept))),
        "accuracy": rate(sums(right & kept), sums(kept)),
    }
