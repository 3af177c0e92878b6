"""Figures as people read them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from training.templatetags import figures, runs

NAN = float("nan")
DASH = figures.MISSING


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.9523, "95.2 %"), (1.0, "100.0 %"), (0.99996, "99.9 %"), (0.00001, "0.1 %"), (0, "0.0 %"), (None, DASH), (NAN, DASH)],
)  # fmt: skip
def test_a_share_never_rounds_to_all_or_nothing(value: Any, text: str) -> None:
    assert figures.share(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 s"), (59.9, "59 s"), (185, "3 min 5 s"), (7800, "2 h 10 min"), (None, DASH), (-1, DASH), (True, DASH)],
)  # fmt: skip
def test_durations(value: Any, text: str) -> None:
    assert figures.duration(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0009, "0.9 ms"), (0.25, "250 ms"), (3.14, "3.1 s"), (None, DASH)]
)
def test_seconds(value: Any, text: str) -> None:
    assert figures.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.2, "$1.20"), (0, "$0.00"), (1234.5, "$1,234.50"), (0.0042, "$0.0042"), (0.0000031, "$0.0000031"), (None, DASH)],
)  # fmt: skip
def test_money(value: Any, text: str) -> None:
    assert figures.usd(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(24000, "24,000"), (0.002, "0.002"), (1.5e-05, "1.5e-05"), ("ppo", "ppo"), (None, DASH), (2147483647.0, "2,147,483,647")],
)  # fmt: skip
def test_settings(value: Any, text: str) -> None:
    assert figures.significant(value) == text


def test_intervals_come_in_their_unit() -> None:
    figure = {"low": 0.931, "high": 0.968}
    assert figures.interval(figure) == "93.1 to 96.8 %"
    assert figures.interval(figure, "seconds") == "931 ms to 968 ms"
    assert figures.interval(figure, "number") == "0.93 to 0.97"
    assert figures.interval({"low": None, "high": 1}) == figures.interval(None) == DASH
    assert runs.interval_of({"a_low": 0.1, "a_high": 0.2}, "a") == "10.0 to 20.0 %"


def test_a_quantity_follows_its_unit() -> None:
    assert figures.quantity(0.5, "share") == "50.0 %"
    assert figures.quantity(0.5, "seconds") == "500 ms"
    assert figures.quantity(0.5, "number") == "0.50"


def test_sizes_words_and_json() -> None:
    assert figures.file_size(1_400_000) == "1.4 MB"
    assert figures.file_size(900) == "1 kB"
    assert figures.file_size(None) == DASH
    assert figures.words("wrong_tool") == "Wrong tool"
    assert figures.words("ppo") == "PPO"
    assert figures.words(None) == DASH
    assert figures.pretty("as it is") == "as it is"
    assert figures.pretty({"a": 1}) == '{"a": 1}'
    long = {"a": "x" * 80}
    assert json.loads(figures.pretty(long)) == long
    assert "\n" in figures.pretty(long)
    assert figures.per_thousand(0.002) == 2
    assert figures.per_thousand(None) is None
    assert figures.number(-0.456, 2) == "-0.46"


def test_badges_have_a_word_for_everything() -> None:
    assert runs.status_badge("failed")["word"] == "Failed"
    assert runs.status_badge("new")["word"] == "new"
    assert runs.convergence_badge("target_held")["word"] == "Target held"
    assert runs.convergence_badge("")["word"] == "Too early to say"
    assert runs.sample_reason("last_failure") == "Last failure"
    assert runs.sample_reason("my_reason") == "My reason"
    assert runs.event_words("requeued") == "Queued again"
    assert runs.event_words("odd_kind") == "Odd kind"
    assert runs.decision_words({"kind": "hand_over"}) == "Hands over to a person"
    assert runs.decision_words({"kind": "other"}) == "other"
    assert runs.decision_words(None) == ""
