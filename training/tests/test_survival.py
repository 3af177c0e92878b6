"""Runs that go on: after a lost worker, after a pause, until a budget is used up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from pytest_django.fixtures import Settings

from training import checkpoints, pulse, runner, services
from training.models import Run
from training.rl.config import ConfigError
from training.rl.progress import Progress
from training.rl.stopping import StopTraining
from training.tests.progress import WEIGHTS, MakeRun, Trainer, done, saved, step
from training.tests.survival import Counting, elsewhere, killed, points
from training.tests.test_services import in_threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "LISTEN_SECONDS", 0.02)
    monkeypatch.setattr(runner, "WRITE_SECONDS", 0.0)


def test_a_killed_run_goes_on_from_its_last_checkpoint(make_run: MakeRun, trainer: Trainer) -> None:
    counting = Counting(dies=27)
    trainer(counting.__call__)
    run = make_run()
    killed(run)
    run.refresh_from_db()
    assert (run.status, run.last_seq, run.losses) == ("queued", 26, 1)
    runner.execute(run.pk)
    run.refresh_from_db()
    assert [at for at, _ in counting.starts] == [0, 20]
    assert (run.status, run.attempt, run.losses) == ("succeeded", 2, 0)
    assert points(run) == [(n, n) for n in range(1, 41)]
    episodes = list(run.episodes.order_by("seq").values_list("seq", "task_id"))
    assert episodes == [(n, f"t/{n}") for n in range(1, 41)]
    assert run.events.filter(kind="started").last().detail["episodes"] == 20  # type: ignore[union-attr]


def test_what_was_written_after_the_checkpoint_is_gone_as_soon_as_the_run_is_claimed(
    make_run: MakeRun, trainer: Trainer
) -> None:
    trainer(Counting(dies=27).__call__)
    run = make_run()
    killed(run)
    claimed = services.claim(run.pk, lease_owner="me")
    assert claimed is not None
    assert (claimed.last_seq, claimed.episodes_done, claimed.last_episode_seq) == (20, 20, 20)
    assert claimed.latest_metrics == {"reward": 0.5}
    assert points(run)[-1] == (20, 20)


def test_a_damaged_checkpoint_is_passed_over_and_without_any_it_starts_again(
    make_run: MakeRun, trainer: Trainer
) -> None:
    counting = Counting(dies=37)
    trainer(counting.__call__)
    run = make_run()
    killed(run)
    folder = checkpoints.directory(run.pk)
    newest = run.checkpoints.first()
    assert newest is not None
    assert newest.episodes == 30
    (folder / newest.name / "state.safetensors").write_bytes(b"rotten")
    counting.dies = 35
    killed(run)
    assert [at for at, _ in counting.starts] == [0, 20]
    for file in folder.rglob("*.safetensors"):
        file.unlink()
    runner.execute(run.pk)
    assert [at for at, _ in counting.starts] == [0, 20, 0]
    assert points(run) == [(n, n) for n in range(1, 41)]


def test_only_the_newest_checkpoints_stay_and_no_folder_without_a_row(
    make_run: MakeRun, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "KEEP", 2)
    run = make_run()

    def train() -> Iterator[Progress]:
        (checkpoints.directory(run.pk) / ".episode-half-written").mkdir(parents=True)
        for n in (10, 20, 30):
            yield saved(n)
        yield done()

    trainer(train)
    runner.execute(run.pk)
    assert [c.episodes for c in run.checkpoints.all()] == [30, 20]
    names = {path.name for path in checkpoints.directory(run.pk).iterdir()}
    assert names == {c.name for c in run.checkpoints.all()}


def test_losses_without_progress_fail_the_run_and_progress_forgives_them(
    make_run: MakeRun, trainer: Trainer
) -> None:
    counting = Counting()
    trainer(counting.__call__)
    run = make_run()
    for dies in (5, 6, 17, 28, 39, 34, 35):
        counting.dies = dies
        killed(run)
    run.refresh_from_db()
    assert run.status == "failed"
    assert "lost 3 times since its last checkpoint" in run.failure


def test_a_pause_takes_a_checkpoint_and_the_run_goes_on_from_there(
    make_run: MakeRun, trainer: Trainer, alice: User
) -> None:
    run = make_run()
    counting = Counting()

    def train(resume: Any, first: Any) -> Iterator[Progress]:
        inner = counting(resume, first)
        sent = None
        while True:
            try:
                progress = inner.send(sent)  # type: ignore[attr-defined]
            except StopIteration:
                return
            if progress.episodes == 3 and resume is None:
                elsewhere(lambda: services.request_pause(run=run, actor=alice))
            sent = yield progress

    trainer(train)
    runner.execute(run.pk)
    run.refresh_from_db()
    assert (run.status, run.lease_owner, run.last_seq) == ("paused", "", 4)
    assert services.claim(run.pk, lease_owner="late") is None
    assert services.queued_without_message() == []
    run = services.request_resume(run=run, actor=alice)
    assert run.status == "queued"
    runner.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "succeeded"
    assert [at for at, _ in counting.starts] == [0, 4]
    assert points(run) == [(n, n) for n in range(1, 41)]
    asked = run.events.filter(kind__in=("pause_requested", "resumed"))
    assert [event.actor for event in asked] == [alice, alice]


def test_a_pause_in_the_final_test_starts_the_test_again(
    make_run: MakeRun, trainer: Trainer
) -> None:
    run = make_run()
    starts: list[bool] = []

    def train(resume: Any, first: Any) -> Iterator[Progress]:
        starts.append(resume is not None)
        if resume is None:
            yield saved(40)
            elsewhere(lambda: services.request_pause(run=run, actor=None))
            yield step(40, phase="evidence", metrics={})
        yield done()

    trainer(train)
    runner.execute(run.pk)
    run.refresh_from_db()
    assert run.status == "paused"
    services.request_resume(run=run, actor=None)
    runner.execute(run.pk)
    run.refresh_from_db()
    assert (run.status, starts) == ("succeeded", [False, True])


def test_a_pause_that_is_taken_back_changes_nothing_but_the_log(running: Run, alice: User) -> None:
    assert (
        services.request_pause(run=Run.objects.get(pk=running.pk), actor=alice).status == "pausing"
    )
    assert services.orders(running).pause
    assert (
        services.request_resume(run=Run.objects.get(pk=running.pk), actor=alice).status == "running"
    )
    assert services.pause(running) is False
    running.refresh_from_db()
    assert running.status == "running"


def test_a_pausing_run_whose_worker_died_is_paused(running: Run) -> None:
    services.request_pause(run=Run.objects.get(pk=running.pk), actor=None)
    Run.objects.filter(pk=running.pk).update(lease_until=Now() - timedelta(seconds=1))
    services.reap_expired_leases()
    running.refresh_from_db()
    assert running.status == "paused"


@pytest.mark.parametrize("ask", [services.request_pause, services.request_resume])
@pytest.mark.parametrize("status", ["stopping", "stopped", "succeeded", "failed"])
def test_what_ends_can_be_neither_paused_nor_resumed(
    make_run: MakeRun, ask: Callable[..., Run], status: str
) -> None:
    run = make_run()
    Run.objects.filter(pk=run.pk).update(status=status)
    with pytest.raises(services.InvalidTransition, match="only a"):
        ask(run=run, actor=None)


def test_a_waiting_run_pauses_at_once_and_twice_is_harmless(make_run: MakeRun) -> None:
    run = make_run()
    for _ in range(2):
        assert services.request_pause(run=run, actor=None).status == "paused"
    for _ in range(2):
        assert services.request_resume(run=run, actor=None).status == "queued"
    kinds = list(run.events.values_list("kind", flat=True))
    assert kinds == ["created", "pause_requested", "resumed"]


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_seconds": 1}, "The time budget of 1 s is used up."),
        ({"max_cost": 0.05}, "The cost budget of 0.05 USD is used up, at 180 USD an hour."),
    ],
)
def test_a_budget_stops_the_run_and_says_so(
    make_run: MakeRun, trainer: Trainer, settings: Settings, limits: dict[str, float], words: str
) -> None:
    import time

    settings.PRICE_PER_CPU_HOUR = 90.0
    given: list[str] = []

    def train() -> Iterator[Progress]:
        try:
            for n in range(1, 1000):
                time.sleep(0.02)
                yield step(n)
        except StopTraining:
            given.append("the last weights")
            yield step(33, weights=WEIGHTS)

    trainer(train)
    run = make_run(**limits)
    started = time.monotonic()
    runner.execute(run.pk)
    assert 0.9 < time.monotonic() - started < 5
    run.refresh_from_db()
    assert (run.status, run.stop_reason, given) == ("stopped", words, ["the last weights"])
    assert run.version is not None
    assert run.version.is_partial
    assert run.used_seconds >= 0.9


def test_time_of_lost_starts_counts_for_the_budget(make_run: MakeRun, trainer: Trainer) -> None:
    counting = Counting(dies=27)
    trainer(counting.__call__)
    run = make_run(max_seconds=50)
    killed(run)
    Run.objects.filter(pk=run.pk).update(used_seconds=49.9999)
    runner.execute(run.pk)
    run.refresh_from_db()
    assert (run.status, run.stop_reason) == ("stopped", "The time budget of 50 s is used up.")


@pytest.mark.parametrize("bad", ["x", -1, 0, "nan", "inf", True, 10**400, [3]])
def test_a_bad_budget_is_refused_with_its_field(make_run: MakeRun, bad: Any) -> None:
    with pytest.raises(ConfigError) as raised:
        make_run(max_cost=bad, episodes=0)
    assert set(raised.value.errors) == {"max_cost", "episodes"}


def test_a_message_that_comes_again_while_a_run_is_paused_starts_nothing(make_run: MakeRun) -> None:
    run = make_run()
    services.request_pause(run=run, actor=None)
    results = in_threads(4, lambda n: services.claim(run.pk, lease_owner=f"w{n}"))
    assert results == [None] * 4
    connection.close()
