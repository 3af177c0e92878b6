"""Ask and tell: the Optuna side of a study. Whatever trains is elsewhere; any number of processes may share a storage.

A sampler is made afresh for every trial, seeded by the study's seed and the trial's number, and reads everything else
from the storage. So it does not matter which process asks, and a study with one trial at a time repeats itself exactly.
"""

from __future__ import annotations

import itertools
import warnings
from binascii import crc32
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
)
from optuna.samplers import BaseSampler, NSGAIIISampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from training.tuning.config import StudyConfig
from training.tuning.objectives import OBJECTIVES
from training.tuning.space import Params

Outcome = Literal["complete", "pruned", "failed"]
FEWEST_FOR_IMPORTANCE = 8
GOOD_SHARE = 0.2
"""Share of the trials that count as good. By Optuna's tenth a study of 50 is judged by five of them; with a fifth a
setting that does nothing came last in 16 of 20 studies of 50 trials, and not in 12 (`benchmarks.studies`)."""
_STATES = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}
optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True, slots=True)
class Asked:
    """A trial that wants to be run."""

    number: int
    params: Params


class Search:
    """A study in a storage; made there where it is new. Not for several threads at once."""

    def __init__(
        self, config: StudyConfig, storage: BaseStorage | None = None, name: str = "study"
    ) -> None:
        self.config = config
        self.space = config.ranges
        self.study: Study = optuna.create_study(
            study_name=name,
            storage=storage or InMemoryStorage(),
            directions=[OBJECTIVES[key].direction for key in config.objectives],
            pruner=make_pruner(config),
            sampler=RandomSampler(config.seed),
            load_if_exists=True,
        )

    def ask(self, known: Collection[int] | None = None) -> Asked | None:
        """The next trial; None where a grid has no further point. Only one process may ask at a time.

        known: numbers of the trials that the caller has. One that was begun but is not among them was asked for by a
        process that did not live to say so: it is given out again, with the settings that it has. None: leave such alone.
        """
        trials = self.study.get_trials(deepcopy=False)
        for trial in trials if known is not None else ():
            if trial.state == TrialState.RUNNING and trial.number not in (known or ()):
                self.study.sampler = self._sampler(trial.number)
                return self._asked(Trial(self.study, trial._trial_id))
        waiting = [trial.number for trial in trials if trial.state == TrialState.WAITING]
        number = min(waiting, default=len(trials))
        if self.config.sampler == "grid" and not waiting:
            point = self._grid_point(number)
            if point is None:
                return None
            self.study.enqueue_trial(dict(point))
        self.study.sampler = self._sampler(number)
        return self._asked(self.study.ask())

    def _asked(self, trial: Trial) -> Asked:
        return Asked(trial.number, self.space.suggest(trial))

    def _grid_point(self, number: int) -> Params | None:
        """The grid in an order drawn from the seed, so that a study cut short has seen all sides of it."""
        size = self.space.grid_size()
        if number >= size:
            return None
        order = np.random.default_rng(self.config.seed).permutation(size)
        return next(itertools.islice(self.space.grid(), int(order[number]), None))

    def _sampler(self, number: int) -> BaseSampler:
        return make_sampler(self.config, number)

    def tell(self, number: int, outcome: Outcome, values: Sequence[float] | None = None) -> None:
        """How a trial ended; a second time is harmless. values: one per objective, of a complete one only."""
        given = list(values) if values is not None and outcome == "complete" else None
        self.study.tell(number, given, state=_STATES[outcome], skip_if_finished=True)

    def report(self, number: int, step: int, value: float) -> bool:
        """Note what a trial has reached at a step (from 1 on); whether to give it up. Noting twice is harmless."""
        storage, pruner = self.study._storage, self.study.pruner
        trial_id = storage.get_trial_id_from_study_id_trial_number(self.study._study_id, number)
        trial = storage.get_trial(trial_id)
        if trial.state.is_finished():
            return True
        if step not in trial.intermediate_values:
            storage.set_trial_intermediate_value(trial_id, step, value)
            trial = storage.get_trial(trial_id)
        return bool(pruner.prune(self.study, trial))

    def unfinished(self) -> list[int]:
        """Numbers of the trials that were begun and have not been told."""
        trials = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return [trial.number for trial in trials]

    def importance(self) -> dict[str, dict[str, float]]:
        """Share of each setting in what an objective owes to the settings (PED-ANOVA, arXiv:2304.10255), largest first.

        By objective; empty where too few trials are complete, or all of them came out the same.
        """
        complete = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(complete) < FEWEST_FOR_IMPORTANCE:
            return {}
        found: dict[str, dict[str, float]] = {}
        for place, key in enumerate(self.config.objectives):
            if len({trial.values[place] for trial in complete}) > 1:
                found[key] = self._importance_for(place)
        return found

    def _importance_for(self, place: int) -> dict[str, float]:
        def target(trial: FrozenTrial) -> float:
            return float(trial.values[place])

        # PED-ANOVA takes the lowest as the best; of a single objective it knows the direction itself.
        several = len(self.config.objectives) > 1
        sign = -1.0 if OBJECTIVES[self.config.objectives[place]].maximize else 1.0
        with warnings.catch_warnings():
            # It tells whoever gives a target to mind its sign, which has been done.
            warnings.filterwarnings("ignore", message="PedAnova", category=UserWarning)
            shares = get_param_importances(
                self.study,
                evaluator=PedAnovaImportanceEvaluator(target_quantile=GOOD_SHARE),
                target=(lambda trial: sign * target(trial)) if several else None,
            )
        return {name: float(share) for name, share in shares.items()}


