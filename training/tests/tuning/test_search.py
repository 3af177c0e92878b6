"""Ask and tell on functions that cost nothing: repeatable, complete, and right about what matters."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest
from optuna.storages import InMemoryStorage

from training.tuning.config import parse_study
from training.tuning.objectives import front, top
from training.tuning.search import Asked, Search
from training.tuning.space import Params

SPACE = {
    "learning_rate": {"low": 1e-5, "high": 1e-1, "log": True},
    "batch_size": {"low": 16, "high": 512},
    "discount_factor": {"low": 0.9, "high": 0.999},
}


def search(name: str = "study", storage: InMemoryStorage | None = None, **values: Any) -> Search:
    values = {"scenario": "echo", "space": SPACE, **values}
    return Search(parse_study(values), storage, name)


def bowl(params: Params) -> float:
    """Best at a learning rate of 1e-3, and a little at small batches; the discount factor does nothing."""
    rate, batch = float(params["learning_rate"]), float(params["batch_size"])
    return -((math.log10(rate) + 3) ** 2) - 0.3 * (batch / 512) ** 2


def run(one: Search, count: int, value: Callable[[Params], float] = bowl) -> list[Asked]:
    asked = []
    for _ in range(count):
        trial = one.ask()
        assert trial is not None
        one.tell(trial.number, "complete", [value(trial.params)])
        asked.append(trial)
    return asked


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsgaii"])
def test_the_same_seed_asks_for_the_same_trials(sampler: str) -> None:
    first, second, other = (
        run(search(f"study {n}", sampler=sampler, seed=seed), 25)
        for n, seed in enumerate((3, 3, 4))
    )
    assert first == second
    assert first != other


def test_a_search_that_another_process_takes_over_goes_on_the_same() -> None:
    storage = InMemoryStorage()
    broken = run(search(storage=storage), 12) + run(search(storage=storage), 8)
    assert broken == run(search(), 20)


def test_a_trial_whose_asker_died_is_given_out_again_with_its_settings() -> None:
    one = search()
    run(one, 11)
    lost = one.ask()
    assert lost is not None
    assert one.unfinished() == [11]
    assert one.ask(known=range(11)) == lost
    again = one.ask(known=range(12))
    assert again is not None
    assert again.number == 12


def test_a_grid_is_asked_for_once_each_and_then_ends() -> None:
    space = {"batch_size": [64, 128, 256], "algorithm": ["ppo", "reinforce"],
             "clip_range": {"values": [0.1, 0.2], "when": {"algorithm": "ppo"}}}  # fmt: skip
    one = search(space=space, sampler="grid")
    asked: list[Params] = []
    while (trial := one.ask(known=range(len(asked)))) is not None:
        asked.append(trial.params)
        one.tell(trial.number, "failed" if len(asked) == 3 else "complete", [1.0])
    assert len(asked) == one.config.trials == 9
    assert sorted(map(_text, asked)) == sorted(map(_text, one.space.grid()))


def _text(params: Params) -> str:
    return repr(sorted(params.items()))


def test_a_setting_that_does_nothing_is_the_least_important() -> None:
    one = search(sampler="random")
    run(one, 60)
    shares = one.importance()["success"]
    assert next(iter(shares)) == "learning_rate"
    assert list(shares)[-1] == "discount_factor"
    assert sum(shares.values()) == pytest.approx(1)


def test_importance_of_each_of_several_objectives() -> None:
    one = search(sampler="random", objectives="success,steps")
    for _ in range(60):
        trial = one.ask()
        assert trial is not None
        rate = math.log10(float(trial.params["learning_rate"]))
        one.tell(
            trial.number, "complete", [-((rate + 3) ** 2), float(trial.params["discount_factor"])]
        )
    found = one.importance()
    assert next(iter(found["success"])) == "learning_rate"
    assert next(iter(found["steps"])) == "discount_factor"


def test_importance_needs_a_few_trials_that_differ() -> None:
    one = search(sampler="random")
    run(one, 7)
    assert one.importance() == {}
    same = search(sampler="random")
    run(same, 20, lambda params: 1.0)
    assert same.importance() == {}


def test_tpe_finds_more_than_random_in_as_many_trials() -> None:
    def best(sampler: str, seed: int) -> float:
        one = search(sampler=sampler, seed=seed)
        return max(bowl(trial.params) for trial in run(one, 40))

    tpe, random = (median(best(name, seed) for seed in range(5)) for name in ("tpe", "random"))
    assert tpe > random


@pytest.mark.parametrize("pruner", ["median", "percentile", "hyperband", "asha"])
def test_poor_trials_are_given_up_and_the_best_is_not(pruner: str) -> None:
    one = search(pruner=pruner, sampler="random", trials=40, startup=5, reports=9)
    looks, ends = [], {}
    for _ in range(40):
        trial = one.ask()
        assert trial is not None
        value = bowl(trial.params)
        for step in range(1, 10):
            looks.append(trial.number)
            if one.report(trial.number, step, value * (1 + 1 / step)):
                one.tell(trial.number, "pruned")
                break
        else:
            one.tell(trial.number, "complete", [value])
            ends[trial.number] = value
    every = [bowl(trial.params) for trial in run(search(sampler="random", trials=40), 40)]
    assert len(looks) < 0.75 * 9 * 40
    assert max(ends.values()) == max(every)


def test_pruning_does_not_depend_on_the_name_of_the_study() -> None:
    def decisions(name: str) -> list[bool]:
        one = search(name, pruner="hyperband", sampler="random", reports=9)
        found = []
        for _ in range(20):
            trial = one.ask()
            assert trial is not None
            found += [one.report(trial.number, step, bowl(trial.params)) for step in (1, 3, 9)]
            one.tell(trial.number, "complete", [bowl(trial.params)])
        return found

    assert decisions("study 1") == decisions("study 2")
    assert any(decisions("study 3"))


def test_a_look_that_is_reported_twice_counts_once() -> None:
    one = search(pruner="median", startup=1)
    trial = one.ask()
    assert trial is not None
    one.report(trial.number, 1, 0.5)
    one.report(trial.number, 1, 0.9)
    assert one.study.trials[0].intermediate_values == {1: 0.5}
    one.tell(trial.number, "complete", [0.5])
    one.tell(trial.number, "failed")
    assert one.study.trials[0].state.name == "COMPLETE"


def test_the_front_holds_what_nothing_beats() -> None:
    rows = {0: [0.9, 5.0], 1: [0.8, 3.0], 2: [0.8, 4.0], 3: [0.9, 5.0], 4: [0.1, 1.0]}
    names = ("success", "steps")
    assert front(rows, names) == [0, 3, 1, 4]
    assert top(rows, names, 2) == [0, 4]
    assert top(rows, names, 9) == [0, 3, 1, 4]
    assert top(rows, ("success",), 2) == [0, 3]
    assert top(rows, ("steps",), 1) == [4]
