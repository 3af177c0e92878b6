"""Configuration: what is refused, and in which words."""

from __future__ import annotations

from dataclasses import fields

import pytest

from training.rl.config import SPECS, ConfigError, TrainConfig, parse_config


def errors(**values: object) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(values)
    return caught.value.errors


def test_every_field_has_a_label_a_help_text_and_a_default_within_its_bounds() -> None:
    assert {field.name for field in fields(TrainConfig)} == set(SPECS)
    assert parse_config(TrainConfig().as_json()) == TrainConfig()
    assert all(spec.label and spec.help for spec in SPECS.values())


def test_text_is_read_as_numbers() -> None:
    config = parse_config({"episodes": "500", "learning_rate": "1e-3", "scenario": "echo"})
    assert (config.episodes, config.learning_rate) == (500, 0.001)


@pytest.mark.parametrize("value", [0, -1, 10**12, "-7"])
def test_episodes_out_of_range_name_the_bounds(value: object) -> None:
    assert "at least 1 and at most 10,000,000" in errors(episodes=value)["episodes"]


@pytest.mark.parametrize("value", ["NaN", float("nan"), "inf", "-inf"])
def test_numbers_must_be_finite(value: object) -> None:
    assert errors(learning_rate=value)["learning_rate"] == "must be a finite number"


@pytest.mark.parametrize("value", ["abc", None, True, [], {}])
def test_numbers_must_be_numbers(value: object) -> None:
    assert "must be a number" in errors(learning_rate=value)["learning_rate"]


def test_a_number_too_large_for_a_float_is_refused() -> None:
    assert "must be a number" in errors(learning_rate=10**400)["learning_rate"]


def test_a_learning_rate_of_zero_is_refused() -> None:
    assert "above 0" in errors(learning_rate=0)["learning_rate"]


def test_whole_numbers_must_be_whole() -> None:
    assert "whole number" in errors(episodes=1.5)["episodes"]


def test_unknown_settings_are_refused_with_the_nearest_name() -> None:
    assert (
        errors(learning_rat=1)["learning_rat"] == "unknown setting; did you mean 'learning_rate'?"
    )
    assert "known: scenario" in errors(zzzzz=1)["zzzzz"]


def test_unknown_plugins_and_choices_are_refused_with_the_nearest_name() -> None:
    assert "name of a scenario" in errors(scenario="Customer Support")["scenario"]
    assert "Known: " in errors(algorithm="sarsa")["algorithm"]
    assert "did you mean 'medium'" in errors(difficulty="medum")["difficulty"]
    assert errors(difficulty=3)["difficulty"] == "must be text"
    assert errors(scenario="a\0b")["scenario"] == "must be text"


def test_all_errors_are_told_at_once() -> None:
    assert set(errors(episodes=0, seed=-1, nonsense=1)) == {"episodes", "seed", "nonsense"}
    with pytest.raises(ConfigError, match=r"episodes: .*; seed: "):
        parse_config({"episodes": 0, "seed": -1})
