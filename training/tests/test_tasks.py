"""Messages, and real training processes: started, watched, killed, told to go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django.db
import kombu.exceptions
import pytest
from django.db import connection
from pytest_django import DjangoCaptureOnCommitCallbacks

from models_registry.artifacts.bundle import load_bundle
from training import child, process, services, tasks
from training.models import Run
from training.reaping import note_message
from training.tests.progress import MakeRun

SMALL = {
    "episodes": 48, "environments": 8, "rollout_steps": 8, "batch_size": 32, "evaluation_tasks": 4,
    "evaluation_attempts": 1, "checkpoint_interval": 16,
}  # fmt: skip
ENDLESS = SMALL | {"episodes": 10_000_000, "checkpoint_interval": 10_000_000}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Run ids whose message was sent."""
    found: list[int] = []

    def send(args: list[int], expires: int) -> None:
        found.extend(args)

    monkeypatch.setattr(tasks.train_run, "apply_async", send)
    return found


@pytest.fixture
def real(
    process_env: dict[str, str], monkeypatch: pytest.MonkeyPatch, sent: list[int]
) -> Iterator[None]:
    """Real training processes, on the test's database; none outlives its test."""
    children: list[subprocess.Popen[bytes]] = []
    spawn = child.spawn

    def remembered(run_id: int, owner: str) -> subprocess.Popen[bytes]:
        children.append(spawn(run_id, owner))
        return children[-1]

    monkeypatch.setenv("DATABASE_URL", process_env["DATABASE_URL"])
    monkeypatch.setattr(child, "spawn", remembered)
    yield
    for one in children:
        one.kill()
        one.wait()


class Worker:
    """`train_run` in a thread, as Celery's thread pool runs it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def _work(self) -> None:
        try:
            tasks.train_run(self.run.pk)
        finally:
            connection.close()

    def wait_until(self, what: Callable[[Run], Any], seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not what(self.run):
            assert time.monotonic() < until, f"still {self.run.status} {self.run.failure}"
            time.sleep(0.02)
            self.run.refresh_from_db()

    def process_id(self) -> int:
        return int(self.run.lease_owner.split(":")[1])


@pytest.mark.slow
@pytest.mark.usefixtures("real")
def test_a_real_run_trains_echo_in_a_process_of_its_own(make_run: MakeRun) -> None:
    run = make_run(**SMALL)
    tasks.train_run(run.pk)
    run.refresh_from_db()
    assert run.status == "succeeded", run.failure
    assert run.version is not None
    assert run.evidence is not None
    assert run.evidence["weights_sha256"] == run.version.sha256
    assert load_bundle(run.version.path).manifest["run"] == run.pk
    assert run.points.exists()
    assert run.episodes.filter(reason="evidence").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("real")
def test_a_stop_takes_less_than_two_seconds_and_keeps_what_was_learned(make_run: MakeRun) -> None:
    worker = Worker(make_run(**ENDLESS))
    worker.wait_until(lambda run: run.last_seq > 2)
    started = time.monotonic()
    services.request_stop(run=worker.run, actor=None)
    worker.wait_until(lambda run: run.status == "stopped", 10)
    assert time.monotonic() - started < 2
    worker.thread.join(10)


@pytest.mark.slow
@pytest.mark.usefixtures("real")
def test_a_killed_process_is_noticed_at_once_and_its_run_queued_again(
    make_run: MakeRun, sent: list[int]
) -> None:
    worker = Worker(make_run(**ENDLESS))
    worker.wait_until(lambda run: run.last_seq > 0)
    os.kill(_spawned(worker.run), signal.SIGKILL)
    worker.wait_until(lambda run: run.status == "queued", 5)
    worker.thread.join(10)
    assert worker.run.losses == 1
    assert worker.run.events.get(kind="requeued").detail["reason"].endswith("killed by SIGKILL.")
    assert sent == [worker.run.pk]


@pytest.mark.slow
@pytest.mark.usefixtures("real")
def test_a_worker_that_shuts_down_gives_its_run_back(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_shutting_down", threading.Event())
    worker = Worker(make_run(**ENDLESS))
    worker.wait_until(lambda run: run.last_seq > 0)
    tasks._note_shutdown()
    worker.wait_until(lambda run: run.status == "queued", 10)
    worker.thread.join(10)
    assert worker.run.losses == 0


@pytest.mark.slow
@pytest.mark.usefixtures("real")
def test_a_process_whose_worker_was_killed_gives_its_run_back(make_run: MakeRun) -> None:
    run = make_run(**ENDLESS)
    code = f"from training import child; import os, django; django.setup(); child.spawn({run.pk}, 'a:b:c').wait()"
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    until = time.monotonic() + 60
    while run.last_seq == 0:
        assert time.monotonic() < until
        time.sleep(0.05)
        run.refresh_from_db()
    worker.kill()
    worker.wait()
    while run.status != "queued":
        assert time.monotonic() < until
        time.sleep(0.05)
        run.refresh_from_db()
    assert run.losses == 0


def _outcome(run: Run) -> dict[str, Any]:
    """What a run ends with, apart from measured times."""
    run.refresh_from_db()
    assert run.status == "succeeded", run.failure
    assert run.version is not None
    assert run.evidence is not None
    points = run.points.order_by("seq").values_list("seq", "episodes", "env_steps", "values")
    trained = run.evidence["agents"]["trained"]
    return {
        "weights": run.version.sha256,
        "points": [(*p[:3], p[3] | {"steps_per_second": 0}) for p in points],
        "episodes": list(run.episodes.order_by("seq").values_list("seq", "task_id", "steps")),
        "evidence": [trained[name] for name in ("success", "tool_reliability", "failures")],
    }


@pytest.mark.slow
@pytest.mark.usefixtures("real", "sent")
def test_a_killed_run_ends_as_if_nothing_had_happened(make_run: MakeRun) -> None:
    values = SMALL | {"episodes": 600, "checkpoint_interval": 100, "collectors": 1}
    whole, broken = make_run(**values), make_run(**values)
    for run in (whole, broken):
        services.request_change(run=run, actor=None, values={"entropy_coefficient": 0.01})
    tasks.train_run(whole.pk)
    worker = Worker(broken)
    worker.wait_until(lambda run: run.checkpoints.exists())
    os.kill(_spawned(worker.run), signal.SIGKILL)
    worker.thread.join(20)
    broken.refresh_from_db()
    assert (broken.status, broken.attempt) == ("queued", 1)
    tasks.train_run(broken.pk)
    assert _outcome(broken) == _outcome(whole)
    assert broken.attempt == 2
    assert broken.events.filter(kind="started").last().detail["episodes"] >= 100  # type: ignore[union-attr]


def _spawned(run: Run) -> int:
    """The process id of the run's training, from the system's table of processes."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if run.lease_owner.encode() in words:
            return int(folder.name)
    raise AssertionError("no such process")


