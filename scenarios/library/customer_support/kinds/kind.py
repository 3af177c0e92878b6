"""What a kind of request is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scenarios.library.customer_support.case import Case


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request: how its user words it (`intent`) and how its world and plan are built.

    family: two kinds of one family never share a message. weight: relative frequency. stays_open: the ticket ends
    escalated or parked, which a message can stand only once. alone: never combined with another need. chat: whether
    the request can come in through a chat whose customer is known. searches: it needs the help centre.
    shows_ticket: the ticket id may be left out, because the customer's record shows it beyond doubt.
    """

    key: str
    intent: str
    family: str
    build: Callable[[Case], None]
    weight: float
    stays_open: bool = False
    alone: bool = False
    chat: bool = True
    searches: bool = False
    shows_ticket: bool = True
