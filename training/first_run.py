"""The run that a new installation starts by itself, and its progress in the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, connection, transaction

from scenarios.models import Scenario
from training import report, services, tasks
from training.models import Run

SCENARIO = "customer_support"
LOOK_SECONDS = 1.0
LINE_SECONDS = 2.0

Echo = Callable[[str], None]


def start_first_run() -> int | None:
    """Queue a first run for the first superuser where no run exists yet; its id, or None where there is nothing to do."""
    with transaction.atomic():
        # The owner's row is locked, so that two starts of the site make one run.
        owner = User.objects.filter(is_superuser=True).order_by("pk").select_for_update().first()
        known = Scenario.objects.filter(key=SCENARIO).exists()
        if owner is None or not known or Run.objects.exists():
            return None
        run = services.create_run(owner=owner, values={"scenario": SCENARIO})
        tasks.launch(run)
    return run.pk


def follow(run_id: int, echo: Echo = print) -> None:
    """Tell a run's progress line by line until it ends, then its evidence, or why there is none."""
    said_at, said = 0.0, ""
    while (run := _look(run_id)) is not None:
        if run.is_finished:
            echo(_ending(run))
            return
        line = _line(run)
        if line != said and time.monotonic() - said_at >= LINE_SECONDS:
            echo(line)
            said_at, said = time.monotonic(), line
        time.sleep(LOOK_SECONDS)


def _look(run_id: int) -> Run | None:
    """The run's row; waits where PostgreSQL is away for a moment."""
    while True:
        try:
            return Run.objects.filter(pk=run_id).first()
        except (OperationalError, InterfaceError):
            connection.close()
            time.sleep(LOOK_SECONDS)


def _line(run: Run) -> str:
    name = f"Run {run.pk}"
    if run.status == Run.Status.QUEUED:
        return f"{name}: waiting for a worker"
    if run.status in (Run.Status.STOPPING, Run.Status.PAUSING, Run.Status.PAUSED):
        return f"{name}: {run.get_status_display().lower()}"
    if run.phase == "evidence":
        return f"{name}: testing on held-out tasks, {run.percent} %"
    progress = report.progress_text(
        episodes=run.episodes_done,
        total=run.total_episodes,
        metrics=run.latest_metrics,
        seconds_left=run.seconds_left,
    )
    return f"{name}: {progress}"


def _ending(run: Run) -> str:
    if run.status == Run.Status.SUCCEEDED and run.evidence:
        return f"Run {run.pk} is done.\n\n{report.evidence_text(run.evidence)}\n"
    if run.status == Run.Status.FAILED:
        return f"Run {run.pk} failed. {run.failure}"
    return f"Run {run.pk} was stopped. {run.stop_reason}".rstrip()