def test_a_process_that_ends_badly_before_its_claim_counts_as_a_loss(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, sent: list[int]
) -> None:
    monkeypatch.setattr(
        child, "spawn", lambda *_: subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    )
    run = make_run()
    tasks.train_run(run.pk)
    run.refresh_from_db()
    assert (run.status, run.losses) == ("queued", 1)
    assert (
        run.events.get(kind="requeued").detail["reason"]
        == "The training process ended with code 3."
    )


def test_a_message_about_a_run_that_is_not_queued_is_dropped(
    running: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "spawn", lambda *_: pytest.fail("spawned"))
    tasks.train_run(running.pk)
    tasks.train_run(999_999)


def test_a_process_that_does_not_leave_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_shutting_down", threading.Event())
    monkeypatch.setattr(tasks, "GRACE_SECONDS", 0.1)
    tasks._note_shutdown()
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    stubborn = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert stubborn.stdout is not None
    stubborn.stdout.readline()
    assert tasks._wait(stubborn) == -signal.SIGKILL
    stubborn.stdout.close()


def test_a_waiting_worker_looks_after_other_runs(
    running: Run, monkeypatch: pytest.MonkeyPatch, sent: list[int]
) -> None:
    looked: list[bool] = []

    def look() -> None:
        looked.append(True)
        if len(looked) == 1:
            raise django.db.OperationalError("away")

    monkeypatch.setattr(tasks, "OTHERS_SECONDS", 0.0)
    monkeypatch.setattr(tasks, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(tasks, "wake_queued_runs", look)
    monkeypatch.setattr(connection, "close", lambda: None)
    short = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.5)"])
    assert tasks._wait(short) == 0
    assert len(looked) > 1


def test_launching_sends_the_message_after_the_commit(
    make_run: MakeRun,
    sent: list[int],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    run = make_run()
    with django_capture_on_commit_callbacks(execute=True):
        tasks.launch(run)
        assert sent == []
    assert sent == [run.pk]


def test_without_redis_the_run_stays_queued_and_the_beat_sends_it_later(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def away(args: list[int], expires: int) -> None:
        tries.extend(args)
        raise kombu.exceptions.OperationalError("Redis is away")

    monkeypatch.setattr(tasks.train_run, "apply_async", away)
    first, second = make_run(), make_run()
    assert not tasks._send(first.pk)
    note_message(second.pk, sent=False)
    tasks.wake_queued_runs()
    assert tries == [first.pk, first.pk]  # one failure is enough to know
    monkeypatch.setattr(tasks.train_run, "apply_async", lambda args, expires: tries.extend(args))
    tasks.wake_queued_runs()
    assert tries[2:] == [first.pk, second.pk]
    tasks.wake_queued_runs()
    assert len(tries) == 4
    first.refresh_from_db()
    assert (first.status, first.woken_at is not None) == ("queued", True)


def test_the_process_trains_what_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(
        "training.runner.execute", lambda run_id, **more: told.append((run_id, more))
    )
    assert process.main(["7", "owner", "123"]) == 0
    assert told == [(7, {"lease_owner": "owner", "parent": 123})]
