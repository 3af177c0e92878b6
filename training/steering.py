"""What people ask of a run: stop, pause, resume, change, branch. Who and when is written down with every request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from models_registry.artifacts.bundle import BundleError
from models_registry.plain_json import clean_json
from training import changes, checkpoints
from training.events import announce_on_commit
from training.models import Change, Checkpoint, Run
from training.reaping import note
from training.rl.config import ConfigError, parse_changes, parse_config

Status = Run.Status


class InvalidTransition(ValueError):
    """The run is not in a state that allows this; the message says so in words."""


def request_stop(*, run: Run, actor: User | None) -> Run:
    """Ask a run to stop: a waiting one is stopped at once, a running one soon, with what it learned kept.

    Asking twice is harmless. Raises `InvalidTransition` for a run that has ended.
    """
    rows = Run.objects.filter(pk=run.pk)
    with transaction.atomic():
        status = _locked(run, "only a queued or running run can be stopped")
        if status != Status.STOPPING:
            note(run.pk, "stop_requested", actor=actor)
        if status in (Status.QUEUED, Status.PAUSED):
            begun = rows.exclude(attempt=0).exists()
            reason = (
                "Stopped while it did not run. A branch from its last checkpoint can go on."
                if begun
                else "Stopped before it started."
            )
            rows.update(status=Status.STOPPED, finished_at=Now(), stop_reason=reason)
            note(run.pk, "stopped", actor=actor)
        else:
            rows.update(status=Status.STOPPING)
        announce_on_commit(run.pk, run.last_seq)
    run.refresh_from_db()
    return run


def request_pause(*, run: Run, actor: User | None) -> Run:
    """Ask a run to pause: a waiting one at once, a running one with a checkpoint at its next update.

    Asking twice is harmless. Raises `InvalidTransition` for a run that has ended or is being stopped.
    """
    rows = Run.objects.filter(pk=run.pk)
    with transaction.atomic():
        status = _locked(run, "only a queued or running run can be paused", stopping=False)
        if status in (Status.QUEUED, Status.RUNNING):
            note(run.pk, "pause_requested", actor=actor)
            rows.update(status=Status.PAUSED if status == Status.QUEUED else Status.PAUSING)
            announce_on_commit(run.pk, run.last_seq)
    run.refresh_from_db()
    return run


def request_resume(*, run: Run, actor: User | None) -> Run:
    """Let a paused run go on: it is queued, or, where it had not paused yet, simply runs on.

    Asking twice is harmless. The caller tells a worker (`tasks.launch`). Raises `InvalidTransition`.
    """
    rows = Run.objects.filter(pk=run.pk)
    with transaction.atomic():
        status = _locked(run, "only a paused run can be resumed", stopping=False)
        if status in (Status.PAUSED, Status.PAUSING):
            note(run.pk, "resumed", actor=actor)
            rows.update(
                status=Status.QUEUED if status == Status.PAUSED else Status.RUNNING, woken_at=Now()
            )
            announce_on_commit(run.pk, run.last_seq)
    run.refresh_from_db()
    return run


def request_change(*, run: Run, actor: User | None, values: Mapping[str, Any]) -> Change:
    """Change settings of a run that goes on; they take effect at its next update.

    Raises `ConfigError` with a message per field, `InvalidTransition` where there is no next update any more.
    """
    with transaction.atomic():
        _locked(run, "its settings cannot change any more", stopping=False)
        run.refresh_from_db(fields=["status", "phase"])
        if not run.can_change:
            raise InvalidTransition(
                f"Run {run.pk} has learned all it will; its settings cannot change during the final test."
            )
        change = _declare(run, actor, values)
        note(run.pk, "change_requested", actor=actor, text=changes.words(change))
        announce_on_commit(run.pk, run.last_seq)
    return change


def _declare(run: Run, actor: User | None, values: Mapping[str, Any]) -> Change:
    """A change of the settings as they will be by then. Raises `ConfigError`."""
    before = changes.config_of(run, waiting=True)
    after = parse_changes(parse_config(before), values)
    if not after:
        raise ConfigError({"changes": "nothing would change: give at least one other value"})
    return Change.objects.create(
        run=run,
        actor=actor,
        before=clean_json({name: before[name] for name in after}),
        after=clean_json(after),
    )


def branch(
    *, checkpoint: Checkpoint, owner: User, values: Mapping[str, Any], limits: Mapping[str, Any]
) -> Run:
    """A queued run that goes on from another run's checkpoint, with changed settings from its first update on.

    limits: `max_seconds` and `max_cost`. The caller tells a worker. Raises `ConfigError`; `InvalidTransition` where the
    checkpoint is damaged or gone.
    """
    source = checkpoint.run
    taken = source.changes.filter(update__lte=checkpoint.update).order_by("pk")
    copied = ("scenario_id", "algorithm", "difficulty", "scenario_hash", "code_version",
              "torch_version", "total_episodes")  # fmt: skip
    try:
        with transaction.atomic():
            run = Run.objects.create(
                owner=owner,
                parent=source,
                config={**source.config, **changes.values(taken)},
                woken_at=Now(),
                episodes_done=checkpoint.episodes,
                stage=checkpoint.stage,
                **limits,
                **{name: getattr(source, name) for name in copied},
            )
            differ = parse_changes(parse_config(run.config), values)
            change = _declare(run, owner, differ) if differ else None
            begun = checkpoints.copy(checkpoint, run)
            if change is not None:
                Change.objects.filter(pk=change.pk).update(
                    update=begun.update + 1, episodes=begun.episodes, applied_at=Now()
                )
            text = changes.words(change) if change is not None else ""
            note(run.pk, "branched", actor=owner, run=source.pk, episodes=begun.episodes, text=text)
    except (BundleError, OSError) as problem:
        raise InvalidTransition(
            f"The checkpoint at {checkpoint.episodes:,} episodes cannot be read any more; choose another one."
        ) from problem
    run.refresh_from_db()
    return run


def _locked(run: Run, rule: str, *, stopping: bool = True) -> str:
    """Lock the row; its status. Raises `InvalidTransition` for a run that has ended, or (stopping) is about to."""
    status = str(Run.objects.filter(pk=run.pk).select_for_update().values_list("status", flat=True).get())  # fmt: skip
    if status in Run.FINISHED:
        ended = Status(status).label.lower()
        raise InvalidTransition(f"Run {run.pk} has already ended ({ended}); {rule}.")
    if status == Status.STOPPING and not stopping:
        raise InvalidTransition(f"Run {run.pk} is being stopped; {rule}.")
    return status
