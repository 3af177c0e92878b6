"""Working on a study in this process's own children: what `agentgym optimize` does, with or without workers beside it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator

from training import child, services, studies
from training.models import Run
from training.studies_models import Study, Trial
from training.studies_search import advance

LOOK_SECONDS = 0.1
REAP_SECONDS = 5.0
GRACE_SECONDS = 30.0


class Workshop:
    """Children that train the runs of one study, so many at a time. A context; leaving it ends them in good order.

    Workers of the portal may take runs of the same study; whoever is first has it.
    """

    def __init__(self, study: Study, jobs: int) -> None:
        self.study, self.jobs = study, jobs
        self._children: dict[int, tuple[subprocess.Popen[bytes], str]] = {}
        self._reap_at = 0.0
        self._said: set[int] = set()

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, *why: object) -> None:
        """Children that are still at work give their runs back."""
        for process, _owner in self._children.values():
            process.terminate()
        for run_id, (process, owner) in self._children.items():
            try:
                code = process.wait(timeout=GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            if code:
                services.report_lost(run_id=run_id, lease_owner=owner, reason="It had to end.")

    def work(self) -> Iterator[Trial]:
        """Until the study has ended, or is paused and rests; yields every trial as it ends."""
        while True:
            advance(self.study.pk)
            self._collect()
            self._start()
            yield from self._news()
            self.study.refresh_from_db()
            if (self.study.is_finished or self._rests) and not self._children:
                return
            time.sleep(LOOK_SECONDS)

    @property
    def _rests(self) -> bool:
        return self.study.status == Study.Status.PAUSED

    def _collect(self) -> None:
        for run_id, (process, owner) in list(self._children.items()):
            code = process.poll()
            if code is None:
                continue
            del self._children[run_id]
            if code:
                reason = f"The training process ended with code {code}."
                services.report_lost(run_id=run_id, lease_owner=owner, reason=reason)
        if time.monotonic() >= self._reap_at:
            services.reap_expired_leases()
            self._reap_at = time.monotonic() + REAP_SECONDS

    def _start(self) -> None:
        free = self.jobs - len(self._children)
        if free <= 0 or self._rests:
            return
        queued = studies.runs_of(self.study).filter(status=Run.Status.QUEUED).order_by("created_at")
        for run_id in queued.exclude(pk__in=self._children).values_list("pk", flat=True)[:free]:
            owner = child.new_lease_owner()
            self._children[run_id] = child.spawn(run_id, owner), owner

    def _news(self) -> Iterator[Trial]:
        over = self.study.trials.exclude(status=Trial.Status.RUNNING).exclude(pk__in=self._said)
        for trial in over.order_by("finished_at", "pk"):
            self._said.add(trial.pk)
            yield trial


def places(study: Study) -> int:
    """How many runs this machine takes at the same time, where the study does not say."""
    wanted = study.plan.jobs
    collectors = int(study.plan.settings.get("collectors", 2))
    return wanted or max(1, (os.cpu_count() or 1) // collectors)
