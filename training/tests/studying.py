"""Studies for the tests, and a trainer without torch whose success follows from the learning rate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from training.rl.config import TrainConfig
from training.rl.progress import Progress
from training.tests.progress import EVIDENCE, WEIGHTS, saved, step

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from training.studies_models import Study, Trial

SPACE = {"learning_rate": {"low": 1e-5, "high": 1e-1, "log": True}, "discount_factor": {"low": 0.9, "high": 0.99}}  # fmt: skip
PLAN: dict[str, Any] = {
    "scenario": "echo", "space": SPACE, "settings": {"episodes": 40}, "trials": 4, "startup": 2,
    "confirm_top": 1, "confirm_seeds": 2, "reports": 4,
}  # fmt: skip


def merit(config: TrainConfig) -> float:
    """Best at a learning rate of 1e-2."""
    return max(0.0, 1 - (math.log10(config.learning_rate) + 2) ** 2 / 4)


class HandMade:
    """A trainer that counts to 40, with looks and checkpoints on the way. dies: raises `error` at that episode, once."""

    def __init__(self) -> None:
        self.played: list[tuple[float, int, int]] = []
        """Of every start: learning rate, seed, and where it began."""
        self.dies, self.error = 0, RuntimeError("broken")

    def __call__(
        self, config: TrainConfig, resume: Any = None, changes: Any = None, problem: Any = None
    ) -> Iterator[Progress]:
        at = resume.facts["episodes"] if resume else 0
        self.played.append((config.learning_rate, config.seed, at))
        for n in range(at + 1, 41):
            if n == self.dies:
                self.dies = 0
                raise self.error
            metrics = {"reward": 0.0}
            if config.validation_interval and n % config.validation_interval == 0:
                metrics["validation_success"] = merit(config) * n / 40
            yield (saved if n % 20 == 0 else step)(n, metrics=metrics)
        problem.scores = {"success": merit(config), "steps": 2.0 + config.discount_factor}
        evidence: dict[str, Any] = {"split": "validation"}
        if problem.test:
            value = merit(config) / 2
            trained = {**EVIDENCE["agents"]["trained"], "success": {"value": value}}
            evidence = {**EVIDENCE, "agents": {"trained": trained}}
        yield step(40, phase="done", metrics={}, weights=WEIGHTS, evidence=evidence)


def new_study(owner: User, *, name: str = "", **values: Any) -> Study:
    from training import studies

    return studies.create_study(owner=owner, values={**PLAN, **values}, name=name)


def carry_on(study: Study, *, most: int = 100) -> int:
    """Do what workers do, one run after the other, until nothing is left (or so many runs are done); how many were."""
    from training import runner, studies
    from training.models import Run
    from training.studies_search import advance

    for done in range(most):
        advance(study.pk)
        queued = studies.runs_of(study).filter(status=Run.Status.QUEUED).order_by("pk").first()
        if queued is None:
            study.refresh_from_db()
            return done
        runner.execute(queued.pk)
    advance(study.pk)
    study.refresh_from_db()
    return most


def first_value(trial: Trial) -> float:
    """What a trial found; 0 where it found nothing."""
    return float(trial.values[0]) if trial.values else 0.0


def searched(study: Study) -> list[Trial]:
    return list(study.trials.exclude(number=None).order_by("number"))


def ends(study: Study) -> list[tuple[Any, ...]]:
    """What must be the same in a study that is repeated."""
    return [(t.number, t.params, t.status, t.values, t.looks) for t in searched(study)]
