"""Relay: the smallest scenario for a team.

A listener reads the request, which names a word and says whether to whisper or to shout it, and tells a speaker both.
The speaker reads only what the listener told, and says it. It exists for the tests and as the shortest example of a
team; see `docs/scenarios.md`.

Version 1: two roles, two milestones.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scenarios.core.tasks import AnyOf, Milestone, Task
from scenarios.core.team import Role, TeamScenario, TeamWorld
from scenarios.core.types import Difficulty, Split, Tool, ToolCall, ToolResult

_WORDS: dict[Split, tuple[str, ...]] = {
    "train": tuple(
        f"{a}{b}"
        for a in ("amber", "violet", "silver", "copper")
        for b in ("gate", "hall", "stone", "field")
    ),
    "validation": ("elmroad", "elmbank", "elmcourt"),
    "test": ("fernbay", "ferncove", "fernhill", "fernpoint"),
}
_PHRASES: dict[Split, dict[str, tuple[str, ...]]] = {
    "train": {
        "quiet": (
            "let somebody whisper {word}",
            "have {word} said very quietly",
            "I want to hear {word} softly whispered",
        ),
        "loud": (
            "let somebody shout {word}",
            "have {word} said very loudly",
            "I want to hear {word} shouted out loud",
        ),
    },
    "validation": {
        "quiet": ("can your team softly whisper {word}",),
        "loud": ("can your team loudly shout {word}",),
    },
    "test": {
        "quiet": ("could one of you whisper {word}", "quietly now: {word}"),
        "loud": ("could one of you shout {word}", "loudly now: {word}"),
    },
}
_WORD = {"type": "string", "description": "The word to say."}
_ALONE = {"type": "object", "properties": {"word": _WORD}, "required": ["word"]}
_TOOL = {"quiet": "whisper", "loud": "shout"}


class RelayWorld(TeamWorld):
    """Remembers what was said, and how."""

    def __init__(self, task: Task, attempt: int, scenario: TeamScenario) -> None:
        super().__init__(task, attempt, scenario)
        self.said: list[tuple[str, str]] = []

    def opening(self) -> str:
        phrases = _PHRASES[self.task.split][self.task.kind]
        phrase = phrases[int(self.rng.integers(len(phrases)))]
        return phrase.format(word=f'"{self.task.payload}"')

    def message(self, sender: str, receiver: str, call: ToolCall) -> str:
        return f'say "{call.arguments["word"]}", be {call.arguments["loudness"]}'

    def work(self, call: ToolCall) -> ToolResult:
        self.said.append((call.name, call.arguments["word"]))
        return ToolResult({"said": call.arguments["word"]}, seconds=0.1)

    def reply(self, question: str) -> str:
        return "I have told you everything."

    def goals_hold(self) -> bool:
        return self.said == [(_TOOL[self.task.kind], self.task.payload)]


class Relay(TeamScenario):
    """Whisper or shout one word, in a team of two."""

    key: ClassVar[str] = "relay"
    version: ClassVar[str] = "1"
    tools: ClassVar[tuple[Tool, ...]] = (
        Tool(
            "tell_speaker",
            "Tell the speaker which word to say, and how.",
            {
                "type": "object",
                "properties": {
                    "word": _WORD,
                    "loudness": {"type": "string", "enum": ["quiet", "loud"]},
                },
                "required": ["word", "loudness"],
            },
        ),
        Tool("whisper", "Say a word quietly and softly.", _ALONE),
        Tool("shout", "Say a word loudly, at full volume.", _ALONE),
    )
    roles: ClassVar[tuple[Role, ...]] = (
        Role("listener", "Listener", "Reads the request.", ("tell_speaker",), passes_to="speaker"),
        Role("speaker", "Speaker", "Says what it is told.", ("whisper", "shout")),
    )
    handoffs: ClassVar[dict[str, tuple[str, ...]]] = {"tell_speaker": ("speaker",)}

    def task(self, split: Split, difficulty: Difficulty, seed: int) -> Task:
        rng = np.random.default_rng([seed, ("train", "validation", "test").index(split)])
        kind = ("quiet", "loud")[int(rng.integers(2))]
        word = _WORDS[split][int(rng.integers(len(_WORDS[split])))]
        told = Milestone(
            "told",
            "tell_speaker",
            {"word": AnyOf((word,)), "loudness": AnyOf((kind,))},
            role="listener",
        )
        said = Milestone(
            "said", _TOOL[kind], {"word": AnyOf((word,))}, after=("told",), role="speaker"
        )
        return Task(self.key, split, difficulty, seed, kind, (told, said), payload=word)

    def world(self, task: Task, attempt: int = 0) -> RelayWorld:
        return RelayWorld(task, attempt, self)

    def wording(self, split: Split) -> frozenset[str]:
        return frozenset(phrase for phrases in _PHRASES[split].values() for phrase in phrases)

    def entities(self, split: Split) -> frozenset[str]:
        return frozenset(_WORDS[split])
