"""A trainer that can be killed, and what a web process does while it works."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db.models.functions import Now

from training.rl.progress import Progress
from training.tests.progress import done, sample, saved, step

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from training.models import Run


def elsewhere(work: Callable[[], Any]) -> Any:
    """What a web process does meanwhile: on a connection of its own, heard by the pulse before it returns."""
    from training.tests.test_services import in_threads

    result = in_threads(1, lambda _: work())[0]
    time.sleep(0.15)
    return result


class Killed(BaseException):
    """SIGKILL, as far as the run can tell: nothing is written any more."""


def killed(run: Run) -> None:
    """Run it until its trainer raises `Killed`, then let the lease end."""
    from training import runner, services
    from training.models import Run

    with pytest.raises(Killed):
        runner.execute(run.pk)
    Run.objects.filter(pk=run.pk).update(lease_until=Now() - timedelta(seconds=1))
    assert services.reap_expired_leases() == [run.pk]


class Counting:
    """A trainer that counts to 40 from where it was left, with a checkpoint every ten; killed once at `dies`."""

    def __init__(self, dies: int = 0, **samples: Any) -> None:
        self.dies, self.samples = dies, samples
        self.starts: list[tuple[int, dict[str, Any]]] = []
        self.told: dict[int, dict[str, Any]] = {}

    def __call__(self, resume: Any, first: Any) -> Iterator[Progress]:
        at = resume.facts["episodes"] if resume else 0
        self.starts.append((at, dict(first)))
        asked = dict(first)
        for n in range(at + 1, 41):
            if n == self.dies:
                self.dies = 0
                raise Killed
            if asked:
                self.told[n] = {**self.told.get(n, {}), **asked}
            make = saved if n % 10 == 0 or asked.get("checkpoint") else step
            sent: Any = yield make(n, samples=(sample(task_id=f"t/{n}"),))
            asked = sent or {}
        yield done()


def points(run: Run) -> list[tuple[int, int]]:
    return list(run.points.order_by("seq").values_list("seq", "episodes"))


def changing(run: Run, actor: User, counting: Counting, at: int, **values: Any) -> Callable[..., Iterator[Progress]]:  # fmt: skip
    """`counting`, with a change that is asked for while update `at` is at work, once."""
    asked: list[bool] = []

    def train(resume: Any, first: Any) -> Iterator[Progress]:
        inner = counting(resume, first)
        sent = None
        while True:
            try:
                progress = inner.send(sent)  # type: ignore[attr-defined]
            except StopIteration:
                return
            if progress.episodes == at and not asked:
                from training import services

                asked.append(True)
                elsewhere(lambda: services.request_change(run=run, actor=actor, values=values))
            sent = yield progress

    return train
