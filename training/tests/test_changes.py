"""Settings that change while a run goes on, and branches: runs from another run's checkpoint."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from training import changes, checkpoints, pulse, runner, services
from training.models import Change, Run
from training.rl.config import ConfigError
from training.tests.progress import MakeRun, Trainer, step
from training.tests.survival import Counting, changing, killed, points

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "LISTEN_SECONDS", 0.02)
    monkeypatch.setattr(runner, "WRITE_SECONDS", 0.0)


def test_a_change_takes_effect_at_the_next_update_and_is_written_down(
    make_run: MakeRun, trainer: Trainer, alice: User
) -> None:
    run = make_run(learning_rate=0.5)
    counting = Counting()
    trainer(changing(run, alice, counting, 3, learning_rate="0.25", episodes=40))
    runner.execute(run.pk)
    assert counting.told == {4: {"learning_rate": 0.25}}
    change = run.changes.get()
    assert (change.actor, change.before, change.after) == (
        alice,
        {"learning_rate": 0.5},
        {"learning_rate": 0.25},
    )
    assert (change.update, change.episodes) == (4, 4)
    assert change.applied_at >= change.asked_at  # type: ignore[operator]
    marks = list(run.points.exclude(marks=[]).values_list("seq", "marks"))
    assert marks == [(4, [{"kind": "change", "text": "Learning rate 0.5 → 0.25", "by": "alice"}])]
    assert run.events.get(kind="changed").actor == alice
    run.refresh_from_db()
    assert run.config["learning_rate"] == 0.5
    assert changes.config_of(run)["learning_rate"] == 0.25
    assert run.version is not None
    assert run.version.manifest["config"]["learning_rate"] == 0.25
    assert run.version.manifest["changes"][0]["update"] == 4


@pytest.mark.parametrize(("at", "told"), [(14, {15: 0.25}), (10, {11: 0.25}), (3, {4: 0.25})])
def test_a_run_that_goes_on_takes_its_changes_in_again_at_the_same_update(
    make_run: MakeRun, trainer: Trainer, alice: User, at: int, told: dict[int, float]
) -> None:
    run = make_run(learning_rate=0.5)
    counting = Counting(dies=17)
    trainer(changing(run, alice, counting, at, learning_rate=0.25))
    killed(run)
    counting.told.clear()
    runner.execute(run.pk)
    expected = {} if at < 10 else told  # what was taken in before the checkpoint is part of it
    assert {n: values["learning_rate"] for n, values in counting.told.items()} == expected
    assert run.changes.get().update == at + 1
    assert list(run.points.exclude(marks=[]).values_list("seq", flat=True)) == [at + 1]
    assert run.events.filter(kind="changed").count() == 1


def test_a_change_of_a_waiting_run_holds_from_its_first_update(
    make_run: MakeRun, trainer: Trainer, alice: User
) -> None:
    run = make_run(learning_rate=0.5)
    services.request_change(run=run, actor=alice, values={"learning_rate": 0.25})
    services.request_change(run=run, actor=alice, values={"learning_rate": 0.125})
    counting = Counting()
    trainer(counting.__call__)
    runner.execute(run.pk)
    assert counting.told == {1: {"learning_rate": 0.125}}
    assert [c.before for c in run.changes.all()] == [
        {"learning_rate": 0.5},
        {"learning_rate": 0.25},
    ]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"learning_rate": -1}, "learning_rate"),
        ({"environments": 3}, "environments"),
        ({"learning_rat": 3}, "learning_rat"),
        ({"learning_rate": 0.5}, "changes"),
        ({}, "changes"),
    ],
)
def test_a_bad_change_is_refused_with_its_field(
    make_run: MakeRun, values: dict[str, Any], field: str
) -> None:
    run = make_run(learning_rate=0.5)
    with pytest.raises(ConfigError) as raised:
        services.request_change(run=run, actor=None, values=values)
    assert set(raised.value.errors) == {field}
    assert not Change.objects.exists()


def test_nothing_changes_in_the_final_test(running: Run) -> None:
    services.record(running, step(40, phase="evidence", metrics={}))
    with pytest.raises(services.InvalidTransition, match="final test"):
        services.request_change(run=running, actor=None, values={"learning_rate": 0.1})


def test_a_branch_goes_on_from_the_checkpoint_with_its_changes(
    make_run: MakeRun, trainer: Trainer, alice: User, bob: User
) -> None:
    run = make_run(learning_rate=0.5)
    counting = Counting()
    trainer(changing(run, alice, counting, 3, entropy_coefficient=0.125))
    runner.execute(run.pk)
    counting.told.clear()
    counting.starts.clear()
    checkpoint = run.checkpoints.get(episodes=20)
    branch = services.branch(
        checkpoint=checkpoint,
        owner=bob,
        values={"learning_rate": 0.25},
        limits={"max_seconds": 9.0},
    )
    assert (branch.parent, branch.owner, branch.status) == (run, bob, "queued")
    assert (branch.config["entropy_coefficient"], branch.config["learning_rate"]) == (0.125, 0.5)
    checkpoint.delete()
    checkpoints.sweep(run.pk)  # the branch has its own copy
    runner.execute(branch.pk)
    branch.refresh_from_db()
    assert branch.status == "succeeded", branch.failure
    assert counting.starts == [(20, {"learning_rate": 0.25})]
    assert points(branch) == [(n - 20, n) for n in range(21, 41)]
    assert branch.points.get(seq=1).marks[0]["by"] == "bob"
    assert branch.changes.get().update == 21
    assert branch.events.get(kind="branched").detail["run"] == run.pk
    assert points(run) == [(n, n) for n in range(1, 41)]


def test_a_branch_that_lost_its_checkpoint_does_not_start_from_nothing(
    make_run: MakeRun, trainer: Trainer, alice: User
) -> None:
    run = make_run()
    trainer(Counting().__call__)
    runner.execute(run.pk)
    checkpoint = run.checkpoints.get(episodes=20)
    branch = services.branch(checkpoint=checkpoint, owner=alice, values={}, limits={})
    for file in checkpoints.directory(branch.pk).rglob("state.safetensors"):
        file.write_bytes(b"rotten")
    runner.execute(branch.pk)
    branch.refresh_from_db()
    assert branch.status == "failed"
    assert "Start another branch" in branch.failure


def test_a_branch_from_a_damaged_checkpoint_or_with_bad_changes_makes_no_run(
    make_run: MakeRun, trainer: Trainer, alice: User
) -> None:
    run = make_run()
    trainer(Counting().__call__)
    runner.execute(run.pk)
    checkpoint = run.checkpoints.get(episodes=20)
    with pytest.raises(ConfigError):
        services.branch(checkpoint=checkpoint, owner=alice, values={"episodes": 0}, limits={})
    (checkpoints.directory(run.pk) / checkpoint.name / "manifest.json").unlink()
    with pytest.raises(services.InvalidTransition, match="choose another"):
        services.branch(checkpoint=checkpoint, owner=alice, values={}, limits={})
    assert Run.objects.count() == 1
