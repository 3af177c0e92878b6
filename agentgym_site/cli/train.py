"""`agentgym train`: the same row, services and runner as the worker, in this process."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from agentgym_site.cli.exits import FAILED, INTERRUPTED, OK
from agentgym_site.cli.site import open_site, owner
from agentgym_site.cli.watching import JsonLines, PlainLines, Watcher

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from training.models import Run
    from training.rl.config import TrainConfig


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command was asked for. values: the settings as given. output_dir: an empty folder, or None."""

    config: TrainConfig
    values: dict[str, Any]
    output_dir: Path | None
    verbose: bool
    as_json: bool


def train(wanted: Wanted) -> int:
    """Train to the end, or until Ctrl-C; returns the exit code."""
    open_site(verbose=wanted.verbose)
    from training import services  # noqa: PLC0415

    user = owner()
    run = services.create_run(owner=user, values=wanted.values)
    with _watcher(wanted, run) as watcher, _stop_on_interrupt(run, user, watcher) as stop:
        _execute(run, watcher)
    run.refresh_from_db()
    return _report(run, wanted, watcher, interrupted=stop.is_set())


def _watcher(wanted: Wanted, run: Run) -> Watcher:
    target = run.scenario.card["criteria"]["tool_reliability"]
    if wanted.as_json:
        return JsonLines()
    config = wanted.config
    title = f"Run {run.pk}: {config.scenario} ({config.difficulty}), {config.algorithm}, seed {config.seed}"
    if sys.stdout.isatty():
        from agentgym_site.cli.display import LiveDisplay  # noqa: PLC0415

        return LiveDisplay(title, target, verbose=wanted.verbose)
    plain = PlainLines(target, verbose=wanted.verbose)
    plain.say(title)
    return plain


def _execute(run: Run, watcher: Watcher) -> None:
    """Train here and now. A second Ctrl-C leaves at once; the run is stopped, without its latest learning."""
    from django.db import connection  # noqa: PLC0415

    from training import child, first_run, runner, services  # noqa: PLC0415

    lease_owner = child.new_lease_owner()
    try:
        runner.execute(run.pk, lease_owner=lease_owner, on_progress=watcher.progress)
        run.refresh_from_db()
        if run.is_active and run.lease_owner:
            # A worker of the portal was faster to take it.
            first_run.follow(run.pk, echo=lambda text: watcher.say(text.partition("\n")[0]))
    except KeyboardInterrupt:
        connection.close()  # it may be in the middle of a statement
        run.refresh_from_db()
        if run.lease_owner == lease_owner:
            services.release(run, reason="Interrupted twice from the keyboard.")


@contextmanager
def _stop_on_interrupt(run: Run, user: User, watcher: Watcher) -> Iterator[threading.Event]:
    """The first Ctrl-C asks the run to stop, as the portal's button does; the second one ends it at once.

    The event is set once Ctrl-C was pressed.
    """
    pressed = threading.Event()

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        pressed.set()
        # A thread of its own: the main one may be in the middle of a statement, or of a line of output.
        threading.Thread(target=_request_stop, args=(run, user, watcher), daemon=True).start()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield pressed
    finally:
        # What is left is to write and to stop servers; impatience must not cut that short.
        signal.signal(signal.SIGINT, signal.SIG_IGN if pressed.is_set() else before)


def _request_stop(run: Run, user: User, watcher: Watcher) -> None:
    from django.db import connection  # noqa: PLC0415

    from training import services  # noqa: PLC0415

    watcher.say("Stopping, and keeping what was learned. Press Ctrl-C again to end at once.")
    try:
        services.request_stop(run=run, actor=user)
    except services.InvalidTransition:
        pass  # it ended by itself in this very moment
    finally:
        connection.close()


def _report(run: Run, wanted: Wanted, watcher: Watcher, *, interrupted: bool) -> int:
    """Say how the run ended, and where its result is; returns the exit code."""
    from training.models import Run as Runs  # noqa: PLC0415

    code = OK if run.status == Runs.Status.SUCCEEDED else INTERRUPTED if interrupted else FAILED
    directory = _copy(run, wanted.output_dir)
    watcher.result(_result(run, directory))
    if run.evidence and not wanted.as_json:
        from training.report import evidence_text  # noqa: PLC0415

        watcher.say(evidence_text(run.evidence))
    for line in _ending(run, directory):
        watcher.say(line)
    return code


def _copy(run: Run, output_dir: Path | None) -> Path | None:
    """The version's bundle, in `output_dir` too where one was asked for."""
    if run.version is None or output_dir is None:
        return run.version.path if run.version else None
    from models_registry.artifacts.files import write_directory  # noqa: PLC0415

    source = run.version.path

    def fill(scratch: Path) -> None:
        shutil.copytree(source, scratch, dirs_exist_ok=True)

    output_dir.rmdir()  # it is empty; the bundle gets there whole, by a rename
    write_directory(output_dir, fill)
    return output_dir


def _result(run: Run, directory: Path | None) -> dict[str, Any]:
    version = run.version
    return {
        "run": run.pk,
        "status": run.status,
        "episodes": run.episodes_done,
        "train_seconds": run.train_seconds,
        "failure": run.failure or None,
        "stop_reason": run.stop_reason or None,
        "version": version
        and {
            "id": version.pk,
            "name": version.model.name,
            "number": version.number,
            "sha256": version.sha256,
        },
        "directory": str(directory) if directory else None,
        "evidence": run.evidence,
    }


def _ending(run: Run, directory: Path | None) -> Iterator[str]:
    if run.failure:
        yield f"Run {run.pk} failed: {run.failure}"
        yield "  --verbose shows the details."
    elif run.status == "stopped":
        yield f"Run {run.pk} was stopped after {run.episodes_done:,} episodes. {run.stop_reason}"
    elif run.status == "paused":
        yield f"Run {run.pk} is paused after {run.episodes_done:,} episodes; resume it in the portal."
    elif run.status == "queued":
        yield f"Run {run.pk} waits for a worker; `make run` starts one."
    if run.version:
        yield f"Model {run.version.model.name}:{run.version.number} (version {run.version.pk})"
        yield f"  bundle: {directory}"
        yield f"  try it: agentgym evaluate {run.version.pk}"
