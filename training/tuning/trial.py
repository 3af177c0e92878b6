"""One trial in this process: its runs, seed after seed, with looks on the way at which it may be given up."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.rl.config import TrainConfig
from training.rl.progress import Progress
from training.tuning.config import StudyConfig
from training.tuning.objectives import OBJECTIVES

Scores = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Look:
    """What a trial has reached: step counts the looks from 1 on, over all its seeds; value is the objective so far."""

    step: int
    value: float


def look_of(
    study: StudyConfig, config: TrainConfig, progress: Progress, earlier: Sequence[float]
) -> Look | None:
    """The look that this progress holds, if any. earlier: what the trial's earlier seeds ended with."""
    if not study.prunes or progress.phase != "training":
        return None
    value = progress.metrics.get(OBJECTIVES[study.objectives[0]].live)
    if value is None:
        return None
    number = min(study.reports, max(1, progress.episodes // config.validation_interval))
    values = [*earlier, float(value)]
    return Look(len(earlier) * study.reports + number, sum(values) / len(values))


def run_seed(
    study: StudyConfig, config: TrainConfig, earlier: Sequence[float], *, test: bool = False
) -> Generator[Look, bool | None, tuple[Scores, dict[str, Any]] | None]:
    """Train and judge one run; yields its looks. Sent True, it is given up and returns None; else (scores, evidence).

    Raises whatever the trainer raises.
    """
    from training.rl.train import train  # noqa: PLC0415 (loads torch)
    from training.tuning.judging import Judged  # noqa: PLC0415

    judged = Judged(config, study, test=test)
    seconds, evidence = 0.0, None
    for progress in train(config, None, None, judged):
        seconds, evidence = progress.seconds, progress.evidence
        look = look_of(study, config, progress, earlier)
        if look is not None and (yield look):
            return None
    if judged.scores is None or evidence is None:
        raise RuntimeError("the trainer ended without an evaluation")
    return {**judged.scores, "train_seconds": seconds}, evidence


def run_trial(
    study: StudyConfig, params: Mapping[str, Any]
) -> Generator[Look, bool | None, list[Scores] | None]:
    """All runs of a trial; returns the scores of each seed, None where it was given up. Raises `ConfigError`."""
    done: list[Scores] = []
    for seed in study.search_seeds():
        config = study.train_config(params, seed, search=True)
        found = yield from run_seed(study, config, finals(study, done))
        if found is None:
            return None
        done.append(found[0])
    return done


def finals(study: StudyConfig, scores: Sequence[Mapping[str, float | None]]) -> list[float]:
    """The first objective of each seed, for the looks of the next one."""
    return [score.get(study.objectives[0]) or 0.0 for score in scores]
