"""`HyperparameterOptimizer`: a study for Python users, in this process, without a database or a site.

optimizer = HyperparameterOptimizer("echo", {"learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}},
                                    settings={"episodes": 400}, trials=20, pruner="median")
for trial in optimizer.run():
    print(trial.number, trial.params, trial.values)
print(optimizer.best, optimizer.importance(), optimizer.confirm()["gains"])
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from training.rl.config import ConfigError
from training.tuning.config import parse_study
from training.tuning.objectives import front, ranked, top, values_of
from training.tuning.search import Asked, Outcome, Search
from training.tuning.space import Params
from training.tuning.trial import Look, finals, run_seed, run_trial
from training.tuning.verdict import Candidate, Repeat, verdict

if TYPE_CHECKING:
    from optuna.storages import BaseStorage


@dataclass(frozen=True, slots=True)
class Finished:
    """A trial that is over. values: one per objective, None unless complete."""

    number: int
    params: Params
    outcome: Outcome
    values: list[float] | None
    looks: list[Look] = field(default_factory=list)
    seconds: float = 0.0
    failure: str = ""


class HyperparameterOptimizer:
    """A search over the settings of `training.rl.train`, one trial after the other.

    options: the fields of `training.tuning.config.StudyConfig`. storage: an Optuna storage; several processes that
    share one, with the same name, work on the same study. Raises `ConfigError` naming every bad field.
    """

    def __init__(
        self,
        scenario: str,
        space: Mapping[str, Any] | None = None,
        *,
        storage: BaseStorage | None = None,
        name: str = "study",
        **options: Any,
    ) -> None:
        self.config = parse_study({"scenario": scenario, "space": space, **options})
        self.search = Search(self.config, storage, name)
        self.trials: list[Finished] = []
        """Those that this process has run."""

    def run(self) -> Iterator[Finished]:
        """Run trials until the budget of trials or time is used up; yields each one as it ends. To stop, leave the loop."""
        until = None if self.config.timeout is None else time.monotonic() + self.config.timeout
        while len(self.search.study.get_trials(deepcopy=False)) < self.config.trials:
            if until is not None and time.monotonic() >= until:
                return
            asked = self.search.ask()
            if asked is None:
                return
            self.trials.append(self._carry_out(asked))
            yield self.trials[-1]

    def optimize(self) -> Finished | None:
        """Run the whole search; the best trial."""
        for _ in self.run():
            pass
        return self.best

    def _carry_out(self, asked: Asked) -> Finished:
        began, looks = time.monotonic(), list[Look]()
        outcome: Outcome = "failed"
        values, failure = None, "Cut off."
        try:
            scores = self._play(asked, looks)
            values = values_of(self.config.objectives, scores) if scores else None
            outcome = "pruned" if scores is None else "failed" if values is None else "complete"
            failure = (
                "An objective has no value: nothing was solved." if outcome == "failed" else ""
            )
        except (ArithmeticError, ConfigError) as problem:
            failure = str(problem)
        finally:
            self.search.tell(asked.number, outcome, values)
        seconds = time.monotonic() - began
        return Finished(asked.number, asked.params, outcome, values, looks, seconds, failure)

    def _play(self, asked: Asked, looks: list[Look]) -> list[dict[str, float | None]] | None:
        steps = run_trial(self.config, asked.params)
        give_up: bool | None = None
        while True:
            try:
                look = steps.send(give_up)
            except StopIteration as end:
                found: list[dict[str, float | None]] | None = end.value
                return found
            looks.append(look)
            give_up = self.search.report(asked.number, look.step, look.value)

    @property
    def best(self) -> Finished | None:
        """The complete trial with the best first objective."""
        order = ranked(self._values(), self.config.objectives)
        return self._trial(order[0]) if order else None

    @property
    def front(self) -> list[Finished]:
        """The complete trials that no other one beats in every objective."""
        return [self._trial(number) for number in front(self._values(), self.config.objectives)]

    def _values(self) -> dict[int, list[float]]:
        return {one.number: one.values for one in self.trials if one.values is not None}

    def _trial(self, number: int) -> Finished:
        return next(one for one in self.trials if one.number == number)

    def importance(self) -> dict[str, dict[str, float]]:
        """See `Search.importance`."""
        return self.search.importance()

    def confirm(self) -> dict[str, Any]:
        """Train the best trials and the usual settings again on fresh seeds, and open the test split; see `verdict`."""
        chosen = top(self._values(), self.config.objectives, self.config.confirm_top)
        candidates = [Candidate(None, {}, None, self._repeats({}))]
        for trial in map(self._trial, chosen):
            repeats = self._repeats(trial.params)
            candidates.append(Candidate(trial.number, trial.params, trial.values, repeats))
        return verdict(self.config, candidates)

    def _repeats(self, params: Mapping[str, Any]) -> list[Repeat]:
        done = []
        for seed in self.config.fresh_seeds():
            config = self.config.train_config(params, seed, search=False)
            steps = run_seed(self.config, config, finals(self.config, ()), test=True)
            found = None
            try:
                while True:
                    next(steps)
            except StopIteration as end:
                found = end.value
            if found is not None:
                done.append(Repeat(seed, *found))
        return done
