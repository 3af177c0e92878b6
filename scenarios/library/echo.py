"""Echo: the smallest scenario that can be learned.

The user names a word and says whether to whisper it or to shout it. The agent calls that tool with that word and
ends the conversation. It exists for the tests and as the shortest example of a scenario; see `docs/scenarios.md`.

Version 1: two tools, one milestone.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scenarios.core.scenario import Scenario
from scenarios.core.tasks import AnyOf, Milestone, Task
from scenarios.core.types import Difficulty, Split, Tool, ToolCall, ToolResult
from scenarios.core.world import World

_WORDS: dict[Split, tuple[str, ...]] = {
    "train": tuple(
        f"{a}{b}"
        for a in ("blue", "red", "green", "grey")
        for b in ("bird", "boat", "moon", "leaf")
    ),
    "validation": ("oakfish", "oaklamp", "oakstar"),
    "test": ("pinewolf", "pinedoor", "pinehill", "pinerain"),
}
_PHRASES: dict[Split, dict[str, tuple[str, ...]]] = {
    "train": {
        "whisper": (
            "please whisper {word}",
            "say {word} very quietly",
            "whisper the word {word} softly",
        ),
        "shout": (
            "please shout {word}",
            "say {word} very loudly",
            "shout the word {word} out loud",
        ),
    },
    "validation": {
        "whisper": ("softly whisper {word} now",),
        "shout": ("loudly shout {word} now",),
    },
    "test": {
        "whisper": ("could you whisper {word} to me", "quietly say {word}"),
        "shout": ("could you shout {word} at me", "loudly say {word}"),
    },
}
_SCHEMA = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}


class EchoWorld(World):
    """Remembers what was said, and how."""

    def __init__(
        self, task: Task, attempt: int, tools: tuple[Tool, ...], fault_rate: float
    ) -> None:
        super().__init__(task, attempt, tools, fault_rate)
        self.said: list[tuple[str, str]] = []
        phrases = _PHRASES[task.split][task.kind]
        self._phrase = phrases[int(self.rng.integers(len(phrases)))]

    def opening(self) -> str:
        return self._phrase.format(word=f'"{self.task.payload}"')

    def run(self, call: ToolCall) -> ToolResult:
        self.said.append((call.name, call.arguments["word"]))
        return ToolResult({"said": call.arguments["word"]}, seconds=0.1)

    def reply(self, question: str) -> str:
        return "I have told you everything."

    def goals_hold(self) -> bool:
        return self.said == [(self.task.kind, self.task.payload)]


class Echo(Scenario):
    """Whisper or shout one word."""

    key: ClassVar[str] = "echo"
    version: ClassVar[str] = "1"
    tools: ClassVar[tuple[Tool, ...]] = (
        Tool("whisper", "Say a word quietly and softly.", _SCHEMA),
        Tool("shout", "Say a word loudly, at full volume.", _SCHEMA),
    )
    keyword_rules: ClassVar[dict[str, tuple[str, ...]]] = {
        "whisper": ("whisper",),
        "shout": ("shout",),
    }

    def task(self, split: Split, difficulty: Difficulty, seed: int) -> Task:
        rng = np.random.default_rng([seed, ("train", "validation", "test").index(split)])
        kind = ("whisper", "shout")[int(rng.integers(2))]
        word = _WORDS[split][int(rng.integers(len(_WORDS[split])))]
        milestone = Milestone("said", kind, {"word": AnyOf((word,))})
        return Task(self.key, split, difficulty, seed, kind, (milestone,), payload=word)

    def world(self, task: Task, attempt: int = 0) -> EchoWorld:
        return EchoWorld(task, attempt, self.tools, self.fault_rate[task.difficulty])

    def wording(self, split: Split) -> frozenset[str]:
        return frozenset(phrase for phrases in _PHRASES[split].values() for phrase in phrases)

    def entities(self, split: Split) -> frozenset[str]:
        return frozenset(_WORDS[split])
