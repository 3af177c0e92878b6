"""Who can be evaluated: the policy, and the baselines that it has to beat on the same tasks.

Every agent sees the same turns and tools. The rule agents fill arguments by name, mention and recency, which is what a
practitioner would write in an afternoon; only the oracle may look at the hidden side.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from models_registry.policies.bags import words
from models_registry.policies.conversation import OMIT, Choices, Conversation
from models_registry.policies.runtime import ANSWERS, Forward, decide
from scenarios.core.scenario import Baseline, Scenario
from scenarios.core.types import Decision, Json, ToolCall, Turn
from scenarios.core.world import World

Picker = Callable[[Choices], int]

RETRIEVED = 5
"""k of the top-k retrieval baseline."""
REMEMBERED = 50_000
"""Encoded texts after which a policy under evaluation forgets them and starts again: constant memory."""
RETRIES = 2
"""How often a rule agent repeats a call that failed."""


class HasWorld(Protocol):
    """An environment with a hidden world, which only the oracle looks at."""

    @property
    def world(self) -> World | None: ...


@dataclass(slots=True)
class Seat:
    """One conversation under evaluation."""

    env: HasWorld
    conversation: Conversation
    turns: tuple[Turn, ...]


class Agent(ABC):
    """Decides for several conversations at once."""

    label: str
    batched: ClassVar[bool] = False
    """Whether deciding together is cheaper; if so, single decisions are timed apart."""

    @abstractmethod
    def decide(self, seats: Sequence[Seat]) -> list[Decision]: ...


class PolicyAgent(Agent):
    """A policy; takes the most likely decision."""

    label = "Trained policy"
    batched = True

    rng: np.random.Generator | None = None

    def __init__(self, forward: Forward) -> None:
        self.forward = forward

    def decide(self, seats: Sequence[Seat]) -> list[Decision]:
        if len(self.forward.table.bags) > REMEMBERED:
            self.forward.forget()
        return [
            sample.decision
            for sample in decide(self.forward, [seat.conversation for seat in seats], self.rng)
        ]


class UntrainedAgent(PolicyAgent):
    """The same network before training; draws its decisions, as training does at its start.

    Its most likely decision would be one and the same over and over, which says nothing.
    """

    label = "Untrained policy"

    def __init__(self, forward: Forward, seed: int) -> None:
        super().__init__(forward)
        self.rng = np.random.default_rng([seed, 5])


class ScriptedAgent(Agent):
    """A baseline of the scenario's own: a function of the conversation, timed as it runs."""

    def __init__(self, baseline: Baseline) -> None:
        self.label = baseline.label
        self._decide = baseline.decide

    def decide(self, seats: Sequence[Seat]) -> list[Decision]:
        return [self._decide(seat.turns) for seat in seats]


class OracleAgent(Agent):
    """Follows the reference path with full knowledge of the hidden world: the ceiling."""

    label = "Oracle"

    def decide(self, seats: Sequence[Seat]) -> list[Decision]:
        return [seat.env.world.oracle() for seat in seats if seat.env.world is not None]


class RandomAgent(Agent):
    """Random valid calls: any fillable tool or ending, any schema-valid candidate for each argument."""

    label = "Random valid calls"

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng([seed, 3])

    def decide(self, seats: Sequence[Seat]) -> list[Decision]:
        return [self._one(seat.conversation) for seat in seats]

    def _one(self, conversation: Conversation) -> Decision:
        fillable = np.flatnonzero(conversation.observe().mask)
        tool = int(fillable[self.rng.integers(len(fillable))])
        return call_or_end(
            conversation, tool, lambda choices: int(self.rng.integers(len(choices.candidates)))
        )


class RuleAgent(Agent):
    """Calls the tools of a ranking, best first, each once (again after a fault), then ends."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    @abstractmethod
    def ranking(self, text: str) -> list[str]:
        """Names of the tools that this request seems to need, best first."""

    def decide(self, seats: Sequence[Seat]) -> list[Decision]:
        return [self._one(seat.conversation) for seat in seats]

    def _one(self, conversation: Conversation) -> Decision:
        mask = conversation.observe().mask
        for name in self.ranking(conversation.user_text):
            past = conversation.history.get(name)
            again = past is not None and past.fault and past.calls <= RETRIES
            tool = conversation.tools.index[name]
            if mask[tool] and (past is None or again):
                return call_or_end(conversation, tool, best_by_name)
        return Decision("final", text=ANSWERS["final"])


class KeywordAgent(RuleAgent):
    """Hand-written keyword rules of the scenario: a tool is wanted when its words occur, more words first."""

    label = "Keyword rules"

    def ranking(self, text: str) -> list[str]:
        hits = {
            name: sum(keyword in text for keyword in keywords)
            for name, keywords in self.scenario.keyword_rules.items()
        }
        return sorted((name for name, count in hits.items() if count), key=lambda name: -hits[name])


class RetrievalAgent(RuleAgent):
    """Top-k retrieval: TF-IDF cosine between the request and each tool's name and description."""

    label = "Top-k retrieval"

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        documents = {
            t.name: words(f"{t.name.replace('_', ' ')} {t.description}") for t in scenario.tools
        }
        seen = Counter(word for document in documents.values() for word in set(document))
        self.idf = {
            word: math.log((1 + len(documents)) / (1 + count)) + 1 for word, count in seen.items()
        }
        self.vectors = {name: self._vector(document) for name, document in documents.items()}

    def _vector(self, document: Sequence[str]) -> dict[str, float]:
        counts = Counter(word for word in document if word in self.idf)
        raw = {word: count * self.idf[word] for word, count in counts.items()}
        length = math.sqrt(sum(value**2 for value in raw.values())) or 1.0
        return {word: value / length for word, value in raw.items()}

    def ranking(self, text: str) -> list[str]:
        query = self._vector(words(text))
        score = {
            name: sum(v * vector.get(w, 0.0) for w, v in query.items())
            for name, vector in self.vectors.items()
        }
        return [
            name
            for name in sorted(score, key=lambda name: -score[name])[:RETRIEVED]
            if score[name] > 0
        ]


def best_by_name(choices: Choices) -> int:
    """The candidate whose key fits the parameter's name best; then what the user mentioned, then the newest."""
    pair = choices.pair
    score = 4 * pair[:, 0] + 3 * pair[:, 1] + pair[:, 2] + pair[:, 4] + 0.5 * pair[:, 6]
    omitted = np.array([c.value is OMIT for c in choices.candidates])
    return int(np.where(omitted, 0.01, score).argmax())


def call_or_end(conversation: Conversation, tool: int, pick: Picker) -> Decision:
    """The decision number `tool`, with arguments chosen by `pick` (choices -> index)."""
    view = conversation.tools.views[tool]
    if view.kind != "tool":
        return Decision(view.kind, text=ANSWERS[view.kind])
    arguments: dict[str, Json] = {}
    for parameter in view.parameters:
        choices = conversation.choices(tool, parameter, arguments)
        value = choices.candidates[pick(choices)].value
        if value is not OMIT:
            arguments[parameter.name] = value
    return Decision("tool", ToolCall(view.name, arguments))
