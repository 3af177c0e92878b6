"""The bridge from a run to `training.rl.train.train()`: the only one. Cancelling is leaving the loop."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError, connection, transaction

from models_registry.models import Version
from models_registry.services import reference_price, register_version, remove_files
from scenarios.services import provide
from scenarios.sources.catalogue import find
from training import budget, changes, checkpoints, child, failures, services, studies_runs
from training.models import Change, Checkpoint, Run
from training.pulse import Pulse
from training.rl.config import parse_config
from training.rl.cost import apply_prices
from training.rl.progress import Progress
from training.rl.stopping import StopTraining

if TYPE_CHECKING:
    from models_registry.artifacts.bundle import Weights
    from training.rl.train import Steps

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
        provide(run.scenario.key, run.scenario_hash)
        with Pulse(run, parent=parent) as pulse:
            work.carry_out(pulse)
    except services.LeaseLost as lost:
        logger.warning("%s Leaving.", lost)
    except Exception as error:
        logger.exception("Run %s failed", run_id)
        work.close_failed(error)
    finally:
        if work.trial is not None:
            work.trial.over()


class _Work:
    """One attempt at one run: what it has buffered and what it has learned so far."""

    def __init__(self, run: Run, on_progress: Callable[[Progress], None] | None = None) -> None:
        self.run, self.on_progress = run, on_progress
        self.trial = studies_runs.trial_of(run)
        self.weights: Weights | None = None
        self.evidence: dict[str, Any] | None = None
        self.episodes = 0
        self.began = time.monotonic()
        self.applied: dict[int, list[Change]] = {}
        """Changes by the update at which they take effect, those of earlier starts included."""
        self._buffer: list[Progress] = []
        self._write_at = 0.0

    def carry_out(self, pulse: Pulse) -> None:
        """Train until the end or an order. Raises `LeaseLost`, and whatever the trainer raises."""
        spent = ""
        with closing(self._start()) as steps:
            wishes: dict[str, Any] | None = None
            while pulse.order is None and (progress := _next(steps, wishes, pulse)) is not None:
                self.take(progress)
                if pulse.pausing and self._pause(progress):
                    return
                if spent := self._ends_early(progress):
                    break
                wishes = self._wishes(progress, pulse)
            if (spent or pulse.order == "stop") and self.evidence is None:
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
        elif spent or pulse.order == "stop":
            self.close_stopped(spent or "Stopped on request.")
        else:
            raise RuntimeError("the trainer ended without evidence")

    def _ends_early(self, progress: Progress) -> str:
        """Why the run has to stop here: its study gives it up, or a budget is used up; empty where it need not."""
        given_up = self.trial.given_up(progress) if self.trial is not None else ""
        return given_up or budget.used_up(self.run, self.used_seconds)

    @property
    def used_seconds(self) -> float:
        """Seconds of work on the run, those of earlier starts included."""
        return self.run.used_seconds + time.monotonic() - self.began

    def _start(self) -> Steps:
        """The trainer, from where the run has got to, with the changes that are due there."""
        from training.rl.state import TrainerState  # noqa: PLC0415 (loads torch)
        from training.rl.train import train  # noqa: PLC0415 (the one door to torch)

        run, start = self.run, self.run.start
        state = None
        if start is not None:
            saved = checkpoints.read(start)
            self.weights, self.episodes = saved.weights, start.episodes
            state = TrainerState(saved.arrays, saved.facts)
        elif run.parent_id is not None:
            raise failures.CheckpointGone(f"Run {run.pk} has no checkpoint to begin with.")
        else:
            # Ids start again with a new database; checkpoints of its predecessor are not this run's.
            checkpoints.sweep(run.pk)
        done = start.update if start is not None else 0
        self.applied = changes.recorded(run, after=done)
        first = self._due(done + 1, more=changes.waiting(run))
        config = parse_config(run.config)
        if self.trial is not None:
            return train(config, state, first, self.trial.problem(config))
        return train(config, state, first)

    def _due(self, update: int, *, more: Sequence[Change] = ()) -> dict[str, Any]:
        """The new settings from an update on; `more` are changes that take effect there for the first time."""
        due = [*self.applied.get(update, ()), *more]
        if due:
            self.applied[update] = due
        return changes.values(due)

    def _wishes(self, progress: Progress, pulse: Pulse) -> dict[str, Any] | None:
        """What to tell the trainer for its next update; None where there is nothing."""
        if progress.phase != "training":
            return None
        new: list[Change] = []
        if pulse.changes:
            pulse.changes = False
            known = {change.pk for group in self.applied.values() for change in group}
            with suppress(OperationalError, InterfaceError):
                new = [change for change in changes.waiting(self.run) if change.pk not in known]
        wishes = self._due(progress.update + 1, more=new)
        if pulse.pausing:
            wishes["checkpoint"] = True
        return wishes or None

    def _pause(self, progress: Progress) -> bool:
        """Give the run back, if it can go on from just here: after a checkpoint, or during the final test."""
        if progress.state is None and progress.phase != "evidence":
            return False
        self.write()
        return services.pause(self.run)

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
        self.evidence = progress.evidence or self.evidence
        self._buffer.append(_without_weights(progress))
        if progress.weights is not None and progress.state is not None:
            self.write(patient=True, checkpoint=checkpoints.write(self.run, progress))
        elif time.monotonic() >= self._write_at:
            self.write(patient=True)
        if self.on_progress:
            self.on_progress(progress)

    def write(self, *, patient: bool = False, checkpoint: Checkpoint | None = None) -> None:
        """Write what is buffered. patient: where PostgreSQL is away, keep it for the next time instead of raising.

        A checkpoint whose row cannot be written is lost: its place among the points would not be certain later.
        """
        try:
            services.record(
                self.run,
                *self._buffer,
                applied=self.applied,
                checkpoint=checkpoint,
                used_seconds=self.used_seconds,
            )
        except (OperationalError, InterfaceError):
            if not patient:
                raise
            logger.warning("Run %s: PostgreSQL is away; keeping %d", self.run.pk, len(self._buffer))
            connection.close()
            self._buffer = self._buffer[-MOST_BUFFERED:]
        else:
            self._buffer = []
        self._write_at = time.monotonic() + WRITE_SECONDS

    def close_finished(self, evidence: dict[str, Any]) -> None:
        """Register the version and end the run, both or neither."""
        if self.weights is None:
            raise RuntimeError("the trainer ended without weights")
        evidence = _with_prices(evidence)
        if self.trial is not None:
            self.trial.close(self.run, evidence, _manifest(self.run, self.episodes, evidence))
            return
        with _registered(self.run, self.weights, self.episodes, evidence) as version:
            services.finish(self.run, version=version, evidence=evidence)

    def close_stopped(self, reason: str) -> None:
        """End the run early; what was learned until the last weights is registered, marked as stopped."""
        if self.trial is not None:
            self.trial.stop(self.run, reason=reason)
            return
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


def _next(steps: Steps, wishes: dict[str, Any] | None, pulse: Pulse) -> Progress | None:
    """The trainer's next progress; None at its end, or where an order interrupted it. wishes: for its next update."""
    try:
        with pulse.interruptible():
            return steps.send(wishes)
    except (StopTraining, StopIteration):
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
    facts = _manifest(run, episodes, evidence)
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


def _manifest(run: Run, episodes: int, evidence: dict[str, Any] | None) -> dict[str, Any]:
    """What a bundle with this run's weights says of itself."""
    from training.rl.train import manifest  # noqa: PLC0415 (loads torch, which is loaded by now)

    facts = manifest(parse_config(changes.config_of(run)), find(run.scenario.key))
    return facts | {
        "run": run.pk,
        "episodes": episodes,
        "stopped": evidence is None,
        "changes": [
            {
                "update": change.update,
                "episodes": change.episodes,
                "before": change.before,
                "after": change.after,
            }
            for change in run.changes.exclude(update=None).order_by("pk")
        ],
        "evidence": evidence,
        "calibration": (evidence or {}).get("calibration", {}).get("fit"),
    }
