"""The honest ending: how much of what the search promised is still there on fresh seeds, and on tasks never seen.

The search takes the best of many noisy scores, so its best score is too good (the winner's curse). Here the best trials
and the usual settings have been trained again on seeds that no trial has seen. The winner is chosen by validation
tasks again; the test split only says what it is worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import numpy as np

from scenarios.core.types import Json
from training.rl.comparison import compare_counts
from training.tuning.config import StudyConfig
from training.tuning.objectives import OBJECTIVES

_IN_EVIDENCE = {"calls": "calls_per_success", "latency": "response_seconds", "cost": "cost_per_success"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Repeat:
    """One run on a fresh seed. validation: scores; evidence: what the test split says."""

    seed: int
    validation: Mapping[str, float | None]
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Settings that were trained again. trial: its number in the search; None: the usual settings.

    searched: what the search had measured, one per objective.
    """

    trial: int | None
    params: Mapping[str, Any]
    searched: Sequence[float] | None = None
    repeats: Sequence[Repeat] = field(default_factory=tuple)


def verdict(config: StudyConfig, candidates: Sequence[Candidate]) -> dict[str, Json]:
    """The document of the honest ending; its shape is in `docs/studies.md`. Candidates without a repeat are left out."""
    done = [one for one in candidates if one.repeats]
    rows = [_row(config, one) for one in done]
    base = next((row for row in rows if row["trial"] is None), None)
    chosen = _winner(config, [row for row in rows if row["trial"] is not None])
    told: dict[str, Json] = {
        "candidates": rows,
        "winner": chosen["trial"] if chosen else None,
        "seeds": config.fresh_seeds(),
        "gains": {},
        "difference": None,
    }
    if chosen is None or base is None:
        return told
    told["gains"] = {
        key: _gain(chosen["objectives"][key], base["objectives"][key], OBJECTIVES[key].maximize)
        for key in config.objectives
    }
    by_trial = {one.trial: one for one in done}
    told["difference"] = _difference(by_trial[chosen["trial"]], by_trial[None])
    return told


def test_value(evidence: Mapping[str, Any], objective: str) -> float | None:
    """What evidence says of an objective; None where it does not."""
    found = (
        evidence.get("agents", {}).get("trained", {}).get(_IN_EVIDENCE.get(objective, objective))
    )
    value = found.get("value") if isinstance(found, Mapping) else found
    return None if value is None else float(value)


def _row(config: StudyConfig, one: Candidate) -> dict[str, Any]:
    return {
        "trial": one.trial,
        "params": dict(one.params),
        "seeds": [repeat.seed for repeat in one.repeats],
        "objectives": {
            key: {
                "search": one.searched[place] if one.searched is not None else None,
                "validation": _several([r.validation.get(key) for r in one.repeats]),
                "test": _several([test_value(r.evidence, key) for r in one.repeats]),
            }
            for place, key in enumerate(config.objectives)
        },
    }


def _several(values: Sequence[float | None]) -> dict[str, Json]:
    """A mean over seeds with what it is a mean of; without one as soon as a seed has no value."""
    whole = [value for value in values if value is not None]
    return {"mean": fmean(whole) if len(whole) == len(values) else None, "values": list(values)}


def _winner(config: StudyConfig, rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The best by the first objective on validation tasks, of those that have it."""
    key = config.objectives[0]
    sign = 1 if OBJECTIVES[key].maximize else -1
    able = [row for row in rows if row["objectives"][key]["validation"]["mean"] is not None]
    return max(
        able, key=lambda row: sign * row["objectives"][key]["validation"]["mean"], default=None
    )


def _gain(best: Mapping[str, Any], base: Mapping[str, Any], maximize: bool) -> dict[str, Json]:
    """By how much the winner is better than the usual settings: as searched, on fresh seeds, on the test split.

    All positive where it is better. The usual settings are no trial, so the search is held against their validation.
    kept: the test's share of what was searched, where there was a gain.
    """
    usual = base["validation"]["mean"]
    pairs = {
        "search": (best["search"], usual),
        "validation": (best["validation"]["mean"], usual),
        "test": (best["test"]["mean"], base["test"]["mean"]),
    }
    gains = {name: _less(*pair, maximize) for name, pair in pairs.items()}
    promised, real = gains["search"], gains["test"]
    able = promised is not None and real is not None and promised > 0
    return {**gains, "kept": real / promised if able and real is not None and promised else None}


def _less(first: float | None, second: float | None, maximize: bool) -> float | None:
    if first is None or second is None:
        return None
    return (first - second) if maximize else (second - first)


def _difference(winner: Candidate, usual: Candidate) -> dict[str, Json] | None:
    """Success and tool reliability on the test split, the winner's less the usual ones', paired by task over all seeds.

    The interval is about tasks; how far seeds lie apart is seen in the values themselves.
    """
    summed = [_summed(one) for one in (winner, usual)]
    if summed[0] is None or summed[1] is None:
        return None
    attempts = [sum(int(r.evidence["attempts"]) for r in one.repeats) for one in (winner, usual)]
    return compare_counts(summed[0], summed[1], (attempts[0], attempts[1]))


def _summed(one: Candidate) -> dict[str, list[int]] | None:
    counts = [r.evidence.get("agents", {}).get("trained", {}).get("per_task") for r in one.repeats]
    if not all(counts):
        return None
    return {
        name: np.sum([count[name] for count in counts], axis=0).tolist()
        for name in ("success", "calls", "right")
    }
