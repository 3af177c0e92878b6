"""One attempt at one task, decision by decision: the conversation so far, and whether it is over. No Gymnasium."""

from __future__ import annotations

from scenarios.core.scenario import Scenario
from scenarios.core.stage import Stage
from scenarios.core.types import Decision, Split, Turn
from scenarios.core.world import Outcome


class Episode:
    """What `ToolEnv` plays, and what a person plays on a page.

    terminated: a decision has ended it. truncated: the step limit has; the future is cut, not over.
    """

    def __init__(
        self, scenario: Scenario, split: Split, stage: Stage, task_seed: int, attempt: int = 0
    ) -> None:
        task = scenario.task(split, stage.difficulty, task_seed)
        self.world = scenario.world(task, attempt)
        if stage.fault_rate is not None:
            self.world.fault_rate = stage.fault_rate
        self.limit = stage.max_steps or scenario.max_steps[stage.difficulty]
        self.turns: list[Turn] = [Turn("user", self.world.opening())]
        self.steps = 0
        self.terminated = False

    @property
    def truncated(self) -> bool:
        return not self.terminated and self.steps >= self.limit

    @property
    def over(self) -> bool:
        return self.terminated or self.steps >= self.limit

    @property
    def succeeded(self) -> bool:
        return self.terminated and self.world.succeeded

    def step(self, decision: Decision) -> Outcome:
        """Carry out one decision. Raises `RuntimeError` once the episode is over."""
        if self.over:
            raise RuntimeError("the episode is over")
        outcome = self.world.step(decision)
        self.turns.extend(outcome.turns)
        self.steps += 1
        self.terminated = outcome.ended
        return outcome
