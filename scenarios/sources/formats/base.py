"""What every reader of recorded conversations gives: conversations in canonical turns, and rows that it refused."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scenarios.core.types import DecisionKind, Json, Tool, Turn

MAX_TEXT = 8_000
"""Characters of one text of the user or the agent."""
MAX_SAID = 60_000
"""Characters of all texts of one conversation."""
MAX_RESULT = 60_000
"""Characters of one result, as JSON."""
MAX_MESSAGES = 400
MAX_CALLS = 60
"""Tool calls of one conversation."""
MAX_TOOLS = 200
NO_RESULT: Json = {"note": "no result was recorded"}
"""What a call counts as answered with where the trace does not say."""


class RowError(ValueError):
    """A row that cannot be read; the message names the place in it and what to put there instead."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: the user said something, the agent did, or it called a tool that answered.

    turn: role `user` or `assistant` with text, or role `tool` with the call and its result. seconds, cost: what the
    call took, where the trace says so. at_once: the call was made in one message with the call before it. answered:
    whether the trace holds the call's result.
    """

    turn: Turn
    seconds: float | None = None
    cost: float | None = None
    at_once: bool = False
    answered: bool = True


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded conversation. row: its first row in the file, from 1. tools: those that the row itself states.

    ending: how it ended, where the row says so. cost: of the whole conversation, models included, where it is stated.
    rows: how many rows of the file it was put together from.
    """

    row: int
    events: tuple[Event, ...]
    tools: tuple[Tool, ...] = ()
    ending: DecisionKind | None = None
    cost: float | None = None
    rows: int = 1

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The conversation as an agent reads it: every result with the call before it."""
        found: list[Turn] = []
        for event in self.events:
            if event.turn.role == "tool":
                found.append(Turn("assistant", call=event.turn.call))
            found.append(event.turn)
        return tuple(found)

    @property
    def calls(self) -> tuple[Event, ...]:
        return tuple(event for event in self.events if event.turn.role == "tool")


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not used, and why."""

    row: int
    why: str


Row = tuple[int, Json]
"""Number in the file, from 1, and the parsed value."""


class Format(ABC):
    """Reads one format."""

    @classmethod
    @abstractmethod
    def read(cls, rows: Iterable[Row]) -> Iterator[Recorded | Refused]:
        """The conversations in these rows, and the rows that hold none. Never raises for what a row holds."""
