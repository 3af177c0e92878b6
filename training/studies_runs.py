"""A run that belongs to a trial, seen from its training process: judged by validation, looked at on the way, not registered."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, transaction

from models_registry.plain_json import clean_json
from training import services
from training.models import Run
from training.rl.config import TrainConfig
from training.rl.progress import Progress
from training.studies_messages import tell_workers
from training.studies_models import Trial, TrialRun
from training.tuning.trial import Look, finals, look_of

if TYPE_CHECKING:
    from training.tuning.judging import Judged
    from training.tuning.search import Search

logger = logging.getLogger(__name__)


def trial_of(run: Run) -> TrialWork | None:
    """The study's side of this run; None for an ordinary one."""
    link = TrialRun.objects.select_related("trial__study").filter(run=run).first()
    return TrialWork(link) if link is not None else None


class TrialWork:
    """What the runner asks on behalf of the study. One that confirms is trained without a look on the way."""

    def __init__(self, link: TrialRun) -> None:
        self.link, self.trial = link, link.trial
        self.plan = link.trial.study.plan
        self.judged: Judged | None = None
        self.config: TrainConfig | None = None
        self.pruned = False
        self._late: list[Look] = []
        self._stack = ExitStack()
        self._search: Search | None = None
        earlier = TrialRun.objects.filter(trial=self.trial, place__lt=link.place)
        scores = earlier.order_by("place").values_list("scores", flat=True)
        self._earlier = finals(self.plan, [score or {} for score in scores])

    def problem(self, config: TrainConfig) -> Judged:
        """What the trainer shall learn: the same, but judged as the study wants it."""
        from training.tuning.judging import Judged  # noqa: PLC0415 (loads torch)

        self.config = config
        self.judged = Judged(config, self.plan, test=not self.trial.is_search)
        return self.judged

    def given_up(self, progress: Progress) -> str:
        """Report a look, if this is one; why the run has to end here, or nothing.

        While PostgreSQL is away looks wait for the next one: the run goes on.
        """
        if not self.trial.is_search or self.config is None:
            return ""
        look = look_of(self.plan, self.config, progress, self._earlier)
        if look is None:
            return ""
        self._late.append(look)
        try:
            return self._report()
        except OperationalError as problem:
            logger.warning("Run %s: its look waits (%s)", self.link.run_id, problem)
            self.leave()
            return ""

    def _report(self) -> str:
        give_up = False
        while self._late and not give_up:
            look = self._late[0]
            give_up = self._reported(look)
            known = dict(map(tuple, Trial.objects.values_list("looks", flat=True).get(pk=self.trial.pk)))  # fmt: skip
            looks = sorted({**known, look.step: look.value}.items())
            Trial.objects.filter(pk=self.trial.pk).update(
                looks=clean_json([list(x) for x in looks])
            )
            self._late.pop(0)
        self.pruned = give_up
        if not give_up:
            return ""
        return f"Pruned at look {look.step} of {self.plan.reports * self.plan.seeds}."

    def _reported(self, look: Look) -> bool:
        from optuna.exceptions import StorageInternalError  # noqa: PLC0415 (loads Optuna)
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

        from training.studies_storage import opened_search  # noqa: PLC0415

        if self._search is None:
            self._search = self._stack.enter_context(opened_search(self.trial.study, self.plan))
        try:
            return self._search.report(int(self.trial.number or 0), look.step, look.value)
        except (SQLAlchemyError, StorageInternalError) as problem:
            raise OperationalError(str(problem)) from problem

    def close(self, run: Run, evidence: dict[str, Any], manifest: Mapping[str, Any]) -> None:
        """The run came to its end: scores, and with the test split evidence and what a bundle would say."""
        if self.judged is None or self.judged.scores is None:
            raise RuntimeError("the trainer ended without scores")
        scores = {**self.judged.scores, "train_seconds": run.train_seconds}
        confirms = not self.trial.is_search
        with transaction.atomic():
            TrialRun.objects.filter(pk=self.link.pk).update(
                scores=clean_json(scores), manifest=clean_json(manifest) if confirms else None
            )
            services.finish(run, version=None, evidence=evidence if confirms else None)

    def stop(self, run: Run, *, reason: str) -> None:
        """The run ended early; a trial keeps nothing of that."""
        with transaction.atomic():
            TrialRun.objects.filter(pk=self.link.pk).update(pruned=self.pruned)
            services.stop(run, reason=reason)

    def leave(self) -> None:
        """Give the connections back."""
        stack, self._stack, self._search = self._stack, ExitStack(), None
        stack.close()

    def over(self) -> None:
        """The run's process is done with it: let somebody see what comes next."""
        self.leave()
        tell_workers(self.trial.study_id)
