"""Every write to a run. State changes are conditional UPDATEs whose row count decides.

The row is the truth. A worker holds a run by a lease (database clock, 30 s) that it renews; each start has a number,
`attempt`, and every write of a worker carries it, so a worker that was given up cannot write any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from models_registry.models import Version
from models_registry.plain_json import clean_json
from scenarios.models import Scenario
from training import reaping, recording
from training.events import announce_on_commit
from training.models import Episode, MetricPoint, Run, RunQuerySet
from training.reaping import note, queued_without_message, reap_expired_leases, report_lost
from training.rl.config import ConfigError, parse_config
from training.rl.progress import Progress

__all__ = [
    "InvalidTransition", "LeaseLost", "claim", "create_run", "fail", "finish", "heartbeat",
    "note_checkpoint", "queued_without_message", "reap_expired_leases", "record", "release",
    "report_lost", "request_stop", "stop", "stop_requested",
]  # fmt: skip

LEASE = timedelta(seconds=30)
Status = Run.Status
_BLANK: dict[str, Any] = {
    "phase": "training",
    "phase_fraction": 0.0,
    "episodes_done": 0,
    "env_steps": 0,
    "train_seconds": 0.0,
    "convergence": "starting",
    "latest_metrics": {},
    "last_seq": 0,
    "last_episode_seq": 0,
}
"""What a new attempt starts from."""


class InvalidTransition(ValueError):
    """The run is not in a state that allows this; the message says so in words."""


class LeaseLost(RuntimeError):
    """Another worker, or nobody, holds this run now: stop writing and leave."""


def create_run(*, owner: User, values: Mapping[str, Any]) -> Run:
    """A queued run from untyped settings (form, JSON, command line). Raises `ConfigError` with a message per field."""
    config = parse_config(values)
    scenario = Scenario.objects.filter(key=config.scenario).first()
    if scenario is None:
        raise ConfigError(
            {"scenario": f"{config.scenario!r} is not in the catalogue; run the migrations."}
        )
    with transaction.atomic():
        run = Run.objects.create(
            owner=owner,
            scenario=scenario,
            algorithm=config.algorithm,
            difficulty=config.difficulty,
            config=config.as_json(),
            total_episodes=config.episodes,
            scenario_hash=scenario.content_hash,
            code_version=str(settings.SPECTACULAR_SETTINGS["VERSION"]),
            torch_version=_installed("torch"),
            # Whoever makes a run sends the message or trains it here; the beat only steps in later.
            woken_at=Now(),
        )
        run.refresh_from_db(fields=["woken_at"])
        note(run.pk, "created", actor=owner)
    return run


def claim(run_id: int, *, lease_owner: str) -> Run | None:
    """Take a queued run; None where it is not queued (any more). The broker may deliver twice: one call wins.

    What an earlier attempt wrote is removed in the same transaction, because this one starts from the beginning.
    """
    with transaction.atomic():
        claimed = Run.objects.filter(pk=run_id, status=Status.QUEUED).update(
            status=Status.RUNNING,
            attempt=F("attempt") + 1,
            lease_owner=lease_owner,
            lease_until=Now() + LEASE,
            heartbeat_at=Now(),
            started_at=Now(),
            **_BLANK,
        )
        if not claimed:
            return None
        MetricPoint.objects.filter(run_id=run_id).delete()
        Episode.objects.filter(run_id=run_id).delete()
        run = Run.objects.select_related("owner", "scenario").get(pk=run_id)
        note(run_id, "started", attempt=run.attempt, worker=lease_owner)
        announce_on_commit(run_id, 0)
    return run


def heartbeat(run: Run) -> None:
    """Renew the lease. Raises `LeaseLost`."""
    renewed = _held(run).update(lease_until=Now() + LEASE, heartbeat_at=Now())
    if not renewed:
        raise LeaseLost(f"Run {run.pk}: attempt {run.attempt} no longer holds it.")


def stop_requested(run: Run) -> bool:
    """Whether somebody asked this run to stop. Raises `LeaseLost`."""
    status = _held(run).values_list("status", flat=True).first()
    if status is None:
        raise LeaseLost(f"Run {run.pk}: attempt {run.attempt} no longer holds it.")
    return bool(status == Status.STOPPING)


def record(run: Run, *progress: Progress) -> None:
    """Write progress, oldest first: points, sampled episodes and the run's summary, in one transaction.

    `run` is the claimed row; its `last_seq` numbers the points. A repeated call after a lost connection writes
    nothing twice: the row remembers how far it got. Raises `LeaseLost`.
    """
    if not progress:
        return
    points = [p for p in progress if recording.has_point(p)]
    samples = [(p.episodes, sample) for p in progress for sample in p.samples]
    seq, episode_seq = run.last_seq + len(points), run.last_episode_seq + len(samples)
    with transaction.atomic():
        row = _held(run).select_for_update().values("last_seq", "last_episode_seq").first()
        if row is None:
            raise LeaseLost(f"Run {run.pk}: attempt {run.attempt} no longer holds it.")
        if row["last_seq"] == run.last_seq and row["last_episode_seq"] == run.last_episode_seq:
            if points:
                recording.copy_points(run.pk, run.last_seq + 1, points)
            if samples:
                recording.copy_episodes(run.pk, run.last_episode_seq + 1, samples)
            summary = _summary(progress)
            Run.objects.filter(pk=run.pk).update(
                last_seq=seq, last_episode_seq=episode_seq, **summary
            )
        announce_on_commit(run.pk, seq)
    run.last_seq, run.last_episode_seq = seq, episode_seq


def request_stop(*, run: Run, actor: User | None) -> Run:
    """Ask a run to stop: a waiting one is stopped at once, a running one soon, with what it learned kept.

    Asking twice is harmless. Raises `InvalidTransition` for a run that has ended.
    """
    rows = Run.objects.filter(pk=run.pk)
    with transaction.atomic():
        status = rows.select_for_update().values_list("status", flat=True).get()
        if status in Run.FINISHED:
            ended = Status(status).label.lower()
            raise InvalidTransition(
                f"Run {run.pk} has already ended ({ended}); only a queued or running run can be stopped."
            )
        if status != Status.STOPPING:
            note(run.pk, "stop_requested", actor=actor)
        if status in (Status.QUEUED, Status.PAUSED):
            rows.update(
                status=Status.STOPPED, finished_at=Now(), stop_reason="Stopped before it started."
            )
            note(run.pk, "stopped", actor=actor)
        else:
            rows.update(status=Status.STOPPING)
        announce_on_commit(run.pk, run.last_seq)
    run.refresh_from_db()
    return run


def finish(run: Run, *, version: Version | None, evidence: Mapping[str, Any] | None) -> None:
    """The run reached its end. Raises `LeaseLost`."""
    _end(
        run,
        "finished",
        status=Status.SUCCEEDED,
        version=version,
        evidence=clean_json(evidence),
        phase="done",
        phase_fraction=1.0,
    )


def stop(run: Run, *, reason: str, version: Version | None = None) -> None:
    """The run ended early because somebody asked for it. Raises `LeaseLost`."""
    _end(run, "stopped", status=Status.STOPPED, version=version, stop_reason=reason)


def fail(run: Run, *, failure: str, detail: Mapping[str, Any] | None = None) -> None:
    """The run cannot go on. `failure` is for its owner, `detail` (a traceback) for staff. Raises `LeaseLost`."""
    _end(run, "failed", status=Status.FAILED, failure=clean_json(failure), detail=detail)


def note_checkpoint(run: Run, *, episodes: int) -> None:
    """Write down that a checkpoint is on disk. Raises `LeaseLost`."""
    with transaction.atomic():
        if not _held(run).select_for_update().exists():
            raise LeaseLost(f"Run {run.pk}: attempt {run.attempt} no longer holds it.")
        note(run.pk, "checkpoint", episodes=episodes)


def release(run: Run, *, reason: str) -> None:
    """Give a held run back because its worker has to go: it waits for another one, or is stopped if that was asked.

    Does not count as a loss, so any number of restarts of the site cannot fail a run. Does nothing to a lost run.
    """
    with transaction.atomic():
        status = _held(run).select_for_update().values_list("status", flat=True).first()
        if status is not None:
            reaping.set_free(run.pk, status, reason=reason)


def _end(run: Run, event: str, *, detail: Mapping[str, Any] | None = None, **values: Any) -> None:
    with transaction.atomic():
        ended = _held(run).update(**values, finished_at=Now(), lease_owner="", lease_until=None)
        if not ended:
            raise LeaseLost(f"Run {run.pk}: attempt {run.attempt} no longer holds it.")
        note(run.pk, event, **(detail or {}))
        announce_on_commit(run.pk, run.last_seq)
    run.refresh_from_db()


def _held(run: Run) -> RunQuerySet:
    """The row, as long as this attempt of this worker holds it: the fence in front of every write."""
    return Run.objects.filter(
        pk=run.pk, attempt=run.attempt, lease_owner=run.lease_owner, status__in=Run.HELD
    )


def _summary(progress: Sequence[Progress]) -> dict[str, Any]:
    last = progress[-1]
    values: dict[str, Any] = {
        "phase": last.phase,
        "phase_fraction": clean_json(last.fraction) or 0.0,
        "episodes_done": last.episodes,
        "total_episodes": last.total_episodes,
        "env_steps": last.env_steps,
        "convergence": last.convergence[:20],
    }
    for one in progress:
        if one.phase == "training":
            values["train_seconds"] = clean_json(one.seconds) or 0.0
        if recording.has_point(one):
            values["latest_metrics"] = clean_json(one.metrics)
    return values


def _installed(package: str) -> str:
    """A package's version, read without importing it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