def make_sampler(config: StudyConfig, number: int) -> BaseSampler:
    """The sampler of one trial. Raises `ImportError` where Optuna lacks something for it."""
    state = np.random.SeedSequence([config.seed, number]).generate_state(1)
    seed = int(state[0])
    kind, startup = config.sampler, config.startup
    if kind == "tpe":
        return TPESampler(n_startup_trials=startup, seed=seed)
    if kind == "nsgaii":
        return NSGAIISampler(population_size=_population(config), seed=seed)
    if kind == "nsgaiii":
        return NSGAIIISampler(population_size=_population(config), seed=seed)
    if kind == "cmaes":
        return optuna.samplers.CmaEsSampler(n_startup_trials=startup, seed=seed)
    if kind == "gp":
        return optuna.samplers.GPSampler(n_startup_trials=startup, seed=seed)
    if kind == "qmc":
        # Its sequence has one seed; the storage knows how far it has come.
        return optuna.samplers.QMCSampler(seed=config.seed, scramble=True)
    return RandomSampler(seed)


def _population(config: StudyConfig) -> int:
    """Optuna's 50 would leave most studies without a second generation."""
    return max(4, min(50, config.trials // 4))


class _Hyperband(HyperbandPruner):
    """Hyperband whose brackets follow the study's seed. Optuna draws them from its name, which is never the same."""

    def __init__(self, seed: int, **more: Any) -> None:
        super().__init__(**more)
        self._seed = seed

    def _get_bracket_id(self, study: Study, trial: FrozenTrial) -> int:
        if not self._pruners:
            return 0
        place = crc32(f"{self._seed}_{trial.number}".encode()) % self._total_trial_allocation_budget
        for bracket, budget in enumerate(self._trial_allocation_budgets):
            place -= budget
            if place < 0:
                return bracket
        return 0


def make_pruner(config: StudyConfig) -> BasePruner:
    """The study's pruner; its steps are looks, counted from 1 over all seeds of a trial."""
    startup = min(config.startup, 5)
    if config.pruner == "median":
        return MedianPruner(n_startup_trials=startup)
    if config.pruner == "percentile":
        return PercentilePruner(25.0, n_startup_trials=startup)
    if config.pruner == "hyperband":
        looks = config.reports * config.seeds
        return _Hyperband(config.seed, min_resource=1, max_resource=looks, reduction_factor=3)
    if config.pruner == "asha":
        return SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    return NopPruner()
