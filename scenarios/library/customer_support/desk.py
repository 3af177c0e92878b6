"""The desk of one attempt: the records with this attempt's changes, who is verified, which rules were broken."""

from __future__ import annotations

from dataclasses import dataclass, field

from scenarios.core.types import Json
from scenarios.library.customer_support.request import Request
from scenarios.library.customer_support.state import State


@dataclass(slots=True)
class Desk:
    """What the tools work on."""

    state: State
    customer_id: str
    """The customer whose ticket this is; nobody else's records may be written to."""
    code: str
    """The customer's security code."""
    verified: set[str]
    breaches: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, request: Request) -> Desk:
        verified = {request.customer_id} if request.verified else set()
        return cls(State(request.tables), request.customer_id, request.slots["code"], verified)

    def guard(self, owner: str, breaches: list[str]) -> None:
        """Note the rules that a write to a record of `owner` breaks."""
        if owner != self.customer_id:
            self.breaches.append("rule 2: wrote to a record of another customer")
        self.breaches.extend(breaches)


class NotFound(Exception):
    """There is no such record; the message names the kind and the id."""

    def __init__(self, table: str, key: Json) -> None:
        super().__init__(f"there is no {table.rstrip('s')} {key}")
