"""What happens to runs that nobody holds: lost ones are given back or given up, waiting ones are announced again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from models_registry.plain_json import clean_json
from training.events import announce_on_commit
from training.models import Run, RunEvent

MAX_LOSSES = 3
RESEND_AFTER = timedelta(seconds=30)
Status = Run.Status
_FREE: dict[str, Any] = {"lease_owner": "", "lease_until": None}


def note(run_id: int, kind: str, *, actor: User | None = None, **detail: Any) -> None:
    """Append to the run's log."""
    RunEvent.objects.create(run_id=run_id, kind=kind, actor=actor, detail=clean_json(detail))


def reap_expired_leases() -> list[int]:
    """Take runs from workers that stopped renewing their lease; returns their ids. The database's clock decides."""
    expired = Run.objects.filter(status__in=Run.HELD, lease_until__lt=Now())
    reaped = []
    for run_id in expired.values_list("pk", flat=True):
        with transaction.atomic():
            # Locked and asked again: the worker may have come back, or another reaper may be faster.
            row = expired.filter(pk=run_id).select_for_update(skip_locked=True)
            if (status := row.values_list("status", flat=True).first()) is not None:
                _lose(run_id, status, reason="The worker stopped answering.")
                reaped.append(run_id)
    return reaped


def report_lost(*, run_id: int, lease_owner: str, reason: str) -> bool:
    """The training process `lease_owner` has ended without saying why; no need to wait for its lease.

    Also counts a process that died before it could claim the run, which would else be tried for ever.
    False where the run is not held by that process (any more).
    """
    with transaction.atomic():
        row = Run.objects.select_for_update().filter(pk=run_id)
        mine = Q(status__in=Run.HELD, lease_owner=lease_owner) | Q(status=Status.QUEUED)
        status = row.filter(mine).values_list("status", flat=True).first()
        if status is None:
            return False
        _lose(run_id, status, reason=reason)
    return True


def set_free(run_id: int, status: str, *, reason: str) -> None:
    """A locked run without a worker: stopped or paused if that was asked, else queued again."""
    run = Run.objects.filter(pk=run_id)
    if status == Status.STOPPING:
        run.update(
            status=Status.STOPPED, finished_at=Now(), stop_reason=f"Stopped. {reason}", **_FREE
        )
        note(run_id, "stopped", reason=reason)
    elif status == Status.PAUSING:
        run.update(status=Status.PAUSED, **_FREE)
        note(run_id, "paused", reason=reason)
    else:
        run.update(status=Status.QUEUED, woken_at=None, **_FREE)
        note(run_id, "requeued", reason=reason)
    announce_on_commit(run_id, 0)


def _lose(run_id: int, status: str, *, reason: str) -> None:
    """Count a loss of a locked run; the third one fails it, because what kills a worker thrice will again."""
    run = Run.objects.filter(pk=run_id)
    run.update(losses=F("losses") + 1)
    losses = run.values_list("losses", flat=True).get()
    if status in (Status.STOPPING, Status.PAUSING) or losses < MAX_LOSSES:
        set_free(run_id, status, reason=reason)
        return
    failure = (
        f"The training process was lost {losses} times since its last checkpoint (last: {reason}) It may have been "
        "killed for lack of memory. Nothing was registered; try fewer environments or a smaller batch, or ask the administrator for the log."
    )
    run.update(status=Status.FAILED, finished_at=Now(), failure=failure, **_FREE)
    note(run_id, "failed", reason=reason, losses=losses)
    announce_on_commit(run_id, 0)


def queued_without_message(*, limit: int = 16) -> list[int]:
    """Queued runs, oldest first, that no worker was told about lately: the message was lost or never sent."""
    unsent = Q(woken_at=None) | Q(woken_at__lt=Now() - RESEND_AFTER)
    waiting = Run.objects.filter(unsent, status=Status.QUEUED).order_by("created_at")
    return list(waiting.values_list("pk", flat=True)[:limit])


def note_message(run_id: int, *, sent: bool) -> None:
    """Remember whether a worker was told about a queued run; if not, the next beat tells one."""
    Run.objects.filter(pk=run_id, status=Status.QUEUED).update(woken_at=Now() if sent else None)
