"""A study's next step: tell what has ended, ask for what is next, and come to the honest ending.

`advance` may be called at any time, by anybody, any number of times: it looks at the rows and does what they call for,
one caller at a time. So nothing is lost with a message, a worker or a process: whoever comes next goes on. Optuna's
storage is written to before the site's own rows; what was asked for or told without getting so far is found again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from training import checkpoints, services, studies
from training.models import Checkpoint, Run
from training.rl.config import ConfigError
from training.studies_models import Study, Trial, TrialRun
from training.studies_report import complete_values
from training.tuning.config import StudyConfig
from training.tuning.objectives import top, values_of

if TYPE_CHECKING:
    from training.tuning.search import Outcome, Search

MOST_AT_ONCE = 64
"""New trials that one call asks for."""


def advance(study_id: int) -> list[Run]:
    """Do what is due; returns the new runs, which the caller has to launch or train. Raises `OperationalError`."""
    try:
        if not is_due(study_id):
            return []
    except ConfigError as problem:
        # Its scenario, or a library of its sampler, is no longer there; the other studies go on.
        study = Study.objects.get(pk=study_id)
        text = f"Its settings are no longer valid: {problem}"
        studies.close(study, Study.Status.FAILED, failure=text)
        return []
    with transaction.atomic():
        study = Study.objects.select_for_update(of=("self",)).get(pk=study_id)
        if study.status not in Study.AT_WORK:
            return []
        return _Step(study).take()


def is_due(study_id: int) -> bool:
    """Whether there is anything to do; cheap, and without Optuna. Raises `ConfigError`."""
    study = Study.objects.filter(pk=study_id).at_work().first()
    if study is None:
        return False
    plan = study.plan
    going = TrialRun.objects.filter(trial=OuterRef("pk"), run__status__in=Run.ACTIVE)
    trials = studies.unfinished_trials(study)
    return (
        trials.filter(~Exists(going)).exists()
        or not trials.exists()
        or (study.status == Study.Status.RUNNING and _room(study, plan) > 0)
    )


def _room(study: Study, plan: StudyConfig) -> int:
    """How many more trials may begin now."""
    trials = study.trials.of_search()
    left = plan.trials - trials.count()
    if left <= 0 or _spent(study, plan):
        return 0
    if plan.jobs:
        return min(left, plan.jobs - trials.filter(status=Trial.Status.RUNNING).count())
    # As many as workers take: one more as soon as none waits for a worker.
    waiting = studies.runs_of(study).filter(status=Run.Status.QUEUED, attempt=0)
    return 0 if waiting.exists() else 1


def _spent(study: Study, plan: StudyConfig) -> bool:
    """Whether the budget of time or cost is used up."""
    if plan.timeout is not None and studies.seconds_used(study) >= plan.timeout:
        return True
    return plan.max_cost is not None and studies.cost(study) >= plan.max_cost


class _Step:
    """One call of `advance` on a locked study."""

    def __init__(self, study: Study) -> None:
        self.study, self.plan = study, study.plan
        self.new: list[Run] = []

    def take(self) -> list[Run]:
        from training.studies_storage import opened_search  # noqa: PLC0415 (loads Optuna)

        with opened_search(self.study, self.plan) as search:
            self._settle(search)
            if self.study.status == Study.Status.RUNNING:
                self._ask(search)
            self._note_importance(search)
        if not studies.unfinished_trials(self.study).exists():
            self._turn()
        return self.new

    # --- what has ended

    def _settle(self, search: Search) -> None:
        for trial in studies.unfinished_trials(self.study):
            runs = list(trial.runs.select_related("run").order_by("place"))
            if any(one.run.is_active for one in runs):
                continue
            if trial.is_search:
                self._settle_search(search, trial, runs)
            else:
                self._settle_confirmation(trial, runs)

    def _settle_search(self, search: Search, trial: Trial, runs: Sequence[TrialRun]) -> None:
        last = runs[-1] if runs else None
        if last is not None and last.run.status == Run.Status.SUCCEEDED:
            if len(runs) < self.plan.seeds and self.study.status != Study.Status.STOPPING:
                self._begin_run(trial, len(runs))
                return
            values = values_of(self.plan.objectives, [one.scores or {} for one in runs])
            why = "" if values is not None else "An objective has no value: nothing was solved."
            self._tell(search, trial, "complete" if values is not None else "failed", values, why)
        elif last is not None and last.pruned:
            self._tell(search, trial, "pruned")
        else:
            why = (last.run.failure or last.run.stop_reason) if last is not None else ""
            self._tell(search, trial, "failed", None, why or trial.failure or "Its run was lost.")

    def _tell(
        self,
        search: Search,
        trial: Trial,
        outcome: Outcome,
        values: list[float] | None = None,
        failure: str = "",
    ) -> None:
        search.tell(int(trial.number or 0), outcome, values)
        Trial.objects.filter(pk=trial.pk).update(
            status=outcome, values=values, failure=failure, finished_at=Now()
        )
        for one in trial.runs.all():
            _forget_checkpoints(one.run_id)

    def _settle_confirmation(self, trial: Trial, runs: Sequence[TrialRun]) -> None:
        scores = [
            one.scores for one in runs if one.run.status == Run.Status.SUCCEEDED and one.scores
        ]
        values = values_of(self.plan.objectives, scores)
        failures = [one.run.failure or one.run.stop_reason for one in runs if one.run.failure]
        Trial.objects.filter(pk=trial.pk).update(
            status=Trial.Status.COMPLETE if scores else Trial.Status.FAILED,
            values=values,
            failure=" ".join(failures),
            finished_at=Now(),
        )

    # --- what is next

    def _ask(self, search: Search) -> None:
        known = set(self.study.trials.of_search().values_list("number", flat=True))
        for _ in range(MOST_AT_ONCE):
            if _room(self.study, self.plan) <= 0:
                return
            asked = search.ask(known={int(number) for number in known if number is not None})
            if asked is None:
                # The grid has no further point.
                self.plan = self._fewer_trials(len(known))
                return
            known.add(asked.number)
            trial = Trial.objects.create(study=self.study, number=asked.number, params=asked.params)
            self._begin_run(trial, 0)

    def _fewer_trials(self, count: int) -> StudyConfig:
        self.study.config["trials"] = max(1, count)
        Study.objects.filter(pk=self.study.pk).update(config=self.study.config)
        return self.study.plan

    def _begin_run(self, trial: Trial, place: int) -> None:
        """The run of one seed. Settings that do not go together fail the trial when it is settled."""
        seeds = self.plan.search_seeds() if trial.is_search else self.plan.fresh_seeds()
        try:
            config = self.plan.train_config(trial.params, seeds[place], search=trial.is_search)
            run = services.create_run(owner=self.study.owner, values=config.as_json())
        except ConfigError as problem:
            Trial.objects.filter(pk=trial.pk).update(failure=str(problem))
            return
        TrialRun.objects.create(trial=trial, run=run, place=place)
        self.new.append(run)

    def _note_importance(self, search: Search) -> None:
        found = search.importance()
        if found and found != self.study.importance:
            Study.objects.filter(pk=self.study.pk).update(importance=found)

    # --- the end of the search, and of the study

    def _turn(self) -> None:
        """No trial is at work: on to the honest ending, or to the end."""
        study = self.study
        if study.status == Study.Status.STOPPING:
            studies.close(study, Study.Status.STOPPED)
        elif study.status == Study.Status.CONFIRMING:
            self._close_confirmed()
        elif _room(study, self.plan) <= 0:
            self._close_search()

    def _close_search(self) -> None:
        complete = complete_values(self.study)
        if not complete:
            why = (
                self.study.trials.of_search().exclude(failure="").values_list("failure", flat=True)
            )
            first = why.first()
            text = f"No trial came to its end. The first failure: {first}" if first else "No trial came to its end."  # fmt: skip
            studies.close(self.study, Study.Status.FAILED, failure=text)
            return
        chosen = top(complete, self.plan.objectives, self.plan.confirm_top)
        if not chosen:
            studies.close(self.study, Study.Status.SUCCEEDED)
            return
        studies.note_round(self.study)
        searched = {trial.number: trial for trial in self.study.trials.of_search()}
        for source in [None, *(searched[number] for number in chosen)]:
            trial = Trial.objects.create(
                study=self.study,
                round=self.study.round,
                confirms=source,
                params=source.params if source is not None else {},
            )
            for place in range(self.plan.confirm_seeds):
                self._begin_run(trial, place)

    def _close_confirmed(self) -> None:
        from training.studies_verdict import judge  # noqa: PLC0415 (loads numpy)

        told = judge(self.study, self.plan)
        Study.objects.filter(pk=self.study.pk).update(verdict=told)
        studies.close(self.study, Study.Status.SUCCEEDED)


def _forget_checkpoints(run_id: int) -> None:
    """A trial that is over is not gone on from, and its checkpoints take space."""
    Checkpoint.objects.filter(run_id=run_id).delete()
    transaction.on_commit(lambda: checkpoints.sweep(run_id))
