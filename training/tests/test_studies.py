"""Studies from the first trial to the registered winner; what workers, people and accidents do to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now

from models_registry.models import Version
from training import checkpoints, runner, services, studies
from training.models import Run
from training.rl.config import ConfigError
from training.steering import InvalidTransition
from training.studies_models import Study, Trial
from training.studies_search import advance, is_due
from training.studies_storage import opened_search, storage_url
from training.tests.progress import MakeRun, Trainer, done, step
from training.tests.studying import (
    HandMade,
    carry_on,
    ends,
    first_value,
    merit,
    new_study,
    searched,
)

pytestmark = pytest.mark.django_db(transaction=True)


def optuna_states(study: Study) -> list[str]:
    with opened_search(study) as search:
        return [trial.state.name.lower() for trial in search.study.get_trials(deepcopy=False)]


def test_a_study_searches_confirms_and_registers_its_winner(
    alice: User, hand_made: HandMade
) -> None:
    study = new_study(alice)
    assert carry_on(study) == 4 + 2 * 2
    assert study.status == "succeeded"
    trials = searched(study)
    assert [t.status for t in trials] == ["complete"] * 4
    assert optuna_states(study) == ["complete"] * 4
    best = max(trials, key=first_value)
    told = study.verdict
    assert told is not None
    assert told["winner"] == best.number
    assert told["seeds"] == [10_000, 10_001]
    rows = {row["trial"]: row["objectives"]["success"] for row in told["candidates"]}
    assert rows[best.number]["search"] == first_value(best)
    assert rows[best.number]["test"]["mean"] == pytest.approx(first_value(best) / 2)
    gain = told["gains"]["success"]
    assert gain["test"] == pytest.approx(gain["search"] / 2)
    assert gain["kept"] == pytest.approx(0.5)
    # The search has seeds of its own, and only the honest ending opens the test split.
    assert {seed for _, seed, _ in hand_made.played[:4]} == {0}
    assert {seed for _, seed, _ in hand_made.played[4:]} == {10_000, 10_001}
    runs = studies.runs_of(study).order_by("pk")
    assert [run.evidence is None for run in runs] == [True] * 4 + [False] * 4
    # Nothing is registered until somebody wants it.
    assert not Version.objects.exists()
    version = studies.register(study=study, actor=alice)
    assert (version.path / "policy.safetensors").is_file()
    assert version.manifest["config"]["learning_rate"] == best.params["learning_rate"]
    assert version.manifest["study"] == study.pk
    assert version.evidence == version.runs.get().evidence
    assert studies.register(study=study, actor=alice) == version
    study.refresh_from_db()
    assert study.version == version
    assert [entry["kind"] for entry in study.history] == ["created", "registered"]


def test_the_same_seed_and_one_at_a_time_give_the_same_study(
    alice: User, hand_made: HandMade
) -> None:
    first, second, other = (
        new_study(alice, trials=8, pruner="hyperband", confirm_top=0, seed=seed)
        for seed in (5, 5, 6)
    )
    for study in (first, second, other):
        carry_on(study)
    assert ends(first) == ends(second)
    assert ends(first) != ends(other)
    assert first.status == "succeeded"


def test_poor_trials_are_pruned_on_the_way(alice: User, hand_made: HandMade) -> None:
    study = new_study(alice, trials=8, pruner="median", confirm_top=0)
    carry_on(study)
    pruned = [t for t in searched(study) if t.status == "pruned"]
    assert pruned
    assert optuna_states(study).count("pruned") == len(pruned)
    for trial in pruned:
        run = trial.runs.get().run
        assert run.status == "stopped"
        assert run.stop_reason == f"Pruned at look {trial.looks[-1][0]} of 4."
        assert run.episodes_done < 40
        assert run.version is None
    assert all(t.looks[-1][0] == 4 for t in searched(study) if t.status == "complete")


def test_a_trial_is_the_mean_over_its_seeds(alice: User, hand_made: HandMade) -> None:
    study = new_study(alice, trials=2, seeds=3, pruner="asha", confirm_top=0)
    carry_on(study)
    assert sorted({seed for _, seed, _ in hand_made.played}) == [0, 1, 2]
    best = searched(study)[0]
    assert best.runs.count() == 3
    assert [look[0] for look in best.looks] == list(range(1, 13))


def test_several_objectives_have_a_front(alice: User, hand_made: HandMade) -> None:
    study = new_study(alice, trials=8, objectives=["success", "steps"], confirm_top=2)
    carry_on(study)
    assert study.status == "succeeded"
    assert study.verdict is not None
    assert set(study.verdict["gains"]) == {"success", "steps"}
    assert set(study.importance) == {"success", "steps"}


def test_many_at_once_and_none_twice(alice: User, hand_made: HandMade) -> None:
    study = new_study(alice, trials=7, jobs=3, confirm_top=0)
    assert len(advance(study.pk)) == 3
    assert advance(study.pk) == []
    carry_on(study)
    assert [t.number for t in searched(study)] == list(range(7))
    assert len({t.params["learning_rate"] for t in searched(study)}) == 7


def test_as_many_as_workers_take(alice: User, hand_made: HandMade) -> None:
    study = new_study(alice, trials=5, jobs=0, confirm_top=0)
    [first] = advance(study.pk)
    assert advance(study.pk) == []
    services.claim(first.pk, lease_owner="a worker")
    assert len(advance(study.pk)) == 1


def test_a_lost_worker_s_trial_goes_on_from_its_checkpoint(
    alice: User, hand_made: HandMade
) -> None:
    whole, broken = (new_study(alice, pruner="median", confirm_top=0) for _ in range(2))
    carry_on(whole)
    hand_made.dies, hand_made.error = 25, KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        carry_on(broken)
    Run.objects.filter(status="running").update(lease_until=Now() - timedelta(seconds=1))
    assert len(services.reap_expired_leases()) == 1
    carry_on(broken)
    assert hand_made.played[5][2] == 20
    assert ends(broken) == ends(whole)


def test_a_trial_whose_run_fails_is_told_and_the_study_goes_on(
    alice: User, hand_made: HandMade
) -> None:
    study = new_study(alice, confirm_top=0)
    hand_made.dies, hand_made.error = 5, ArithmeticError("diverged")  # type: ignore[assignment]
    carry_on(study)
    assert [t.status for t in searched(study)] == ["failed"] + ["complete"] * 3
    assert "diverged" in searched(study)[0].failure
    assert optuna_states(study) == ["fail"] + ["complete"] * 3


def test_a_study_without_a_single_value_fails_with_the_reason(
    alice: User, trainer: Trainer
) -> None:
    def broken() -> Any:
        yield step(1)
        raise ArithmeticError("nothing is finite")

    trainer(broken)
    study = new_study(alice, trials=2)
    carry_on(study)
    assert study.status == "failed"
    assert "nothing is finite" in study.failure


def test_a_trial_that_was_asked_for_but_not_written_down_is_found_again(
    alice: User, hand_made: HandMade
) -> None:
    whole, broken = (new_study(alice, confirm_top=0) for _ in range(2))
    carry_on(whole)
    carry_on(broken, most=2)
    # The process that asks dies between Optuna's commit and the site's own.
    lost = searched(broken)[-1]
    lost.runs.get().run.delete()
    lost.delete()
    assert optuna_states(broken) == ["complete", "complete", "running"]
    carry_on(broken)
    assert ends(broken) == ends(whole)


def test_a_trial_that_was_told_but_not_written_down_is_told_once(
    alice: User, hand_made: HandMade
) -> None:
    study = new_study(alice, confirm_top=0)
    carry_on(study, most=1)
    Trial.objects.filter(study=study, number=0).update(status="running", values=None)
    carry_on(study)
    assert optuna_states(study) == ["complete"] * 4
    assert searched(study)[0].values == [merit(study.plan.train_config(searched(study)[0].params, 0, search=True))]  # fmt: skip


def test_pause_and_resume(alice: User, hand_made: HandMade) -> None:
    study = new_study(alice, confirm_top=0)
    carry_on(study, most=1)
    studies.request_pause(study=study, actor=alice)
    assert study.status == "paused"
    assert not is_due(study.pk)
    assert advance(study.pk) == []
    assert studies.runs_of(study).filter(status="paused").count() == 1
    studies.request_pause(study=study, actor=alice)  # twice is harmless
    assert len(studies.request_resume(study=study, actor=alice)) == 1
    assert study.status == "running"
    carry_on(study)
    assert [t.status for t in searched(study)] == ["complete"] * 4
    assert [entry["kind"] for entry in study.history] == ["created", "paused", "resumed"]
    with pytest.raises(InvalidTransition):
        studies.request_resume(study=study, actor=alice)
    with pytest.raises(InvalidTransition):
        studies.request_pause(study=study, actor=alice)


def test_a_stop_ends_what_is_at_work(alice: User, hand_made: HandMade) -> None:
    study = new_study(alice)
    carry_on(study, most=2)
    studies.request_stop(study=study, actor=alice)
    assert study.status == "stopping"
    carry_on(study)
    assert study.status == "stopped"
    assert [t.status for t in searched(study)] == ["complete", "complete", "failed"]
    assert optuna_states(study) == ["complete", "complete", "fail"]
    with pytest.raises(InvalidTransition, match="already ended"):
        studies.request_stop(study=study, actor=alice)


def test_a_study_that_has_ended_can_be_extended(alice: User, hand_made: HandMade) -> None:
    whole = new_study(alice, trials=6)
    carry_on(whole)
    study = new_study(alice, trials=3)
    carry_on(study)
    assert study.verdict is not None
    with pytest.raises(ConfigError, match="above the 3"):
        studies.extend(study=study, actor=alice, values={"trials": 3})
    with pytest.raises(ConfigError, match="cannot be changed"):
        studies.extend(study=study, actor=alice, values={"sampler": "random"})
    studies.extend(study=study, actor=alice, values={"trials": 6})
    assert study.status == "running"
    carry_on(study)
    assert study.status == "succeeded"
    assert ends(study) == ends(whole)
    assert study.verdict["round"] == 2


def test_fewer_trials_end_the_search_early(alice: User, hand_made: HandMade) -> None:
    study = new_study(alice, trials=50)
    carry_on(study, most=3)
    studies.extend(study=study, actor=alice, values={"trials": 2})
    carry_on(study)
    assert study.status == "succeeded"
    assert len(searched(study)) == 4
    assert study.verdict is not None


def test_time_and_cost_are_budgets(alice: User, hand_made: HandMade) -> None:
    slow, dear = (
        new_study(alice, trials=50, confirm_top=0, **budget) for budget in ({"timeout": 60}, {"max_cost": 0.01})
    )  # fmt: skip
    carry_on(slow, most=2)
    Study.objects.filter(pk=slow.pk).update(created_at=Now() - timedelta(seconds=61))
    carry_on(slow)
    assert slow.status == "succeeded"
    assert len(searched(slow)) == 3
    carry_on(dear, most=1)
    studies.runs_of(dear).update(used_seconds=3600)
    assert studies.cost(dear) > 0.01
    carry_on(dear)
    assert len(searched(dear)) == 2


def test_a_grid_is_tried_once_each(alice: User, hand_made: HandMade) -> None:
    space = {"learning_rate": [1e-4, 1e-3, 1e-2], "discount_factor": [0.9, 0.95]}
    study = new_study(alice, space=space, sampler="grid", trials=6, jobs=2, confirm_top=0)
    carry_on(study)
    assert study.status == "succeeded"
    tried = {(t.params["learning_rate"], t.params["discount_factor"]) for t in searched(study)}
    assert len(tried) == len(searched(study)) == 6
    with pytest.raises(InvalidTransition, match="fixed"):
        studies.extend(study=study, actor=alice, values={"trials": 9})


def test_a_study_whose_scenario_is_gone_fails_alone(alice: User, hand_made: HandMade) -> None:
    broken, whole = new_study(alice, confirm_top=0), new_study(alice, confirm_top=0)
    Study.objects.filter(pk=broken.pk).update(config={**broken.config, "scenario": "Gone!"})
    assert advance(broken.pk) == []
    assert len(advance(whole.pk)) == 1
    broken.refresh_from_db()
    assert (broken.status, "no longer valid" in broken.failure) == ("failed", True)


def test_rest_is_not_held_against_the_budget_of_time(alice: User, hand_made: HandMade) -> None:
    study = new_study(alice, trials=1, confirm_top=0, timeout=60)
    carry_on(study)
    hour = Now() - timedelta(hours=1)
    Study.objects.filter(pk=study.pk).update(created_at=hour, finished_at=hour)
    study.refresh_from_db()
    studies.extend(study=study, actor=alice, values={"trials": 2})
    assert studies.seconds_used(study) < 60
    carry_on(study)
    assert len(searched(study)) == 2


def test_only_what_may_still_be_needed_is_kept_on_disk(alice: User, hand_made: HandMade) -> None:
    study = new_study(alice)
    carry_on(study)
    for run in studies.runs_of(study):
        kept = run.trial_run.trial.number is None
        assert checkpoints.directory(run.pk).is_dir() is kept or not any(
            checkpoints.directory(run.pk).iterdir()
        )
        assert run.checkpoints.exists() is kept


def test_registering_needs_a_confirmed_trial(alice: User, hand_made: HandMade) -> None:
    study = new_study(alice, confirm_top=0)
    carry_on(study)
    with pytest.raises(InvalidTransition, match="no confirmed trial"):
        studies.register(study=study, actor=alice)
    with pytest.raises(InvalidTransition, match="was not confirmed"):
        studies.register(study=study, actor=alice, trial=2)


def test_a_study_is_refused_with_its_field(alice: User) -> None:
    with pytest.raises(ConfigError) as caught:
        new_study(alice, space={"learning_rate": {"low": 1, "high": 0.5}}, trials=0)
    assert set(caught.value.errors) == {"space.learning_rate", "trials"}
    with pytest.raises(ConfigError) as caught:
        new_study(alice, scenario="gym:CartPole-v1", settings={}, objectives="return")
    assert "HyperparameterOptimizer" in caught.value.errors["scenario"]


def test_ordinary_runs_are_left_alone(make_run: MakeRun, trainer: Trainer) -> None:
    trainer(lambda: iter([done()]))
    run = make_run()
    runner.execute(run.pk)
    run.refresh_from_db()
    assert run.version is not None


def test_optuna_keeps_its_tables_in_a_schema_of_their_own(alice: User, hand_made: HandMade) -> None:
    import optuna

    study = new_study(alice, trials=1, confirm_top=0)
    carry_on(study)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'optuna'"
        )
        assert cursor.fetchone()[0] > 5
    # What `optuna-dashboard` and a notebook would do.
    storage = optuna.storages.RDBStorage(storage_url())
    try:
        found = optuna.load_study(study_name=study.optuna_name, storage=storage)
        assert found.best_params == searched(study)[0].params
    finally:
        storage.remove_session()
        storage.engine.dispose()
