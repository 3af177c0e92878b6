"""The honest ending from the rows: which settings were trained again, and what came of it."""

from __future__ import annotations

from typing import Any

from models_registry.plain_json import clean_json
from training.models import Run
from training.studies_models import Study, Trial
from training.tuning.config import StudyConfig
from training.tuning.verdict import Candidate, Repeat, verdict


def judge(study: Study, plan: StudyConfig) -> dict[str, Any]:
    """The verdict on the study's last round."""
    trials = study.trials.filter(number=None, round=study.round).order_by("pk")
    found: dict[str, Any] = clean_json(
        verdict(plan, [_candidate(plan, trial) for trial in trials.select_related("confirms")])
    )
    return {**found, "round": study.round}


def _candidate(plan: StudyConfig, trial: Trial) -> Candidate:
    seeds, source = plan.fresh_seeds(), trial.confirms
    done = trial.runs.filter(run__status=Run.Status.SUCCEEDED).select_related("run")
    repeats = [
        Repeat(seeds[one.place], one.scores, one.run.evidence)
        for one in done.order_by("place")
        if one.scores and one.run.evidence
    ]
    searched = source.values if source is not None else None
    return Candidate(source.number if source else None, trial.params, searched, repeats)
