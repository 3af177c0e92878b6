"""What people ask of a study: create, pause, resume, stop, extend, register its winner. Nothing here loads Optuna.

Trials are asked for, told and confirmed by `training.studies_search`, in workers and on the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Now
from django.utils import timezone

from models_registry.artifacts.bundle import BundleError
from models_registry.models import Version
from models_registry.plain_json import NUL, clean_json
from models_registry.services import register_version
from scenarios.models import Scenario
from scenarios.services import nearest
from training import budget, checkpoints, services
from training.models import Run
from training.rl.config import ConfigError
from training.rl.gym.names import gym_id
from training.steering import InvalidTransition
from training.studies_models import Study, Trial, TrialRun
from training.tuning.config import parse_study
from training.tuning.objectives import OBJECTIVES

Status = Study.Status
MAX_NAME = 100


def create_study(*, owner: User, values: Mapping[str, Any], name: str = "") -> Study:
    """A study from untyped values; the caller tells a worker. Raises `ConfigError` with a message per field."""
    plan = parse_study(values)
    if NUL in name or len(name) > MAX_NAME:
        raise ConfigError({"name": f"must be text of at most {MAX_NAME} characters"})
    scenario = Scenario.objects.visible_to(owner).filter(key=plan.scenario).first()
    if scenario is None:
        key = plan.scenario
        outside = gym_id(key) is not None
        where = "training.tuning.optimizer.HyperparameterOptimizer searches Gymnasium environments"
        text = where if outside else nearest(key, owner)
        raise ConfigError({"scenario": text})
    return Study.objects.create(
        owner=owner,
        scenario=scenario,
        name=name.strip(),
        config=plan.as_json(),
        history=[_entry(owner, "created")],
    )


def _entry(actor: User | None, kind: str, **detail: Any) -> dict[str, Any]:
    by = actor.get_username() if actor is not None else None
    return {"at": timezone.now().isoformat(), "by": by, "kind": kind, **clean_json(detail)}


def _locked(study: Study) -> Study:
    return Study.objects.select_for_update(of=("self",)).get(pk=study.pk)


def runs_of(study: Study) -> QuerySet[Run]:
    """Every run of the study."""
    return Run.objects.filter(trial_run__trial__study=study)


def request_pause(*, study: Study, actor: User | None) -> Study:
    """No new trial begins, and the runs at work pause with a checkpoint. Raises `InvalidTransition`."""
    with transaction.atomic():
        row = _locked(study)
        if row.status != Status.PAUSED:
            if not row.can_pause:
                raise InvalidTransition(f"{row} is {_word(row)}; only one at work can be paused.")
            row.paused_from, row.status = row.status, Status.PAUSED
            row.paused_at = timezone.now()
            row.history.append(_entry(actor, "paused"))
            row.save(update_fields=["paused_from", "status", "paused_at", "history"])
            for run in runs_of(row).filter(status__in=(Run.Status.QUEUED, Run.Status.RUNNING)):
                _ask(services.request_pause, run, actor)
    return _fresh(study)


def request_resume(*, study: Study, actor: User | None) -> list[Run]:
    """Go on with a paused study; the runs that wait for a worker now. Raises `InvalidTransition`."""
    with transaction.atomic():
        row = _locked(study)
        if not row.can_resume:
            raise InvalidTransition(f"{row} is {_word(row)}; only a paused one can go on.")
        row.status, row.paused_from = row.paused_from or Status.RUNNING, ""
        _count_rest(row, row.paused_at)
        row.history.append(_entry(actor, "resumed"))
        row.save()
        for run in runs_of(row).filter(status__in=(Run.Status.PAUSING, Run.Status.PAUSED)):
            _ask(services.request_resume, run, actor)
    _fresh(study)
    return list(runs_of(study).filter(status=Run.Status.QUEUED))


def request_stop(*, study: Study, actor: User | None) -> Study:
    """End the study; the runs at work stop and their trials count as failed. Raises `InvalidTransition`."""
    with transaction.atomic():
        row = _locked(study)
        if row.status != Status.STOPPING:
            if not row.can_stop:
                raise InvalidTransition(f"{row} has already ended ({_word(row)}).")
            row.status = Status.STOPPING
            _count_rest(row, row.paused_at)
            row.history.append(_entry(actor, "stopped"))
            row.save(update_fields=["status", "paused_at", "paused_seconds", "history"])
            for run in runs_of(row).filter(status__in=Run.ACTIVE):
                _ask(services.request_stop, run, actor)
    return _fresh(study)


def _count_rest(study: Study, since: datetime | None) -> None:
    """Time in which a study rests is not held against its budget."""
    if since is not None:
        study.paused_seconds += (timezone.now() - since).total_seconds()
    study.paused_at = None


def _ask(request: Any, run: Run, actor: User | None) -> None:
    """Ask a run; one that has just ended needs no asking."""
    try:
        request(run=run, actor=actor)
    except InvalidTransition:
        return


def extend(*, study: Study, actor: User | None, values: Mapping[str, Any]) -> Study:
    """Another number of trials, time or cost; a study that had ended goes on searching.

    Fewer trials than were planned end the search early: the honest ending follows. Raises `ConfigError`,
    `InvalidTransition`.
    """
    allowed = ("trials", "timeout", "max_cost", "jobs")
    if unknown := [name for name in values if name not in allowed]:
        raise ConfigError({str(unknown[0]): f"cannot be changed; only {', '.join(allowed)} can"})
    with transaction.atomic():
        row = _locked(study)
        if not row.can_extend:
            why = "of a grid the number of trials is fixed" if row.config.get("sampler") == "grid" else f"{row} is {_word(row)}"  # fmt: skip
            raise InvalidTransition(f"{why}; it cannot be extended.")
        plan = parse_study({**row.config, **values})
        asked = row.trials.of_search().count()
        if row.is_finished and plan.trials <= asked:
            raise ConfigError({"trials": f"must be above the {asked} that have been tried"})
        before = {name: row.config.get(name) for name in values}
        row.config = plan.as_json()
        after = {name: row.config[name] for name in values}
        row.history.append(_entry(actor, "extended", before=before, after=after))
        if row.is_finished:
            _count_rest(row, row.finished_at)
            row.status, row.finished_at, row.failure = Status.RUNNING, None, ""
        row.save()
    return _fresh(study)


def register(*, study: Study, actor: User, trial: int | None = None, name: str = "") -> Version:
    """Make a confirmed trial a version of a model: of its fresh runs the one that validation likes best.

    trial: its number; None: the winner. The same run is registered once. Raises `InvalidTransition`, `RegistryError`.
    """
    with transaction.atomic():
        row = _locked(study)
        wanted = (row.verdict or {}).get("winner") if trial is None else trial
        if wanted is None:
            raise InvalidTransition(
                f"{row} has no confirmed trial yet; wait for its honest ending."
            )
        best = _best_run(row, int(wanted))
        if best.run.version is not None and best.run.version.deleted_at is None:
            return best.run.version
        version = _version_of(best, name or row.scenario.key, row)
        Run.objects.filter(pk=best.run_id).update(version=version)
        row.version = version
        row.history.append(_entry(actor, "registered", trial=wanted, version=version.pk))
        row.save(update_fields=["version", "history"])
    _fresh(study)
    return version


def _best_run(study: Study, number: int) -> TrialRun:
    found = TrialRun.objects.select_related("run__version", "run__scenario", "run__owner").filter(
        trial__study=study, trial__round=study.round, trial__confirms__number=number,
        run__status=Run.Status.SUCCEEDED,
    )  # fmt: skip
    key = study.plan.objectives[0]
    sign = 1 if OBJECTIVES[key].maximize else -1
    able = [one for one in found if one.manifest and one.score(key) is not None]
    if not able:
        raise InvalidTransition(f"Trial {number} of {study} was not confirmed; choose another one.")
    return max(able, key=lambda one: (sign * (one.score(key) or 0.0), -one.place))


def _version_of(best: TrialRun, name: str, study: Study) -> Version:
    checkpoint = checkpoints.newest_good(best.run_id)
    try:
        if checkpoint is None:
            raise BundleError("there is none")
        weights = checkpoints.read(checkpoint).weights
    except BundleError as problem:
        raise InvalidTransition(
            f"The weights of run {best.run_id} can no longer be read: {problem}"
        ) from problem
    return register_version(
        owner=study.owner,
        name=name,
        scenario=study.scenario,
        weights=weights,
        manifest={**(best.manifest or {}), "study": study.pk},
        evidence=best.run.evidence,
    )


def seconds_used(study: Study) -> float:
    """Wall-clock seconds since it began, pauses apart."""
    until = study.paused_at or study.finished_at or timezone.now()
    return max(0.0, (until - study.created_at).total_seconds() - study.paused_seconds)


def work_seconds(study: Study) -> float:
    """Seconds of work on all its runs."""
    return float(runs_of(study).aggregate(total=Sum("used_seconds"))["total"] or 0.0)


def cost(study: Study) -> float:
    """USD of that work."""
    rows = runs_of(study).only("used_seconds", "config")
    return sum(budget.cost(run, run.used_seconds) for run in rows)


def note_round(study: Study) -> None:
    """Begin another honest ending."""
    Study.objects.filter(pk=study.pk).update(round=F("round") + 1, status=Status.CONFIRMING)
    study.refresh_from_db()


def close(study: Study, status: str, *, failure: str = "") -> None:
    """The study's end."""
    Study.objects.filter(pk=study.pk).update(status=status, failure=failure, finished_at=Now())
    study.refresh_from_db()


def _fresh(study: Study) -> Study:
    study.refresh_from_db()
    return study


def _word(study: Study) -> str:
    return Status(study.status).label.lower()


def unfinished_trials(study: Study) -> QuerySet[Trial]:
    """Trials at work, in the order in which they began."""
    return study.trials.filter(status=Trial.Status.RUNNING).order_by("pk")
