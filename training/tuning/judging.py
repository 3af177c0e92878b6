"""How a trained policy is judged in a study: on validation tasks. The test split is opened for the honest ending only."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np

from models_registry.policies.runtime import Forward
from scenarios.core.types import Json
from training.rl.agents import PolicyAgent
from training.rl.algorithms.base import Network
from training.rl.config import TrainConfig
from training.rl.cost import POLICY_CPU_PER_HOUR
from training.rl.evaluation import Evaluated
from training.rl.exam import Exam, Tally, tally
from training.rl.imitation import Imitation
from training.rl.problem import Problem, Source, ToolUse, Weights, problem_of
from training.rl.team import exam as team_exam
from training.rl.team.agents import lineups
from training.rl.team.problem import TeamUse
from training.tuning.config import StudyConfig

Scores = dict[str, float | None]


class Judged:
    """A problem whose evaluation is the study's: validation tasks, and after them the test only where it is asked for.

    `scores` holds what validation gave once the evaluation has come so far.
    """

    def __init__(self, config: TrainConfig, study: StudyConfig, *, test: bool) -> None:
        self.config, self.study, self.test = config, study, test
        self.problem: Problem = problem_of(config)
        self.target, self.stages = self.problem.target, self.problem.stages
        self.scores: Scores | None = None

    @property
    def network(self) -> Network:
        return self.problem.network

    def twin(self) -> Network:
        return self.problem.twin()

    def imitation(self) -> Imitation | None:
        return self.problem.imitation()

    def source(self) -> Source:
        return self.problem.source()

    def validate(self, weights: Weights) -> dict[str, float | None]:
        return self.problem.validate(weights)

    def evaluate(self, weights: Weights, convergence: dict[str, Json]) -> Iterator[Evaluated]:
        """Validation, then perhaps the test. Without it the evidence is the scores alone, and no claim."""
        yield Evaluated(0.0, "Validation")
        self.scores = score(self.problem, weights, self.config, self.study)
        if self.test:
            yield from self.problem.evaluate(weights, convergence)
        else:
            yield Evaluated(1.0, "done", {"split": "validation", "scores": dict(self.scores)})


def score(problem: Problem, weights: Weights, config: TrainConfig, study: StudyConfig) -> Scores:
    """What these weights do on the study's validation tasks."""
    if isinstance(problem, ToolUse | TeamUse):
        exam = Exam(
            problem.scenario,
            "validation",
            config.difficulty,
            study.score_tasks,
            study.score_attempts,
        )
        return _scores(_played(problem, weights, exam))
    found = problem.validate(weights)
    return {name.removeprefix("validation_"): value for name, value in found.items()}


def _played(problem: ToolUse | TeamUse, weights: Weights, exam: Exam) -> Tally:
    if isinstance(problem, TeamUse):
        players = team_exam.tally(lineups(problem.scenario, weights, 0)["trained"], exam)
    else:
        players = tally(PolicyAgent(Forward(weights)), exam)
    [last] = deque(players, maxlen=1)
    return last


def _scores(played: Tally) -> Scores:
    """Means over all attempts; None where there is nothing to divide by."""
    wins, calls = sum(played.success), sum(played.calls)
    decision = float(np.mean(played.decision_seconds))
    per_episode = decision * POLICY_CPU_PER_HOUR / 3600
    return {
        "success": wins / len(played.success),
        "tool_reliability": sum(played.right) / calls if calls else None,
        "reward": float(np.mean(played.reward)),
        "calls": calls / wins if wins else None,
        "steps": float(np.mean(played.steps)),
        "latency": decision + float(np.mean(played.tool_seconds)),
        "cost": per_episode * len(played.success) / wins if wins else None,
    }
