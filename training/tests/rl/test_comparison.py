"""Minimum detectable difference and paired differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from training.rl.comparison import SAME, compare, detectable, paired
from training.rl.intervals import Z, rate

ATTEMPTS = 8


def attempts(skill: Any, rng: np.random.Generator) -> Any:
    return rng.binomial(ATTEMPTS, np.clip(skill, 0, 1))


def test_the_detectable_difference_is_the_textbook_one_without_clusters() -> None:
    """One attempt at each of 1,000 tasks, half of them solved: 2.80 * sqrt(2 * .25 / 1000) = 0.0627."""
    figure = rate(np.tile([0, 1], 500), np.ones(1000))
    assert detectable(figure) == pytest.approx(0.0627, abs=3e-4)
    assert detectable({"low": None, "high": None}) is None


def test_a_difference_of_that_size_is_found_in_about_80_of_100_comparisons() -> None:
    rng = np.random.default_rng(0)
    found, tasks, trials = 0, 200, 400
    for _ in range(trials):
        one, two = rng.beta(4, 1.5, size=(2, tasks))  # independent tasks: what the formula assumes
        first, second = attempts(one, rng), attempts(two, rng)
        a, b = rate(first, np.full(tasks, ATTEMPTS)), rate(second, np.full(tasks, ATTEMPTS))
        gap = detectable(a)
        assert gap is not None
        error = np.hypot(a["high"] - a["low"], b["high"] - b["low"]) / (2 * Z)
        found += abs(a["value"] - b["value"] + gap) / error > Z
    assert 0.72 <= found / trials <= 0.88


def test_a_paired_interval_covers_the_truth_and_is_narrower_than_two_apart() -> None:
    rng = np.random.default_rng(1)
    tasks, totals = 150, np.full(150, ATTEMPTS)
    covered = narrower = 0
    for _ in range(300):
        skill = rng.beta(6, 1, size=tasks)
        first, second = attempts(skill, rng), attempts(0.95 * skill, rng)
        found = paired((first, second), (totals, totals))
        truth = 0.05 * 6 / 7
        covered += found["low"] <= truth <= found["high"]
        apart = np.hypot(*(f["high"] - f["low"] for f in (rate(first, totals), rate(second, totals))))  # fmt: skip
        narrower += found["high"] - found["low"] < apart
    assert 0.92 <= covered / 300 <= 0.98
    assert narrower > 280


def test_shares_of_calls_are_compared_though_tasks_have_different_numbers() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(300):
        skill = rng.beta(9, 1, size=150)
        calls = rng.integers(5, 30, size=(2, 150))
        right = rng.binomial(calls, np.stack([skill, skill - 0.02 * (skill > 0.02)]))
        found = paired((right[0], right[1]), (calls[0], calls[1]))
        covered += found["low"] <= 0.02 <= found["high"]
    assert 0.91 <= covered / 300 <= 0.985


def test_equal_results_still_have_a_width_and_a_landslide_stays_within_1() -> None:
    full, none, totals = np.full(50, 8), np.zeros(50), np.full(50, 8)
    same = paired((full, full), (totals, totals))
    assert same["value"] == 0
    assert same["low"] < -0.02
    assert same["high"] == -same["low"]
    won = paired((full, none), (totals, totals))
    assert won["value"] == won["high"] == 1
    assert 0.85 < won["low"] < 1


def test_nothing_to_compare_gives_no_figure() -> None:
    none = np.zeros(3)
    assert paired((none, none), (none, np.ones(3)))["value"] is None
    with pytest.raises(ValueError, match="3 tasks against 2"):
        paired((none, none[:2]), (none, none[:2]))


def document(wins: list[int], **more: Any) -> dict[str, Any]:
    counts = {"success": wins, "right": wins, "calls": [10] * len(wins)}
    facts = dict.fromkeys(SAME, "same") | {"tasks": len(wins), "attempts": 8}
    return {**facts, "agents": {"trained": {"per_task": counts}}, **more}


def test_documents_on_the_same_tasks_are_compared_and_others_are_refused() -> None:
    better, worse = document([8, 8, 7, 8] * 20), document([6, 7, 5, 8] * 20)
    found = compare(better, worse)
    assert found["success"]["value"] == pytest.approx(5 / 32)
    assert found["success"]["low"] > 0
    assert found["tool_reliability"]["value"] == pytest.approx(5 / 40)
    assert compare(worse, better)["success"]["value"] == -found["success"]["value"]
    with pytest.raises(ValueError, match="content_hash differs"):
        compare(better, {**worse, "content_hash": "another"})
    with pytest.raises(ValueError, match="evaluate it again"):
        compare(better, {**worse, "agents": {"trained": {}}})
