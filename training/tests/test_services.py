"""The state machine of runs: who may write what, when."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError, connection
from django.db.models.functions import Now

from scenarios.models import Scenario
from training import recording, services
from training.models import Episode, MetricPoint, Run, RunEvent
from training.rl.config import ConfigError
from training.tests.progress import MakeRun, sample, step


def kinds(run: Run) -> list[str]:
    return list(run.events.values_list("kind", flat=True))


def expire(run: Run) -> None:
    """Let the lease have ended, by the database's clock."""
    Run.objects.filter(pk=run.pk).update(lease_until=Now() - timedelta(seconds=1))


def in_threads(count: int, work: Any) -> list[Any]:
    """What `work(n)` gives in `count` threads at once."""
    results: list[Any] = [None] * count
    barrier = threading.Barrier(count)

    def one(n: int) -> None:
        try:
            barrier.wait()
            results[n] = work(n)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_new_run_holds_everything_that_decides_it(make_run: MakeRun, alice: User) -> None:
    run = make_run(seed=7)
    assert (run.status, run.attempt, run.owner) == ("queued", 0, alice)
    assert run.config["seed"] == 7
    assert run.config["learning_rate"] > 0
    assert run.total_episodes == 40
    assert run.scenario_hash == run.scenario.content_hash
    assert run.torch_version.startswith("2.")
    assert run.code_version
    assert kinds(run) == ["created"]
    assert run.events.get().actor == alice
    assert str(run) == f"Run {run.pk}"


def test_bad_settings_make_no_run(make_run: MakeRun) -> None:
    with pytest.raises(ConfigError) as raised:
        make_run(episodes=0, episods=3)
    assert set(raised.value.errors) == {"episodes", "episods"}
    assert not Run.objects.exists()


def test_a_scenario_without_a_row_is_refused_in_words(make_run: MakeRun) -> None:
    Scenario.objects.filter(key="echo").delete()
    with pytest.raises(ConfigError, match="not in the catalogue"):
        make_run()


def test_a_gymnasium_environment_is_sent_to_the_command_line(make_run: MakeRun) -> None:
    with pytest.raises(ConfigError, match="agentgym train gym:CartPole-v1"):
        make_run(scenario="gym:CartPole-v1")


def test_a_package_that_is_not_installed_has_no_version() -> None:
    assert services._installed("no-such-package") == ""


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_claims(make_run: MakeRun) -> None:
    run = make_run()
    claimed = in_threads(8, lambda n: services.claim(run.pk, lease_owner=f"w{n}"))
    winners = [c for c in claimed if c is not None]
    assert len(winners) == 1
    run.refresh_from_db()
    assert (run.attempt, run.lease_owner) == (1, winners[0].lease_owner)
    assert run.lease_until is not None
    assert kinds(run) == ["created", "started"]


def test_a_heartbeat_renews_the_lease(running: Run) -> None:
    expire(running)
    services.heartbeat(running)
    assert Run.objects.filter(pk=running.pk, lease_until__gt=Now() + timedelta(seconds=25)).exists()


def test_points_and_summary_are_written_together(running: Run) -> None:
    services.record(
        running,
        step(1),
        step(2, metrics={"reward": float("nan"), "kl": float("inf"), "success": 1.0}),
    )
    running.refresh_from_db()
    assert list(running.points.values_list("seq", "episodes", "env_steps")) == [
        (1, 1, 2),
        (2, 2, 4),
    ]
    assert running.latest_metrics == {"reward": None, "kl": None, "success": 1.0}
    assert (running.last_seq, running.episodes_done, running.phase) == (2, 2, "training")
    assert running.fraction == pytest.approx(0.05)
    assert running.seconds_left == pytest.approx(3.8)
    assert str(running.points.get(seq=1)) == f"Run {running.pk}, point 1"


def test_the_evidence_phase_adds_no_points(running: Run) -> None:
    services.record(
        running, step(40), step(40, phase="evidence", metrics={}, seconds=99.0, fraction=0.5)
    )
    running.refresh_from_db()
    assert running.points.count() == 1
    assert (running.phase, running.percent, running.train_seconds) == ("evidence", 50, 4.0)
    assert running.latest_metrics == {"reward": 1.0}
    assert running.seconds_left is None


def test_nothing_to_write_is_nothing(running: Run) -> None:
    services.record(running)
    running.refresh_from_db()
    assert running.phase == "training"
    assert running.last_seq == 0


def test_a_repeated_write_after_a_lost_answer_adds_nothing(running: Run) -> None:
    again = Run.objects.get(pk=running.pk)
    services.record(running, step(1, samples=(sample(),)), step(2))
    services.record(again, step(1, samples=(sample(),)), step(2))
    assert (again.last_seq, again.last_episode_seq) == (2, 1)
    assert MetricPoint.objects.count() == 2
    assert Episode.objects.count() == 1
    services.record(again, step(3))
    assert list(running.points.values_list("seq", flat=True)) == [1, 2, 3]


