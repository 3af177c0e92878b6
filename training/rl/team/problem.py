"""A scenario for a team, learned by a policy per role."""

from __future__ import annotations

from collections.abc import Iterator

from models_registry.artifacts.bundle import weights_hash
from models_registry.policies.team import Weights, untrained
from scenarios.core.team import TeamScenario
from scenarios.core.types import Json, Split
from scenarios.sources.catalogue import find
from training.rl.config import TrainConfig
from training.rl.evaluation import Evaluated
from training.rl.exam import VALIDATION_TASKS, Exam
from training.rl.imitation import Imitation
from training.rl.parallel import Collectors, collectors
from training.rl.team.agents import lineups
from training.rl.team.evaluation import evaluate
from training.rl.team.exam import play
from training.rl.team.network import TeamNetwork
from training.rl.team.terms import Terms


class TeamUse:
    """The problem of a team. Raises `TypeError` for a scenario that is none for a team."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        scenario = find(config.scenario)
        if not isinstance(scenario, TeamScenario):
            raise TypeError(f"{config.scenario} is no scenario for a team")
        self.scenario = scenario
        self.target = scenario.criteria.tool_reliability
        self.stages = scenario.curriculum
        self.roles = tuple(role.name for role in scenario.roles)
        # Whole outcomes need no value, and so no critic.
        shared = config.critic == "shared" and config.algorithm == "ppo"
        self.terms = Terms(config.reward_sharing, config.sharing_weight, shared)
        self.network = self.twin()

    def twin(self) -> TeamNetwork:
        critic = self.terms.critic
        weights = untrained(self.roles, self.config.seed, critic=critic)
        return TeamNetwork(weights, self.roles, self.scenario.trained, critic=critic)

    def imitation(self) -> Imitation | None:
        return Imitation(self.network)

    def source(self) -> Collectors:
        return collectors(self.config, self.terms)

    def _exam(self, split: Split, tasks: int, attempts: int) -> Exam:
        return Exam(self.scenario, split, self.config.difficulty, tasks, attempts)

    def validate(self, weights: Weights) -> dict[str, float | None]:
        """On validation tasks: the share of calls that are right, over all roles, and of tasks that succeed."""
        exam = self._exam("validation", VALIDATION_TASKS, 1)
        members = lineups(self.scenario, weights, 0)["trained"].members()
        played = [game.lane for game in play(members, exam)]
        calls = sum(lane.calls for lane in played)
        right = sum(lane.right_calls for lane in played)
        wins = sum(lane.record.success for lane in played if lane.record is not None)
        return {
            "validation_reliability": right / calls if calls else None,
            "validation_success": wins / exam.tasks,
        }

    def evaluate(self, weights: Weights, convergence: dict[str, Json]) -> Iterator[Evaluated]:
        config = self.config
        exam = self._exam("test", config.evaluation_tasks, config.evaluation_attempts)
        yield from evaluate(
            weights,
            exam,
            seed=config.seed,
            weights_sha256=weights_hash(dict(weights)),
            convergence=convergence,
        )
