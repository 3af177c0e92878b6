"""What a task asks for: the dials it was made with, the needs of the user, and the payload that a world plays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from scenarios.core.types import Json
from scenarios.library.customer_support.state import Place, Tables

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dials:
    """What makes this task harder or easier."""

    channel: Literal["chat", "email"]
    known: bool
    """The ticket names the customer id."""
    verified: bool
    """The ticket says that the customer has proved who they are."""
    ticketless: bool
    """The message carries no ticket id; the customer's record shows it."""
    ask: bool
    """One needed detail is missing from the message."""
    distractors: int
    """Further records of each sort."""
    chatter: float
    """Chance of a sentence about something else."""


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that the user wants. `phrase` is set where every attempt must word it alike (searches depend on it)."""

    intent: str
    phrase: str | None = None
    details: Names = ()


@dataclass(frozen=True, slots=True)
class Request:
    """The payload of a task: what the world needs to play it."""

    header: str
    needs: tuple[Need, ...]
    slots: Mapping[str, str]
    withheld: str | None
    tables: Tables
    wanted: Mapping[Place, tuple[Json, ...]]
    customer_id: str
    verified: bool
    chatter: float
