"""Calibrated confidence: the fit, what evidence says of it, and that a deployed policy uses it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from models_registry.policies.architecture import initial_weights
from models_registry.policies.calibration import Calibration
from models_registry.policies.runtime import PolicyRuntime
from scenarios.core.types import Turn
from scenarios.library import library
from training.rl import calibration, evaluation
from training.rl.calibration import Decided, fit, fit_facts, section
from training.rl.exam import Exam, play

TURNS = (Turn("user", 'please shout "pine"'),)


def decisions(
    temperature: float, *, tasks: int = 300, each: int = 8, shift: float = 0.0, seed: int = 0
) -> Decided:
    """Decisions whose confidence is too sure by a known temperature."""
    rng = np.random.default_rng(seed)
    said = rng.beta(6, 1, size=(tasks, each))
    true = 1 / (1 + np.exp(-(np.log(said / (1 - said)) / temperature + shift)))
    right = rng.random((tasks, each)) < true
    made = Decided()
    for task in range(tasks):
        for confidence, was_right in zip(said[task], right[task], strict=True):
            made.add(task, float(confidence), bool(was_right))
    return made


@pytest.mark.parametrize("temperature", [0.7, 1.0, 2.0, 3.0])
def test_the_temperature_that_made_the_decisions_is_found(temperature: float) -> None:
    assert fit(decisions(temperature)).temperature == pytest.approx(temperature, rel=0.12)


def test_a_fit_has_an_end_where_every_decision_was_right_or_wrong_or_there_was_none() -> None:
    same = Decided([0, 1] * 100, [0.9] * 200, [True] * 200)
    assert 0 < fit(same).temperature < 1
    assert Calibration(fit(same).temperature)(0.9) > 0.95
    wrong = Decided([0, 1] * 100, [0.9] * 200, [False] * 200)
    assert fit(wrong).temperature == 20
    assert fit(Decided()) == Calibration()


def test_the_map_rises_and_is_the_identity_at_temperature_1() -> None:
    given = np.linspace(0, 1, 201)
    assert [Calibration()(x) for x in given] == list(given)
    cooled = [Calibration(2.5)(x) for x in given]
    assert all(a < b for a, b in pairwise(cooled))
    assert 0 < cooled[0] < cooled[-1] < 1
    assert Calibration(2.5)(0.5) == pytest.approx(0.5)


@pytest.mark.parametrize("bad", [0, -1, "2", None, True, float("nan"), float("inf")])
def test_a_calibration_that_is_none_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match="temperature must be a positive number"):
        Calibration.of({"temperature": bad})


def test_evidence_shows_a_smaller_error_after_than_before() -> None:
    facts = fit_facts(fit(decisions(2.5, seed=1)), decisions(2.5, seed=1))
    found = section(facts, decisions(2.5, seed=2), 300)
    before, after = found["before"]["error"], found["after"]["error"]
    assert before["low"] > after["high"]
    assert after["low"] == 0
    assert before["value"] - after["value"] == pytest.approx(found["gain"]["value"])
    assert found["gain"]["low"] > 0
    assert found["fit"] == facts
    for part in ("before", "after"):
        assert sum(b["right"]["n"] for b in found[part]["bins"]) == 2400
        for row in found[part]["bins"]:
            if row["confidence"] is not None:
                assert row["from"] <= row["confidence"] <= row["to"]


def test_the_error_is_the_mean_gap_between_confidence_and_truth() -> None:
    """By hand: 2 decisions at .95 of which 1 was right, 2 at .25 of which 0."""
    found = section({"temperature": 1}, Decided([0, 0, 1, 1], [0.95, 0.95, 0.25, 0.25], [True, False, False, False]), 2)  # fmt: skip
    assert found["before"]["error"]["value"] == pytest.approx((0.9 + 0.5) / 4)
    assert found["before"]["bins"][9]["right"]["value"] == 0.5
    assert found["before"]["bins"][2]["right"]["value"] == 0


def test_the_error_of_a_calibrated_policy_is_told_from_noise() -> None:
    """Its plug-in value is above 0 always; its interval holds 0 about as often as it says."""
    holds = sum(
        section({"temperature": 1}, decisions(1, tasks=80, seed=seed), 80)["before"]["error"]["low"]
        == 0
        for seed in range(60)
    )
    assert holds >= 54


def test_keeping_only_sure_decisions_covers_less_and_is_righter() -> None:
    rows = section({"temperature": 1}, decisions(1.5), 300)["coverage"]
    assert rows[0]["threshold"] == 0
    assert rows[0]["coverage"]["value"] == 1
    covered = [row["coverage"]["value"] for row in rows]
    assert covered == sorted(covered, reverse=True)
    by_threshold = {row["threshold"]: row["accuracy"]["value"] for row in rows}
    assert by_threshold[0.95] > by_threshold[0.0] + 0.05
    none = section({"temperature": 1}, Decided([0], [0.2], [True]), 1)["coverage"][-1]
    assert none["accuracy"]["value"] is None


def test_a_deployed_policy_is_calibrated_and_decides_the_same() -> None:
    weights, tools = initial_weights(0), library.get("echo")().tools
    plain = PolicyRuntime(weights).act(TURNS, tools)
    cooled = PolicyRuntime(weights, {"calibration": {"temperature": 4.0}}).act(TURNS, tools)
    assert cooled.confidence == pytest.approx(Calibration(4.0)(plain.confidence))
    assert cooled.confidence != pytest.approx(plain.confidence)
    assert (cooled.call, cooled.kind, cooled.alternatives) == (
        plain.call,
        plain.kind,
        plain.alternatives,
    )
    with pytest.raises(ValueError, match="calibration"):
        PolicyRuntime(weights, {"calibration": {"temperature": "hot"}})


def test_it_is_fitted_on_validation_tasks_apart_from_all_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    played: list[tuple[str, int, int]] = []

    def watched(agent: Any, exam: Exam, *rest: Any) -> Iterator[Any]:
        played.append((exam.split, exam.first_seed, exam.tasks))
        return play(agent, exam, *rest)

    monkeypatch.setattr(evaluation, "play", watched)
    monkeypatch.setattr(calibration, "TASKS", 12)
    exam = Exam(library.get("echo")(), "test", "easy", 6, 2)
    *_, last = evaluation.evaluate(initial_weights(0), exam)
    assert played == [("validation", calibration.FIRST_SEED, 12)]
    assert last.evidence is not None
    found = last.evidence["calibration"]["fit"]
    assert (found["split"], found["tasks"], found["method"]) == ("validation", 12, "temperature")
    played.clear()
    shipped = {"temperature": 2.0, "split": "validation"}
    *_, again = evaluation.evaluate(initial_weights(0), exam, calibrated=shipped)
    assert not played, "a policy that has its calibration is not fitted again"
    assert again.evidence is not None
    assert again.evidence["calibration"]["fit"] == shipped
    shown = [step.decision.confidence for record in again.kept for step in record.steps]
    said = [step.decision.confidence for record in last.kept for step in record.steps]
    back = [Calibration(1 / found["temperature"])(x) for x in said]
    assert shown == pytest.approx([Calibration(2.0)(x) for x in back], abs=1e-4)
