"""Every write to a run. State changes are conditional UPDATEs whose row count decides.

The row is the truth. A worker holds a run by a lease (database clock, 30 s) that it renews; each start has a number,
`attempt`, and every write of a worker carries it, so a worker that was given up cannot write any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Coalesce, Now

from models_registry.models import Version
from models_registry.plain_json import clean_json
from scenarios.models import Scenario
from scenarios.services import nearest
from training import budget, checkpoints, reaping, recording
from training.changes import Applied, mark_applied, words
from training.events import announce_on_commit
from training.models import Change, Checkpoint, Episode, MetricPoint, Run, RunQuerySet
from training.reaping import note, queued_without_message, reap_expired_leases, report_lost
from training.rl.config import ConfigError
from training.rl.gym.names import gym_id
from training.rl.progress import Progress
from training.steering import (
    InvalidTransition,
    branch,
    request_change,
    request_pause,
    request_resume,
    request_stop,
)

__all__ = [
    "InvalidTransition", "LeaseLost", "Orders", "branch", "claim", "create_run", "fail", "finish",
    "heartbeat", "orders", "pause", "queued_without_message", "reap_expired_leases", "record",
    "release", "report_lost", "request_change", "request_pause", "request_resume", "request_stop",
    "stop",
]  # fmt: skip

LEASE = timedelta(seconds=30)
Status = Run.Status


class LeaseLost(RuntimeError):
    """Another worker, or nobody, holds this run now: stop writing and leave."""


def create_run(*, owner: User, values: Mapping[str, Any]) -> Run:
    """A queued run from untyped settings (form, JSON, command line). Raises `ConfigError` with a message per field."""
    config, limits = budget.parse(values)
    scenario = Scenario.objects.visible_to(owner).filter(key=config.scenario).first()
    if scenario is None:
        raise ConfigError({"scenario": _missing(config.scenario, owner)})
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
            **limits,
            # Whoever makes a run sends the message or trains it here; the beat only steps in later.
            woken_at=Now(),
        )
        run.refresh_from_db(fields=["woken_at"])
        note(run.pk, "created", actor=owner)
    return run


def _missing(key: str, owner: User) -> str:
    if gym_id(key) is not None:
        return f"Gymnasium environments are trained from the command line: agentgym train {key}"
    return nearest(key, owner)


def claim(run_id: int, *, lease_owner: str) -> Run | None:
    """Take a queued run; None where it is not queued (any more). The broker may deliver twice: one call wins.

    It goes on from `run.start`, its newest good checkpoint, or from the beginning (None): what an earlier start wrote
    after that is removed in the same transaction.
    """
    with transaction.atomic():
        claimed = Run.objects.filter(pk=run_id, status=Status.QUEUED).update(
            status=Status.RUNNING,
            attempt=F("attempt") + 1,
            lease_owner=lease_owner,
            lease_until=Now() + LEASE,
            heartbeat_at=Now(),
            started_at=Coalesce(F("started_at"), Now()),
        )
        if not claimed:
            return None
        start = checkpoints.newest_good(run_id)
        _rewind(run_id, start)
        run = Run.objects.select_related("owner", "scenario").get(pk=run_id)
        run.start = start
        since = start.episodes if start else 0
        note(run_id, "started", attempt=run.attempt, worker=lease_owner, episodes=since)
        announce_on_commit(run_id, 0)
    return run


def _rewind(run_id: int, start: Checkpoint | None) -> None:
    """Remove what was written after a checkpoint, so that going on from there writes nothing twice."""
    seq, episode_seq = (start.last_seq, start.last_episode_seq) if start else (0, 0)
    MetricPoint.objects.filter(run_id=run_id, seq__gt=seq).delete()
    Episode.objects.filter(run_id=run_id, seq__gt=episode_seq).delete()
    if start is not None:
        Checkpoint.objects.filter(run_id=run_id, update__gt=start.update).delete()
    else:
        Checkpoint.objects.filter(run_id=run_id).delete()
    newest = MetricPoint.objects.filter(run_id=run_id, seq=seq).values_list("values", flat=True)
    Run.objects.filter(pk=run_id).update(
        phase="training",
        phase_fraction=start.fraction if start else 0.0,
        episodes_done=start.episodes if start else 0,
        env_steps=start.env_steps if start else 0,
        train_seconds=start.seconds if start else 0.0,
        convergence=start.convergence if start else "starting",
        stage=start.stage if start else "",
        latest_metrics=newest.first() or {},
        last_seq=seq,
        last_episode_seq=episode_seq,
    )


def heartbeat(run: Run) -> None:
    """Renew the lease. Raises `LeaseLost`."""
    renewed = _held(run).update(lease_until=Now() + LEASE, heartbeat_at=Now())
    if not renewed:
        raise _lost(run)


@dataclass(frozen=True, slots=True)
class Orders:
    """What people want of a held run: its status, and whether changes wait to be taken in."""

    status: str
    changes: bool

    @property
    def stop(self) -> bool:
        return self.status == Status.STOPPING

    @property
    def pause(self) -> bool:
        return self.status == Status.PAUSING


def orders(run: Run) -> Orders:
    """What is asked of this run. Raises `LeaseLost`."""
    waiting = Change.objects.filter(run=OuterRef("pk"), update=None)
    row = _held(run).values_list("status", Exists(waiting)).first()
    if row is None:
        raise _lost(run)
    return Orders(*row)


def record(
    run: Run,
    *progress: Progress,
    applied: Applied | None = None,
    checkpoint: Checkpoint | None = None,
    used_seconds: float | None = None,
) -> None:
    """Write progress, oldest first: points, sampled episodes and the run's summary, in one transaction.

    `run` is the claimed row; its `last_seq` numbers the points. A repeated call after a lost connection writes
    nothing twice: the row remembers how far it got. applied: changes that took effect at these updates. checkpoint:
    one that stands on disk as of the last progress. Raises `LeaseLost`.
    """
    if not progress:
        return
    applied = applied or {}
    points = [p for p in progress if recording.has_point(p)]
    samples = [(p.episodes, sample) for p in progress for sample in p.samples]
    seq, episode_seq = run.last_seq + len(points), run.last_episode_seq + len(samples)
    with transaction.atomic():
        row = _held(run).select_for_update().values("last_seq", "last_episode_seq").first()
        if row is None:
            raise _lost(run)
        if row["last_seq"] == run.last_seq and row["last_episode_seq"] == run.last_episode_seq:
            if points:
                recording.copy_points(run.pk, run.last_seq + 1, points, applied)
            if samples:
                recording.copy_episodes(run.pk, run.last_episode_seq + 1, samples)
            summary = _summary(progress)
            if used_seconds is not None:
                summary["used_seconds"] = used_seconds
            Run.objects.filter(pk=run.pk).update(
                last_seq=seq, last_episode_seq=episode_seq, **summary
            )
            _note_news(run.pk, progress, applied)
        if checkpoint is not None:
            _keep(run.pk, checkpoint, seq, episode_seq)
        announce_on_commit(run.pk, seq)
    run.last_seq, run.last_episode_seq = seq, episode_seq


def _note_news(run_id: int, progress: Sequence[Progress], applied: Applied) -> None:
    """The device, changes that took effect and new stages, in the run's log; ones that are met again after a restart are known."""
    for one in progress:
        if one.device is not None:
            note(run_id, "device", text=f"{one.device.label}. {one.device.reason}")
        for change in applied.get(one.update, ()) if one.phase == "training" else ():
            if mark_applied(change, one):
                note(
                    run_id, "changed", actor=change.actor, episodes=one.episodes, text=words(change)
                )


