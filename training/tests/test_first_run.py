"""The run that a new installation starts by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable

import django.db
import pytest
from django.contrib.auth.models import User
from django.db import connection

from scenarios.models import Scenario
from training import first_run, services, tasks
from training.models import Run
from training.tests.progress import MakeRun, step
from training.tests.test_report import EVIDENCE


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_run, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(first_run, "LINE_SECONDS", 0.0)
    monkeypatch.setattr(tasks, "_send", lambda run_id: True)


@pytest.fixture
def echo_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_run, "SCENARIO", "echo")


def test_a_new_site_gets_one_run_owned_by_its_admin(
    admin: User, alice: User, echo_first: None
) -> None:
    pk = first_run.start_first_run()
    assert Run.objects.get().pk == pk
    assert Run.objects.get().owner == admin
    assert first_run.start_first_run() is None


def test_a_site_without_an_admin_or_scenario_gets_none(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert first_run.start_first_run() is None
    User.objects.create_superuser("root")
    Scenario.objects.filter(key="customer_support").delete()
    assert first_run.start_first_run() is None
    assert not Run.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_starts_at_once_make_one_run(admin: User, echo_first: None) -> None:
    def start() -> None:
        first_run.start_first_run()
        connection.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Run.objects.count() == 1


def play(monkeypatch: pytest.MonkeyPatch, *scenes: Callable[[], object]) -> None:
    """Let one scene happen between two looks."""
    waiting = iter(scenes)

    def sleep(_: float) -> None:
        next(waiting)()

    monkeypatch.setattr("training.first_run.time.sleep", sleep)


def test_following_tells_the_run_from_the_queue_to_its_evidence(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, said = make_run(), list[str]()

    def held() -> Run:
        return Run.objects.get(pk=run.pk)

    play(
        monkeypatch,
        lambda: services.claim(run.pk, lease_owner="me"),
        lambda: services.record(
            held(), step(10, metrics={"tool_reliability": 0.25, "success": 0.5})
        ),
        lambda: None,
        lambda: services.record(held(), step(40, phase="evidence", metrics={}, fraction=0.3)),
        lambda: services.finish(held(), version=None, evidence=EVIDENCE),
    )
    first_run.follow(run.pk, echo=said.append)
    assert said[0] == f"Run {run.pk}: waiting for a worker"
    assert "10 / 40 episodes   tool reliability  25.0 %   success  50.0 %   3 s left" in said[2]
    assert said[3] == f"Run {run.pk}: testing on held-out tasks, 30 %"
    assert said[4].startswith(f"Run {run.pk} is done.")
    assert "held-out test tasks of echo" in said[4]


def test_following_tells_a_stop(running: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    said = list[str]()
    play(
        monkeypatch,
        lambda: services.request_stop(run=Run.objects.get(pk=running.pk), actor=None),
        lambda: services.stop(running, reason="Stopped on request."),
    )
    first_run.follow(running.pk, echo=said.append)
    assert said[1:] == [
        f"Run {running.pk}: stopping",
        f"Run {running.pk} was stopped. Stopped on request.",
    ]


def test_following_tells_why_a_run_failed(running: Run) -> None:
    services.fail(running, failure="The disk is full.")
    said = list[str]()
    first_run.follow(running.pk, echo=said.append)
    assert said == [f"Run {running.pk} failed. The disk is full."]


def test_following_a_run_that_is_gone_ends(db: None) -> None:
    first_run.follow(999, echo=print)


def test_following_outlives_a_database_that_is_away_for_a_moment(
    running: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.fail(running, failure="x")
    looks = iter([django.db.OperationalError("away"), running])

    def look(**_: object) -> object:
        seen = next(looks)
        if isinstance(seen, Exception):
            raise seen
        return type("Rows", (), {"first": lambda self: seen})()

    monkeypatch.setattr(Run.objects, "filter", look)
    monkeypatch.setattr(connection, "close", lambda: None)
    said = list[str]()
    first_run.follow(running.pk, echo=said.append)
    assert said == [f"Run {running.pk} failed. x"]
