"""The pulse beside a training, when PostgreSQL or the lease goes away; and a runner that buffers meanwhile."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError

from models_registry.models import Price
from training import checkpoints, pulse, runner, services
from training.models import Run
from training.pulse import Pulse
from training.rl.progress import Progress
from training.tests.progress import EVIDENCE, WEIGHTS, MakeRun, Trainer, done, step

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "LISTEN_SECONDS", 0.02)
    monkeypatch.setattr(pulse, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(runner, "WRITE_SECONDS", 0.0)


def wait_for(what: Callable[[], object], seconds: float = 5) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)


def failing(times: int, then: Callable[..., None]) -> Callable[..., None]:
    """`then`, after it has failed so many times because PostgreSQL is away."""
    left = [times]

    def call(*args: object, **more: object) -> None:
        if left[0]:
            left[0] -= 1
            raise OperationalError("away")
        then(*args, **more)

    return call


def test_the_lease_is_renewed_while_nothing_else_happens(running: Run) -> None:
    with Pulse(running):
        Run.objects.filter(pk=running.pk).update(heartbeat_at=None)
        wait_for(lambda: Run.objects.get(pk=running.pk).heartbeat_at)


def test_a_pulse_outlives_a_database_that_is_away(
    running: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "heartbeat", failing(2, services.heartbeat))
    with Pulse(running) as beat:
        Run.objects.filter(pk=running.pk).update(status="stopping")
        wait_for(lambda: beat.order == "stop")


def test_the_lease_lives_on_while_a_stopped_run_is_being_closed(
    running: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Pulse(running) as beat:
        services.request_stop(run=Run.objects.get(pk=running.pk), actor=None)
        wait_for(lambda: beat.order == "stop")
        monkeypatch.setattr(services, "heartbeat", failing(1, services.heartbeat))
        Run.objects.filter(pk=running.pk).update(heartbeat_at=None)
        wait_for(lambda: Run.objects.get(pk=running.pk).heartbeat_at)
        Run.objects.filter(pk=running.pk).update(lease_owner="another")
        wait_for(lambda: beat.order == "lost")


def test_an_order_to_leave_stands_whatever_comes_after(running: Run) -> None:
    with Pulse(running, parent=1) as beat:
        wait_for(lambda: beat.order == "leave")
        os.kill(os.getpid(), signal.SIGTERM)
        assert beat.order == "leave"


def test_a_second_ctrl_c_is_a_keyboard_interrupt(running: Run) -> None:
    with Pulse(running) as beat:
        os.kill(os.getpid(), signal.SIGINT)
        assert beat.order == "stop"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_somebody_elses_ctrl_c_handler_stays(running: Run) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with Pulse(running) as beat:
            os.kill(os.getpid(), signal.SIGINT)
            wait_for(lambda: heard)
            assert beat.order is None
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_late_interrupt_outside_the_trainer_is_ignored(running: Run) -> None:
    with Pulse(running):
        os.kill(os.getpid(), signal.SIGUSR1)
        time.sleep(0.05)


def test_outside_the_main_thread_no_handler_is_touched(running: Run) -> None:
    before = signal.getsignal(signal.SIGTERM)
    inside: list[object] = []

    def work() -> None:
        with Pulse(running):
            inside.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert inside == [before]


def test_rows_wait_while_the_database_is_away_and_come_complete(
    make_run: MakeRun, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train() -> Iterator[Progress]:
        for episodes in (1, 2, 3, 4):
            yield step(episodes)
        yield done()

    trainer(train)
    monkeypatch.setattr(services, "record", failing(3, services.record))
    run = make_run()
    runner.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "succeeded"
    assert list(run.points.values_list("seq", "episodes")) == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_a_database_that_stays_away_fails_the_run(
    make_run: MakeRun, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer(lambda: iter([step(1), done()]))
    monkeypatch.setattr(services, "record", failing(99, services.record))
    run = make_run()
    runner.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "failed"


def test_a_failure_of_a_lost_run_is_not_written(make_run: MakeRun, trainer: Trainer) -> None:
    run = make_run()

    def train() -> Iterator[Progress]:
        yield step(1)
        Run.objects.filter(pk=run.pk).update(status="queued", lease_owner="")
        raise RuntimeError("too late")

    trainer(train)
    runner.execute(run.pk)
    run.refresh_from_db()
    assert (run.status, run.failure) == ("queued", "")


def test_a_display_is_told_every_progress(make_run: MakeRun, trainer: Trainer) -> None:
    told: list[Progress] = []
    trainer(lambda: iter([step(1), step(2), done()]))
    runner.execute(make_run().pk, on_progress=told.append)
    assert [progress.episodes for progress in told] == [1, 2, 40]
    assert told[-1].weights is WEIGHTS


def test_money_in_evidence_follows_the_price_book(
    make_run: MakeRun, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Price.objects.all().delete()
    Price.objects.create(
        model="ours",
        input_per_million=1,
        output_per_million=2,
        as_of="2026-11-01",
        is_reference=True,
    )
    monkeypatch.setattr(
        runner, "apply_prices", lambda evidence, prices: evidence | {"prices": prices["model"]}
    )
    run = make_run()
    trainer(lambda: iter([done(evidence=EVIDENCE | {"cost": {}})]))
    runner.execute(run.pk)
    run.refresh_from_db()
    assert run.evidence is not None
    assert run.evidence["prices"] == "ours"


def test_checkpoints_of_an_older_database_are_not_mistaken_for_this_runs(
    make_run: MakeRun, trainer: Trainer
) -> None:
    run = make_run()
    stale = checkpoints.directory(run.pk) / "episode-000000001"
    stale.mkdir(parents=True)
    trainer(lambda: iter([done()]))
    runner.execute(run.pk)
    assert not stale.exists()