def test_a_point_cannot_be_there_twice(running: Run) -> None:
    services.record(running, step(1))
    with pytest.raises(IntegrityError):
        recording.copy_points(running.pk, 1, [step(1)])


def test_an_episode_is_kept_with_every_step(running: Run) -> None:
    opening = "a\0b " + "x" * 10_000
    services.record(
        running, step(5, samples=(sample("best", opening=opening, total_reward=float("nan")),))
    )
    episode = running.episodes.get()
    assert (episode.seq, episode.reason, episode.episodes_done) == (1, "best", 5)
    assert episode.total_reward is None
    assert "\0" not in episode.opening
    assert episode.steps[0]["decision"]["kind"] == "final"
    assert episode.steps[0]["turns"][0]["content"] == "Done."
    assert episode.steps[0]["reward_terms"] == {"end": 1.0}
    assert running.latest_episode == episode
    assert str(episode) == f"Run {running.pk}, episode 1"


def test_old_episodes_go_but_special_ones_stay(
    running: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "KEPT_PERIODIC", 3)
    monkeypatch.setattr(recording, "KEPT_SPECIAL", 2)
    for n in range(1, 11):
        services.record(
            running, step(n, samples=(sample("first_success" if n % 5 == 1 else "periodic"),))
        )
    services.record(running, step(11, samples=tuple(sample("evidence") for _ in range(2))))
    assert list(running.episodes.order_by("seq").values_list("seq", flat=True)) == [
        8,
        9,
        10,
        11,
        12,
    ]


@pytest.mark.parametrize(
    "write",
    [
        lambda run: services.heartbeat(run),
        lambda run: services.orders(run),
        lambda run: services.record(run, step(9, samples=(sample(),))),
        lambda run: services.pause(run),
        lambda run: services.finish(run, version=None, evidence={}),
        lambda run: services.stop(run, reason="x"),
        lambda run: services.fail(run, failure="x"),
    ],
    ids=["heartbeat", "orders", "record", "pause", "finish", "stop", "fail"],
)
def test_an_attempt_that_was_given_up_can_write_nothing(running: Run, write: Any) -> None:
    expire(running)
    assert services.reap_expired_leases() == [running.pk]
    newer = services.claim(running.pk, lease_owner="me")  # even the same owner: the attempt decides
    assert newer is not None
    before = Run.objects.filter(pk=running.pk).values().get()
    events = RunEvent.objects.count()
    with pytest.raises(services.LeaseLost):
        write(running)
    assert Run.objects.filter(pk=running.pk).values().get() == before
    assert RunEvent.objects.count() == events
    assert not MetricPoint.objects.exists()


def test_a_lost_run_is_queued_again_and_starts_from_the_beginning(running: Run) -> None:
    services.record(running, step(1, samples=(sample(),)), step(2))
    expire(running)
    assert services.reap_expired_leases() == [running.pk]
    assert services.reap_expired_leases() == []
    running.refresh_from_db()
    assert (running.status, running.losses, running.lease_owner, running.woken_at) == (
        "queued",
        1,
        "",
        None,
    )
    assert services.queued_without_message() == [running.pk]
    assert MetricPoint.objects.count() == 2  # still on the page until somebody starts again
    again = services.claim(running.pk, lease_owner="other")
    assert again is not None
    assert (again.attempt, again.last_seq, again.episodes_done, again.latest_metrics) == (
        2,
        0,
        0,
        {},
    )
    assert not MetricPoint.objects.exists()
    assert not Episode.objects.exists()
    assert kinds(again) == ["created", "started", "requeued", "started"]


def test_a_run_that_is_lost_three_times_fails_with_a_reason(running: Run) -> None:
    for _ in range(3):
        expire(running)
        services.reap_expired_leases()
        services.claim(running.pk, lease_owner="me")
    running.refresh_from_db()
    assert running.status == "failed"
    assert "lost 3 times" in running.failure
    assert running.finished_at is not None
    assert kinds(running)[-1] == "failed"


def test_a_run_whose_lease_lives_is_left_alone(running: Run) -> None:
    assert services.reap_expired_leases() == []
    running.refresh_from_db()
    assert running.status == "running"


def test_a_stopping_run_whose_worker_died_is_stopped(running: Run) -> None:
    services.request_stop(run=running, actor=None)
    expire(running)
    services.reap_expired_leases()
    running.refresh_from_db()
    assert running.status == "stopped"
    assert running.stop_reason


@pytest.mark.django_db(transaction=True)
def test_two_reapers_count_one_loss(running: Run) -> None:
    expire(running)
    reaped = in_threads(4, lambda n: services.reap_expired_leases())
    assert sum(map(len, reaped)) == 1
    running.refresh_from_db()
    assert running.losses == 1


