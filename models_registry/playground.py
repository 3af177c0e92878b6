"""A trained version at work on a simulated task: every decision with its confidence and what else it considered."""

from __future__ import annotations

from dataclasses import dataclass

from models_registry.adapters._core import Core
from scenarios.core.episode import Episode
from scenarios.core.scenario import Scenario
from scenarios.core.stage import Stage
from scenarios.core.types import Decision, Difficulty, Turn

LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Step:
    """One decision, the turns that it added, and whether it was right."""

    decision: Decision
    turns: tuple[Turn, ...]
    right: bool
    failure: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An episode: the request, the steps, and how it ended."""

    opening: str
    steps: list[Step]
    success: bool
    own_words: bool


def show(core: Core, scenario: Scenario, difficulty: Difficulty, seed: int, words: str) -> Shown:
    """Play a validation task. words: said in place of the task's own request; then only the world says what came of it."""
    episode = Episode(scenario, "validation", Stage(difficulty), seed)
    if words:
        episode.turns[0] = Turn("user", words[:LONGEST])
    steps: list[Step] = []
    while not episode.over:
        before = len(episode.turns)
        decision = core.decide(tuple(episode.turns), scenario.tools).decision
        verdict = episode.step(decision).verdict
        added = tuple(episode.turns[before:])
        steps.append(Step(decision, added, verdict.right, verdict.failure or ""))
    opening = str(episode.turns[0].content)
    return Shown(opening, steps, episode.succeeded, bool(words))
