"""From a queued row to its end, whatever the trainer does."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from models_registry.models import Version
from training import checkpoints, pulse, runner, services
from training.models import Run
from training.rl.config import ConfigError
from training.rl.progress import Progress
from training.rl.stopping import StopTraining
from training.tests.progress import EVIDENCE, WEIGHTS, MakeRun, Trainer, done, sample, saved, step

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick_pulse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "LISTEN_SECONDS", 0.05)
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 0.2)


def ask_to_stop(run: Run) -> None:
    """What the stop button does, from another connection."""

    def work() -> None:
        services.request_stop(run=Run.objects.get(pk=run.pk), actor=None)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_a_run_that_succeeds_registers_a_version_with_its_evidence(
    make_run: MakeRun, trainer: Trainer
) -> None:
    def train() -> Iterator[Progress]:
        yield step(10, samples=(sample(), sample("first_success")))
        yield saved(20)
        yield step(40, phase="evidence", metrics={}, fraction=0.5)
        yield done(samples=(sample("evidence"),))

    trainer(train)
    run = make_run()
    runner.execute(run.pk)
    run.refresh_from_db()
    assert (run.status, run.phase, run.episodes_done) == ("succeeded", "done", 40)
    assert run.evidence == EVIDENCE
    assert run.version is not None
    assert run.version.evidence == EVIDENCE
    assert run.version.manifest["config"]["scenario"] == "echo"
    assert (run.version.path / "policy.safetensors").is_file()
    assert list(run.points.values_list("seq", "episodes")) == [(1, 10), (2, 20)]
    assert list(run.episodes.order_by("seq").values_list("reason", flat=True)) == [
        "periodic", "first_success", "evidence",
    ]  # fmt: skip
    checkpoint = run.checkpoints.get()
    assert (checkpoint.episodes, checkpoint.last_seq, checkpoint.last_episode_seq) == (20, 2, 2)
    assert checkpoints.read(checkpoint).facts["episodes"] == 20
    kinds = list(run.events.values_list("kind", flat=True))
    assert kinds == ["created", "started", "checkpoint", "finished"]


def test_a_run_is_executed_once_however_often_the_message_comes(
    make_run: MakeRun, trainer: Trainer
) -> None:
    trainer(lambda: iter(()))
    run = services.claim(make_run().pk, lease_owner="another")
    assert run is not None
    runner.execute(run.pk)
    run.refresh_from_db()
    assert (run.status, run.attempt, run.lease_owner) == ("running", 1, "another")


def test_a_stop_between_two_updates_keeps_what_was_learned(
    make_run: MakeRun, trainer: Trainer
) -> None:
    run = make_run()

    def train() -> Iterator[Progress]:
        yield step(10, weights=WEIGHTS)
        ask_to_stop(run)
        for episodes in range(11, 10_000):
            time.sleep(0.01)
            yield step(episodes)

    trainer(train)
    started = time.monotonic()
    runner.execute(run.pk)
    run.refresh_from_db()
    assert time.monotonic() - started < 2
    assert run.status == "stopped"
    assert run.stop_reason == "Stopped on request."
    assert run.version is not None
    assert run.version.is_partial
    assert run.version.evidence is None


def test_a_trainer_that_knows_the_request_hands_over_its_present_weights(
    make_run: MakeRun, trainer: Trainer
) -> None:
    run = make_run()

    def train() -> Iterator[Progress]:
        try:
            yield step(1)
            ask_to_stop(run)
            while True:
                time.sleep(30)
        except StopTraining:
            yield step(17, weights=WEIGHTS)

    trainer(train)
    runner.execute(run.pk)
    run.refresh_from_db()
    assert (run.status, run.episodes_done) == ("stopped", 17)
    assert run.version is not None
    assert run.version.manifest["episodes"] == 17


def test_a_trainer_that_computes_for_long_is_interrupted(
    make_run: MakeRun, trainer: Trainer
) -> None:
    run = make_run()

    def train() -> Iterator[Progress]:
        yield step(1)
        ask_to_stop(run)
        time.sleep(30)
        yield step(2)

    trainer(train)
    started = time.monotonic()
    runner.execute(run.pk)
    run.refresh_from_db()
    assert time.monotonic() - started < 2
    assert (run.status, run.version) == ("stopped", None)
    assert run.stop_reason == "Stopped on request. Nothing was learned yet."


def test_a_run_whose_lease_was_taken_writes_nothing_more(
    make_run: MakeRun, trainer: Trainer
) -> None:
    run = make_run()

    def train() -> Iterator[Progress]:
        yield step(1)
        Run.objects.filter(pk=run.pk).update(status="queued", lease_owner="")
        while True:
            time.sleep(0.01)
            yield step(2)

    trainer(train)
    runner.execute(run.pk)
    run.refresh_from_db()
    assert (run.status, run.finished_at, run.last_seq) == ("queued", None, 1)


def test_a_worker_that_is_told_to_go_gives_its_run_back(
    make_run: MakeRun, trainer: Trainer
) -> None:
    def train() -> Iterator[Progress]:
        yield step(1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
        yield step(2)

    trainer(train)
    run = make_run()
    runner.execute(run.pk)
    run.refresh_from_db()
    assert (run.status, run.losses) == ("queued", 0)
    assert run.events.last().kind == "requeued"  # type: ignore[union-attr]


def test_a_process_whose_worker_died_gives_its_run_back(
    make_run: MakeRun, trainer: Trainer
) -> None:
    def train() -> Iterator[Progress]:
        yield step(1)
        time.sleep(30)

    trainer(train)
    run = make_run()
    runner.execute(run.pk, parent=1)
    run.refresh_from_db()
    assert run.status == "queued"


def test_ctrl_c_stops_softly_and_keeps_what_was_learned(
    make_run: MakeRun, trainer: Trainer
) -> None:
    def train() -> Iterator[Progress]:
        yield step(1, weights=WEIGHTS)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(30)

    trainer(train)
    run = make_run()
    runner.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "stopped"
    assert run.version is not None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "Out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "Out of memory"),
        (ZeroDivisionError("loss is NaN."), "diverged: loss is NaN. Try"),
        (OSError(28, "No space left on device"), "The disk is full"),
        (ConfigError({"seed": "must be a number"}), "settings are no longer valid: seed"),
        (KeyError("secret path /root/x"), "An unexpected error"),
    ],
)
def test_a_failure_has_words_for_the_owner_and_a_traceback_for_staff(
    make_run: MakeRun, trainer: Trainer, error: Exception, words: str
) -> None:
    def train() -> Iterator[Progress]:
        yield step(1)
        raise error

    trainer(train)
    run = make_run()
    runner.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "failed"
    assert words in run.failure
    assert "Traceback" not in run.failure
    assert "/root" not in run.failure
    assert "Traceback" in run.events.last().detail["traceback"]  # type: ignore[union-attr]
    assert run.last_seq == 1


def test_a_full_disk_at_a_checkpoint_leaves_the_earlier_one(
    make_run: MakeRun, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    def train() -> Iterator[Progress]:
        yield saved(10)
        monkeypatch.setattr("training.rl.checkpoint.save_bundle", full)
        yield saved(20)

    trainer(train)
    run = make_run()
    runner.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "failed"
    assert run.failure.startswith("The disk is full")
    assert [c.episodes for c in run.checkpoints.all()] == [10]
    assert len(list(checkpoints.directory(run.pk).iterdir())) == 1
    assert checkpoints.newest_good(run.pk) is not None


def test_weights_that_are_not_finite_end_the_run(make_run: MakeRun, trainer: Trainer) -> None:
    bad = {"table": np.array([np.nan], dtype=np.float32)}
    trainer(lambda: iter([saved(10, weights=bad)]))
    run = make_run()
    runner.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "failed"
    assert "diverged" in run.failure
    assert not checkpoints.directory(run.pk).exists()


def test_a_version_without_its_run_is_not_left_behind(
    make_run: MakeRun, trainer: Trainer, monkeypatch: pytest.MonkeyPatch, alice: User
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise services.LeaseLost("gone")

    monkeypatch.setattr(services, "finish", lost)
    trainer(lambda: iter([done()]))
    runner.execute(make_run().pk)
    assert not Version.objects.exists()
    assert not [f for f in Path(settings.MODELS_DIR).rglob("*") if f.is_file()]


@pytest.mark.parametrize("last", [step(40), done(weights=None)])
def test_a_trainer_that_ends_too_early_is_a_failure(
    make_run: MakeRun, trainer: Trainer, last: Progress
) -> None:
    trainer(lambda: iter([last]))
    run = make_run()
    runner.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "failed"


def test_a_scenario_that_is_gone_is_named(make_run: MakeRun) -> None:
    run = make_run()
    Run.objects.filter(pk=run.pk).update(config={"scenario": "echoo"})
    runner.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "failed"
    assert "Did you mean 'echo'" in run.failure
