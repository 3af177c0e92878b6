"""Spaces and studies as they are given: what is refused and why, conditions, grids."""

from __future__ import annotations

from typing import Any

import pytest

from training.rl.config import ConfigError
from training.tuning.config import StudyConfig, parse_study
from training.tuning.space import parse_space

RANGE = {"low": 0.9, "high": 0.999}


def refused(**values: Any) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        parse_study({"scenario": "echo", **values})
    return caught.value.errors


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"low": 0.1, "high": 0.01}, "low 0.1 is above high 0.01"),
        ({"low": 0, "high": 0.01, "log": True}, "`log` range must begin above 0"),
        ({"low": 0.001, "high": 0.001}, "nothing to search"),
        ({"low": 0.001, "high": 2}, "high must be above 0 and at most 1, not 2"),
        ({"low": 0.001}, "needs `high`"),
        ({"low": float("nan"), "high": 0.1}, "low must be a finite number"),
        ({"low": 0.001, "high": 0.1, "step": 0}, "step must be above 0 and at most 0.099, not 0"),
        ({"low": 0.001, "high": 0.1, "step": 0.01, "log": True}, "either `log` or has a `step`"),
        ({"low": 0.001, "high": 0.1, "log": "yes"}, "`log` must be true or false"),
        ({"low": 0.001, "hihg": 0.1}, "did you mean 'high'?"),
        ({"values": [0.1], "low": 0.001}, "give one or the other"),
        ({"values": []}, "the list of values is empty"),
        ([], "the list of values is empty"),
        ([0.1, 0.1], "names a value twice"),
        ([0.1, "x"], "must be a number, not 'x'"),
        (0.1, "must be a list of values, or a range"),
    ],
)
def test_a_bad_dimension_is_refused_with_its_field_and_reason(entry: Any, reason: str) -> None:
    errors = refused(space={"learning_rate": entry})
    assert reason in errors["space.learning_rate"]


@pytest.mark.parametrize(
    ("space", "field", "reason"),
    [
        ({"learning_rte": [0.1]}, "space.learning_rte", "did you mean 'learning_rate'?"),
        ({"seed": [1, 2]}, "space.seed", "the same seeds"),
        ({"difficulty": ["easy", "hard"]}, "space.difficulty", "no longer be compared"),
        ({"algorithm": {"low": 1, "high": 2}}, "space.algorithm", "is a name, not a number"),
        ({"batch_size": {"low": 8, "high": 64, "step": 1.5}}, "space.batch_size", "whole number"),
        ({}, "space", "at least one setting"),
        ("learning_rate", "space", "at least one setting"),
        (
            {"clip_range": {"low": 0.1, "high": 0.4, "when": {"algorithm": "ppo2"}}},
            "space.clip_range",
            "Did you mean 'ppo'",
        ),
        (
            {
                "algorithm": ["grpo"],
                "clip_range": {"low": 0.1, "high": 0.4, "when": {"algorithm": "ppo"}},
            },
            "space.clip_range",
            "is never searched: algorithm does not take ppo",
        ),
        (
            {
                "gae_lambda": {"values": [0.9], "when": {"clip_range": 0.2}},
                "clip_range": {"values": [0.2], "when": {"gae_lambda": 0.9}},
            },
            "space",
            "go round in a circle",
        ),
    ],
)
def test_a_bad_space_is_refused(space: Any, field: str, reason: str) -> None:
    assert reason in refused(space=space)[field]


@pytest.mark.parametrize(
    ("values", "field", "reason"),
    [
        ({"trails": 3}, "trails", "did you mean 'trials'?"),
        ({"trials": 0}, "trials", "whole number of at least 1"),
        ({"trials": 2.5}, "trials", "whole number"),
        ({"timeout": 0}, "timeout", "above 0"),
        ({"timeout": float("nan")}, "timeout", "must be a number"),
        ({"sampler": "tpee"}, "sampler", "did you mean 'tpe'?"),
        ({"pruner": "x"}, "pruner", "must be one of none, median"),
        ({"objectives": "succes"}, "objectives", "did you mean 'success'?"),
        ({"objectives": []}, "objectives", "at least one"),
        ({"objectives": "return"}, "objectives", "does not exist for echo"),
        ({"pruner": "median", "objectives": "success,steps"}, "pruner", "single objective"),
        ({"pruner": "median", "objectives": "steps"}, "pruner", "cannot be judged during training"),
        ({"settings": {"episdes": 3}}, "settings.episdes", "did you mean 'episodes'?"),
        ({"settings": {"seed": 3}}, "settings.seed", "cannot be set here"),
        ({"settings": {"learning_rate": 0.1}}, "space.learning_rate", "also among the settings"),
        ({"scenario": "Ekho!"}, "scenario", "name of a scenario"),
    ],
)
def test_a_bad_study_is_refused(values: dict[str, Any], field: str, reason: str) -> None:
    assert reason in refused(**values)[field]


def test_a_sampler_whose_library_is_missing_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.tuning.config.find_spec", lambda name: None)
    assert refused(sampler="cmaes")["sampler"] == (
        "cmaes needs cmaes, which is not installed: pip install cmaes"
    )


def test_a_grid_needs_points_and_may_not_be_larger_than_allowed() -> None:
    grid = {"sampler": "grid"}
    assert "needs `values`" in refused(space={"discount_factor": RANGE}, **grid)["space.discount_factor"]  # fmt: skip
    wide = {"discount_factor": {**RANGE, "step": 0.001}, "batch_size": [64, 128]}
    assert (
        "200 points, but 50 trials are allowed" in refused(space=wide, trials=50, **grid)["space"]
    )
    huge = {"batch_size": {"low": 8, "high": 65_000, "step": 1}, "update_epochs": [1, 2, 3]}
    assert "more than 100,000 points" in refused(space=huge, **grid)["space"]
    config = parse_study({"scenario": "echo", "space": wide, **grid})
    assert config.trials == 200


def test_a_grid_keeps_its_conditions() -> None:
    space = parse_space(
        {
            "clip_range": {"values": [0.1, 0.2], "when": {"algorithm": "ppo"}},
            "algorithm": ["ppo", "reinforce"],
            "batch_size": {"low": 64, "high": 192, "step": 64},
        }
    )
    points = list(space.grid())
    assert len(points) == 9 == space.grid_size()
    assert {"algorithm": "reinforce", "batch_size": 64} in points
    assert {"algorithm": "ppo", "batch_size": 192, "clip_range": 0.2} in points
    assert all(("clip_range" in point) is (point["algorithm"] == "ppo") for point in points)


def test_a_condition_may_refer_to_a_setting_of_all_trials() -> None:
    entry = {"clip_range": {"values": [0.1, 0.2], "when": {"algorithm": ["ppo", "grpo"]}},
             "batch_size": [64, 128]}  # fmt: skip
    assert parse_space(entry).grid_size() == 4
    assert parse_space(entry, {"algorithm": "reinforce"}).grid_size() == 2


def test_a_study_reads_back_as_it_was_written() -> None:
    config = parse_study(
        {
            "scenario": "echo",
            "settings": {"episodes": "50"},
            "space": {"learning_rate": {"low": "1e-5", "high": "1e-3", "log": True}},
            "objectives": "success, steps",
            "timeout": "90",
        }
    )
    assert config.settings == {"episodes": 50}
    assert config.objectives == ("success", "steps")
    assert parse_study(config.as_json()) == config
    assert set(StudyConfig().search_seeds()).isdisjoint(StudyConfig().fresh_seeds())
