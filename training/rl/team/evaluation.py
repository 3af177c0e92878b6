"""Evaluation of a team: every lineup on one exam, turned into the evidence that any run ends with, and the team's own part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from models_registry.policies.calibration import Calibration
from models_registry.policies.team import Weights
from scenarios.core.types import Json
from training.rl import calibration, evidence
from training.rl.evaluation import PROGRESS_EVERY, Evaluated, Helper, Told, with_confidence
from training.rl.exam import Exam, Tally
from training.rl.team.agents import lineups
from training.rl.team.exam import play, scenario_of, tally
from training.rl.team.talk import Talk

SHORT = 2
"""Attempts at each task of the lineups that only show what one member is worth."""


def evaluate(
    weights: Weights,
    exam: Exam,
    *,
    seed: int = 0,
    weights_sha256: str = "",
    calibrated: Mapping[str, Json] | None = None,
    convergence: Mapping[str, Json] | None = None,
) -> Iterator[Evaluated]:
    """As `training.rl.evaluation.evaluate`. A second process plays all but the trained and the untrained team."""
    teams = lineups(scenario_of(exam), weights, seed)
    exams = {name: _exam(exam, short=team.short) for name, team in teams.items()}
    apart = [name for name in teams if name not in ("trained", "untrained")]
    total = sum(each.tasks * each.attempts for each in exams.values())
    talk = Talk(scenario_of(exam).roles, exam.tasks)
    tallies: dict[str, Tally] = {}
    done = 0
    with Helper(_play_lineups, exam, apart, dict(weights), seed) as helper:
        yield Evaluated(0.0, "Calibration")
        facts = calibrated or fit_calibration(weights, exam)
        for name in (name for name in teams if name not in apart):
            for state in tally(teams[name], exam, talk=talk if name == "trained" else None):
                tallies[name] = state
                done += 1
                if done % PROGRESS_EVERY == 0:
                    share = min(1.0, (done + helper.played()) / total)
                    yield Evaluated(share, teams[name].label)
        while not helper.finished():
            yield Evaluated(min(1.0, (done + helper.played()) / total), "Comparisons")
        tallies |= helper.tallies
    ordered = {name: tallies[name] for name in teams}
    told = {"seed": seed, "weights_sha256": weights_sha256, "convergence": convergence}
    attempts = {name: each.attempts for name, each in exams.items()}
    document = evidence.build(exam, ordered, told, facts, attempts)
    document["team"] = talk.as_json()
    kept = [with_confidence(record, Calibration.of(facts)) for record in tallies["trained"].kept]
    yield Evaluated(1.0, "done", document, kept)


def fit_calibration(weights: Weights, exam: Exam) -> dict[str, Json]:
    """One temperature for all members, fitted on validation tasks, never on the exam's own."""
    tasks, first = calibration.TASKS, calibration.FIRST_SEED
    apart = Exam(exam.scenario, "validation", exam.difficulty, tasks, 1, first)
    members = lineups(scenario_of(exam), weights, 0)["trained"].members()
    decided = calibration.Decided()
    for game in play(members, apart):
        for step in game.lane.record.steps if game.lane.record else ():
            decided.add(game.task, step.decision.confidence, step.right)
    return calibration.fit_facts(calibration.fit(decided), decided)


def _exam(exam: Exam, *, short: bool) -> Exam:
    return replace(exam, attempts=min(SHORT, exam.attempts)) if short else exam


def _play_lineups(exam: Exam, names: Sequence[str], weights: Any, seed: int) -> Iterator[Told]:
    teams = lineups(scenario_of(exam), weights, seed)
    for name in names:
        own = _exam(exam, short=teams[name].short)
        state = Tally(teams[name].label)
        for state in tally(teams[name], own, count_tokens=name == "oracle"):
            if len(state.task) % PROGRESS_EVERY == 0:
                yield PROGRESS_EVERY
        yield name, state
