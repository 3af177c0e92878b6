"""Celery's door: a message says 'look at run 7'; the row says what is to be done."""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
import time
from typing import Any

import django.db
from celery import shared_task
from celery.signals import worker_shutting_down
from django.db import transaction
from kombu.exceptions import OperationalError

from training import child, services
from training.models import Run
from training.reaping import note_message

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
OTHERS_SECONDS = 10.0
GRACE_SECONDS = 12.0
MESSAGE_SECONDS = 30
_shutting_down = threading.Event()


@worker_shutting_down.connect
def _note_shutdown(**_: Any) -> None:
    _shutting_down.set()


@shared_task
def train_run(run_id: int) -> None:
    """Train one queued run in a process of its own, and wait for its end."""
    if (
        _shutting_down.is_set()
        or not Run.objects.filter(pk=run_id, status=Run.Status.QUEUED).exists()
    ):
        return
    owner = child.new_lease_owner()
    process = child.spawn(run_id, owner)
    code = _wait(process)
    if code != 0:
        services.report_lost(run_id=run_id, lease_owner=owner, reason=_reason(code))
    if not _shutting_down.is_set():
        wake_queued_runs()


@shared_task
def wake_queued_runs() -> None:
    """Give up on workers that are gone, and send the messages that were never sent or got lost."""
    services.reap_expired_leases()
    for run_id in services.queued_without_message():
        if not _send(run_id):
            return


def launch(run: Run) -> None:
    """Tell a worker about a queued run once it is committed. Without Redis it stays queued and is sent later."""
    transaction.on_commit(lambda: _send(run.pk))


def _send(run_id: int) -> bool:
    try:
        train_run.apply_async(args=[run_id], expires=MESSAGE_SECONDS)
    except (OperationalError, OSError) as error:
        logger.warning("Run %s stays queued, Redis is away (%s)", run_id, error)
        note_message(run_id, sent=False)
        return False
    note_message(run_id, sent=True)
    return True


def _wait(process: subprocess.Popen[bytes]) -> int:
    """The child's exit code; asks it to leave when the worker shuts down.

    Looks after other runs meanwhile: with every worker thread waiting here, the beat's own message has to wait too.
    """
    look_at = time.monotonic() + OTHERS_SECONDS
    while not _shutting_down.is_set():
        try:
            return process.wait(timeout=LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() >= look_at:
                _look_after_others()
                look_at = time.monotonic() + OTHERS_SECONDS
    process.terminate()
    try:
        return process.wait(timeout=GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _look_after_others() -> None:
    try:
        wake_queued_runs()
    except (django.db.OperationalError, django.db.InterfaceError) as error:
        logger.warning("PostgreSQL is away (%s)", error)
        django.db.connection.close()


def _reason(code: int) -> str:
    if code < 0:
        return f"The training process was killed by {signal.Signals(-code).name}."
    return f"The training process ended with code {code}."