def _keep(run_id: int, checkpoint: Checkpoint, seq: int, episode_seq: int) -> None:
    """The row of a checkpoint whose files are on disk; a run that gets this far is not one that cannot go on."""
    if Checkpoint.objects.filter(run_id=run_id, name=checkpoint.name).exists():
        return  # written before the connection was lost
    checkpoint.last_seq, checkpoint.last_episode_seq = seq, episode_seq
    checkpoint.save()
    checkpoints.prune(run_id)
    Run.objects.filter(pk=run_id).update(losses=0)
    note(run_id, "checkpoint", episodes=checkpoint.episodes)


def pause(run: Run) -> bool:
    """Give a held run back until somebody resumes it; False where that is no longer wanted. Raises `LeaseLost`."""
    with transaction.atomic():
        status = _held(run).select_for_update().values_list("status", flat=True).first()
        if status is None:
            raise _lost(run)
        if status != Status.PAUSING:
            return False
        reaping.set_free(run.pk, status, reason="")
    return True


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
            raise _lost(run)
        note(run.pk, event, **(detail or {}))
        announce_on_commit(run.pk, run.last_seq)
    run.refresh_from_db()


def _lost(run: Run) -> LeaseLost:
    return LeaseLost(f"Run {run.pk}: attempt {run.attempt} no longer holds it.")


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
        "stage": last.stage[:50],
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
