"""Intervals: coverage, clustering, and no collapse at the edges."""

from __future__ import annotations

import numpy as np
import pytest

from training.rl import intervals


def test_wilson_matches_a_published_value() -> None:
    low, high = intervals.wilson(0.9, 100)  # Newcombe 1998 style check: 90 of 100
    assert (low, high) == pytest.approx((0.8256, 0.9448), abs=1e-4)


def test_a_perfect_score_still_has_a_width() -> None:
    found = intervals.rate(np.full(40, 5), np.full(40, 5))
    assert found["value"] == 1
    assert found["low"] == pytest.approx(intervals.wilson(1.0, 40)[0])
    assert found["n"] == 200


def test_clustered_failures_widen_the_interval() -> None:
    scattered = np.array([4, 5] * 20)
    clustered = np.array([0] * 4 + [5] * 36)
    total = np.full(40, 5)
    wide = intervals.rate(clustered, total)
    narrow = intervals.rate(scattered, total)
    assert wide["value"] == narrow["value"] == pytest.approx(0.9)
    assert wide["high"] - wide["low"] > narrow["high"] - narrow["low"]


def test_no_calls_give_no_figure() -> None:
    assert intervals.rate([0, 0], [0, 0]) == {"value": None, "low": None, "high": None, "n": 0}
    assert intervals.mean([]) == {"value": None, "low": None, "high": None, "n": 0}


def test_a_rate_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(400):
        skill = rng.beta(9, 1, size=120)
        right = rng.binomial(4, skill)
        found = intervals.rate(right, np.full(120, 4))
        hits += found["low"] <= 0.9 <= found["high"]
    assert 0.92 <= hits / 400 <= 0.98


def test_a_mean_over_clusters_is_wider_than_over_independent_values() -> None:
    values = [1.0, 1.0, 1.0, 5.0, 5.0, 5.0, 3.0, 3.0, 3.0]
    clustered = intervals.mean(values, [0, 0, 0, 1, 1, 1, 2, 2, 2])
    independent = intervals.mean(values)
    assert clustered["value"] == independent["value"] == 3
    assert clustered["high"] > independent["high"]
    assert intervals.mean([2.0])["low"] is None


def test_pass_hat_is_the_unbiased_estimate() -> None:
    found = intervals.pass_hat([4, 2, 0], attempts=4, k=2)
    assert found["value"] == pytest.approx((1 + 1 / 6 + 0) / 3)
    assert intervals.pass_hat([4, 2, 0], attempts=4, k=8)["value"] is None


def test_a_bootstrap_of_a_share_agrees_with_wilson_where_both_apply() -> None:
    rng = np.random.default_rng(3)
    right = rng.binomial(5, rng.beta(3, 2, size=300))
    drawn, closed = intervals.ratio(right, np.full(300, 5)), intervals.rate(right, np.full(300, 5))
    assert drawn["value"] == pytest.approx(closed["value"])
    assert drawn["low"] == pytest.approx(closed["low"], abs=0.006)
    assert drawn["high"] == pytest.approx(closed["high"], abs=0.006)


def test_a_bootstrap_repeats_itself_also_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    tops, bottoms = np.arange(1.0, 41), np.full(40, 7.0)
    first = intervals.ratio(tops, bottoms)
    assert intervals.ratio(tops, bottoms) == first
    monkeypatch.setattr(intervals, "MOST_COUNTS", 40 * 64)
    assert intervals.ratio(tops, bottoms) == first


def test_a_ratio_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(200):
        size = rng.integers(1, 10, size=100)
        found = intervals.ratio(size * rng.uniform(1, 3, size=100), size)
        hits += found["low"] <= 2 <= found["high"]
    assert 0.9 <= hits / 200 <= 0.985


def test_a_ratio_over_nothing_or_one_cluster_has_no_interval() -> None:
    assert intervals.ratio([], [])["value"] is None
    assert intervals.ratio([3, 4], [0, 0]) == {"value": None, "low": None, "high": None, "n": 2}
    assert intervals.ratio([3], [2]) == {"value": 1.5, "low": None, "high": None, "n": 1}
