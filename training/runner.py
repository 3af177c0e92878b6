"""The bridge from a run to `training.rl.train.train()`: the only one. Cancelling is leaving the loop."""

from __future__ import annotations

import logging
import shutil
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction

from models_registry.models import Version
from models_registry.services import reference_price, register_version, remove_files
from scenarios.library import library
from training import child, failures, services
from training.models import Run
from training.pulse import Pulse
from training.rl.config import parse_config
from training.rl.cost import apply_prices
from training.rl.progress import Progress
from training.rl.stopping import StopTraining

if TYPE_CHECKING:
    from models_registry.artifacts.bundle import Weights

Steps = Generator[Progress, None, None]
logger = logging.getLogger(__name__)

WRITE_SECONDS = 0.25
MOST_BUFFERED = 10_000
"""Progress kept while PostgreSQL is away; beyond it the oldest is dropped."""


def execute(
    run_id: int,
    *,
    lease_owner: str = "",
    parent: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> None:
    """Train one queued run to its end; returns at once where the run is not queued (any more).

    Every ending is written to the row: succeeded, stopped (with what was learned), failed (with a reason), or
    queued again where this process has to go. parent: the process whose death means that this one has to go.
    on_progress: sees every progress once it is kept (the command line shows it).
    """
    run = services.claim(run_id, lease_owner=lease_owner or child.new_lease_owner())
    if run is None:
        logger.info("Run %s is not queued; nothing to do.", run_id)
        return
    work = _Work(run, on_progress)
    try:
        with Pulse(run, parent=parent) as pulse:
            work.carry_out(pulse)
    except services.LeaseLost as lost:
        logger.warning("%s Leaving.", lost)
    except Exception as error:
        logger.exception("Run %s failed", run_id)
        work.close_failed(error)


class _Work:
    """One attempt at one run: what it has buffered and what it has learned so far."""

    def __init__(self, run: Run, on_progress: Callable[[Progress], None] | None = None) -> None:
        self.run, self.on_progress = run, on_progress
        self.weights: Weights | None = None
        self.evidence: dict[str, Any] | None = None
        self.episodes = 0
        self._buffer: list[Progress] = []
        self._write_at = 0.0

    def carry_out(self, pulse: Pulse) -> None:
        """Train until the end or an order. Raises `LeaseLost`, and whatever the trainer raises."""
        with closing(_start_training(self.run)) as steps:
            while pulse.order is None and (progress := _next(steps, pulse)) is not None:
                self.take(progress)
            if pulse.order == "stop" and self.evidence is None:
                self._take_last(steps)
        if pulse.order == "lost":
            raise services.LeaseLost(
                f"Run {self.run.pk}: attempt {self.run.attempt} no longer holds it."
            )
        self.write()
        if self.evidence is not None:
            self.close_finished(self.evidence)
        elif pulse.order == "leave":
            services.release(self.run, reason="The worker was shut down.")
        elif pulse.order == "stop":
            self.close_stopped("Stopped on request.")
        else:
            raise RuntimeError("the trainer ended without evidence")

    def _take_last(self, steps: Steps) -> None:
        """Ask the trainer for what it has learned since the last checkpoint."""
        with suppress(StopTraining, StopIteration):
            self.take(steps.throw(StopTraining()))

    def take(self, progress: Progress) -> None:
        """Keep one progress: weights and evidence at once, rows at most four times a second."""
        self.episodes = progress.episodes
        if progress.weights is not None:
            failures.check_finite(progress.weights, episodes=progress.episodes)
            self.weights = progress.weights
            if progress.phase == "training":
                self._save_checkpoint(progress)
        self.evidence = progress.evidence or self.evidence
        self._buffer.append(_without_weights(progress))
        if time.monotonic() >= self._write_at:
            self.write(patient=True)
        if self.on_progress:
            self.on_progress(progress)

    def write(self, *, patient: bool = False) -> None:
        """Write what is buffered. patient: where PostgreSQL is away, keep it for the next time instead of raising."""
        try:
            services.record(self.run, *self._buffer)
        except (OperationalError, InterfaceError):
            if not patient:
                raise
            logger.warning("Run %s: PostgreSQL is away; keeping %d", self.run.pk, len(self._buffer))
            connection.close()
            self._buffer = self._buffer[-MOST_BUFFERED:]
        else:
            self._buffer = []
        self._write_at = time.monotonic() + WRITE_SECONDS

    def _save_checkpoint(self, progress: Progress) -> None:
        from training.rl.checkpoint import save_checkpoint  # noqa: PLC0415 (may load torch)

        save_checkpoint(checkpoint_directory(self.run), progress)
        services.note_checkpoint(self.run, episodes=progress.episodes)

    def close_finished(self, evidence: dict[str, Any]) -> None:
        """Register the version and end the run, both or neither."""
        if self.weights is None:
            raise RuntimeError("the trainer ended without weights")
        evidence = _with_prices(evidence)
        with _registered(self.run, self.weights, self.episodes, evidence) as version:
            services.finish(self.run, version=version, evidence=evidence)

    def close_stopped(self, reason: str) -> None:
        """End the run early; what was learned until the last weights is registered, marked as stopped."""
        if self.weights is None:
            services.stop(self.run, reason=f"{reason} Nothing was learned yet.")
            return
        with _registered(self.run, self.weights, self.episodes, None) as version:
            services.stop(self.run, reason=reason, version=version)

    def close_failed(self, error: Exception) -> None:
        """End the run with a reason in words; the traceback goes to the run's events."""
        with suppress(Exception):
            self.write()
        trace = "".join(traceback.format_exception(error))[-20_000:]
        try:
            services.fail(self.run, failure=failures.explain(error), detail={"traceback": trace})
        except services.LeaseLost as lost:
            logger.warning("%s Its failure is not written.", lost)


def checkpoint_directory(run: Run) -> Path:
    """Where a run's checkpoints lie."""
    return Path(settings.RUNS_DIR) / str(run.pk) / "checkpoints"


def _start_training(run: Run) -> Steps:
    from training.rl.train import train  # noqa: PLC0415 (the one door to torch)

    if run.attempt == 1:
        # Ids start again with a new database; checkpoints of its predecessor are not this run's.
        shutil.rmtree(checkpoint_directory(run), ignore_errors=True)
    return train(parse_config(run.config))


def _next(steps: Steps, pulse: Pulse) -> Progress | None:
    """The trainer's next progress; None at its end, or where an order interrupted it."""
    try:
        with pulse.interruptible():
            return next(steps, None)
    except StopTraining:
        return None


def _without_weights(progress: Progress) -> Progress:
    # Weights and optimizer state are megabytes, and no row holds them.
    return replace(progress, weights=None, state=None, evidence=None)


def _with_prices(evidence: dict[str, Any]) -> dict[str, Any]:
    """The evidence with money by the price book, where the book marks a reference."""
    prices = reference_price()
    return apply_prices(evidence, prices) if prices and "cost" in evidence else evidence


@contextmanager
def _registered(
    run: Run, weights: Weights, episodes: int, evidence: dict[str, Any] | None
) -> Iterator[Version]:
    """A version that exists, row and files, only if the block's own write succeeds."""
    from training.rl.train import manifest  # noqa: PLC0415 (loads torch, which is loaded by now)

    facts = manifest(parse_config(run.config), library.get(run.scenario.key)())
    facts |= {
        "run": run.pk,
        "episodes": episodes,
        "stopped": evidence is None,
        "evidence": evidence,
    }
    version: Version | None = None
    try:
        with transaction.atomic():
            version = register_version(
                owner=run.owner,
                name=run.scenario.key,
                scenario=run.scenario,
                weights=weights,
                manifest=facts,
                evidence=evidence,
            )
            yield version
    except BaseException:
        if version is not None:
            remove_files(version)
        raise