def test_a_dead_process_is_reported_by_its_parent_at_once(running: Run) -> None:
    assert not services.report_lost(run_id=running.pk, lease_owner="somebody else", reason="x")
    assert services.report_lost(run_id=running.pk, lease_owner="me", reason="Killed.")
    running.refresh_from_db()
    assert (running.status, running.losses) == ("queued", 1)


def test_a_process_that_cannot_even_claim_is_not_tried_for_ever(make_run: MakeRun) -> None:
    run = make_run()
    for _ in range(3):
        services.report_lost(run_id=run.pk, lease_owner="x", reason="It ended with code 1.")
    run.refresh_from_db()
    assert run.status == "failed"
    assert not services.report_lost(run_id=run.pk, lease_owner="x", reason="x")


def test_stopping_a_queued_run_stops_it_at_once(make_run: MakeRun, alice: User) -> None:
    run = services.request_stop(run=make_run(), actor=alice)
    assert (run.status, run.stop_reason) == ("stopped", "Stopped before it started.")
    assert kinds(run) == ["created", "stop_requested", "stopped"]
    assert run.events.get(kind="stop_requested").actor == alice
    assert services.claim(run.pk, lease_owner="late") is None


def test_stopping_a_running_run_asks_its_worker(running: Run, alice: User) -> None:
    assert services.orders(running).stop is False
    for _ in range(2):
        run = services.request_stop(run=Run.objects.get(pk=running.pk), actor=alice)
        assert (run.status, run.can_stop, run.is_active) == ("stopping", False, True)
    assert services.orders(running).stop is True
    services.record(running, step(3))
    services.stop(running, reason="Stopped on request.")
    assert (running.status, running.is_finished) == ("stopped", True)
    assert kinds(running) == ["created", "started", "stop_requested", "stopped"]


@pytest.mark.parametrize("end", ["succeeded", "failed", "stopped"])
def test_a_finished_run_cannot_be_stopped(running: Run, alice: User, end: str) -> None:
    if end == "succeeded":
        services.finish(running, version=None, evidence={"x": float("nan")})
        assert running.evidence == {"x": None}
    elif end == "failed":
        services.fail(running, failure="a\0b")
    else:
        services.stop(running, reason="x")
    with pytest.raises(services.InvalidTransition, match=rf"already ended \({end}\)"):
        services.request_stop(run=running, actor=alice)
    running.refresh_from_db()
    assert running.status == end


def test_a_run_that_finishes_while_it_is_being_stopped_has_succeeded(running: Run) -> None:
    services.request_stop(run=Run.objects.get(pk=running.pk), actor=None)
    services.finish(running, version=None, evidence={})
    assert running.status == "succeeded"


def test_giving_back_does_not_count_as_a_loss(running: Run) -> None:
    services.release(running, reason="Restart.")
    running.refresh_from_db()
    assert (running.status, running.losses) == ("queued", 0)
    services.release(running, reason="Again.")  # held no more: nothing happens
    assert kinds(running).count("requeued") == 1


def test_giving_back_a_stopping_run_stops_it(running: Run) -> None:
    services.request_stop(run=Run.objects.get(pk=running.pk), actor=None)
    services.release(running, reason="Restart.")
    running.refresh_from_db()
    assert running.status == "stopped"


def test_a_new_run_is_announced_by_its_maker_and_only_later_by_the_beat(make_run: MakeRun) -> None:
    run = make_run()
    assert services.queued_without_message() == []
    Run.objects.filter(pk=run.pk).update(woken_at=Now() - timedelta(seconds=31))
    assert services.queued_without_message() == [run.pk]


def test_waiting_runs_are_told_oldest_first_and_not_all_at_once(make_run: MakeRun) -> None:
    runs = [make_run().pk for _ in range(4)]
    Run.objects.update(woken_at=None)
    assert services.queued_without_message(limit=3) == runs[:3]


def test_who_sees_which_runs(running: Run, alice: User, bob: User, admin: User) -> None:
    services.record(running, step(1, samples=(sample(),)))
    for kind in (Run, MetricPoint, Episode, RunEvent):
        rows = kind.objects
        assert rows.visible_to(alice).exists()
        assert rows.visible_to(admin).exists()
        assert not rows.visible_to(bob).exists()
        assert not rows.visible_to(AnonymousUser()).exists()
    assert list(Run.objects.active()) == [running]
    assert str(running.events.first()) == f"Run {running.pk}: created"


def test_how_far_a_run_is(make_run: MakeRun) -> None:
    run = make_run()
    assert (run.fraction, run.percent, run.seconds_left, run.can_stop) == (0.0, 0, None, True)
    run.total_episodes = 0
    assert run.fraction == 0.0
