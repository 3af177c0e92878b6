"""A task under construction: the records, the milestones, the wanted changes and what the user tells.

The kinds of request write to a `Case`; `finish` closes it. Everything that several kinds share lives here: how the
customer becomes known and verified, how a detail is withheld so that it must be asked for, how a ticket ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scenarios.core.draws import Draws
from scenarios.core.tasks import AnyOf, Milestone
from scenarios.core.types import Difficulty, Json, Split
from scenarios.library.customer_support import policy
from scenarios.library.customer_support.asking import Step, withhold
from scenarios.library.customer_support.names import POOLS, address
from scenarios.library.customer_support.request import Dials, Names, Need, Request
from scenarios.library.customer_support.state import Place, Record
from scenarios.library.customer_support.surroundings import furnish


@dataclass(slots=True)
class Case:
    """See the module's text. Milestone names are unique in a case because kinds of one family are never combined."""

    draws: Draws
    split: Split
    difficulty: Difficulty
    dials: Dials
    customer_id: str = ""
    ticket_id: str = ""
    support: str = "standard"
    needs: list[Need] = field(default_factory=list)
    slots: dict[str, str] = field(default_factory=dict)
    tables: dict[str, dict[str, Record]] = field(default_factory=dict)
    wanted: dict[Place, tuple[Json, ...]] = field(default_factory=dict)
    stays_open: bool = False
    hands_over: bool = False
    _steps: dict[str, Step] = field(default_factory=dict)
    _resolutions: list[str] = field(default_factory=list)
    _last: list[str] = field(default_factory=list)
    _told: list[str] = field(default_factory=list)
    _firm: set[str] = field(default_factory=set)
    _ids: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        draws, pool = self.draws, POOLS[self.split]
        first, last = draws.pick(pool.first), draws.pick(pool.last)
        email = address(first, last, draws.pick(pool.domains), draws.below(3))
        self.customer_id, self.ticket_id = self.new_id("C"), self.new_id("T")
        self.support = "premium" if draws.chance(0.3) else "standard"
        self.slots.update(
            name=f"{first} {last}",
            first=first,
            email=email,
            code=str(draws.between(pool.low, pool.high - 1) * 10 + draws.below(10)),
            company=draws.pick(pool.companies),
            device=draws.pick(pool.models),
        )
        self.add(
            "customers",
            self.customer_id,
            name=self.slots["name"],
            email=email,
            company=self.slots["company"],
            account_status="active",
            support_level=self.support,
            api_access="included" if draws.chance(0.5) else "not_included",
        )
        self.add("tickets", self.ticket_id, status="open", age_days=0, response_target="on_track")
        if not self.dials.known:
            self._told.append("email")

    # Records

    def new_id(self, letter: str) -> str:
        """An identifier that no other record of this task has, whatever its letter."""
        pool = POOLS[self.split]
        while (number := self.draws.between(pool.low, pool.high - 1)) in self._ids:
            pass
        self._ids.add(number)
        return f"{letter}-{number}"

    def add(self, table: str, key: str, **fields: Json) -> Record:
        """Put a record of the task's customer into a table."""
        record: Record = {"customer_id": self.customer_id, **fields}
        self.tables.setdefault(table, {})[key] = record
        return record

    def want(self, table: str, key: str, **fields: Json) -> None:
        """A change that must be there in the end."""
        for name, value in fields.items():
            self.wanted[table, key, name] = (value,)

    # What the user says

    def tell(self, detail: str, text: str, *, firm: bool = False) -> str:
        """Have the user mention a detail (and return its name). firm: it is never the one that is forgotten."""
        self.slots[detail] = text
        if firm:
            self._firm.add(detail)
        if detail not in self._told:
            self._told.append(detail)
        return detail

    def request(self, intent: str, *details: str, phrase: str | None = None) -> None:
        """Add one need, worded by `intent`, with the details that belong to it."""
        self.needs.append(Need(intent, phrase, details))

    def offer_code(self) -> None:
        """The user gives the security code unprompted, whether or not this branch will need it."""
        if not self.dials.verified:
            self.tell("code", self.slots["code"])

    # Milestones

    def put(self, milestone: Milestone, uses: Names = ()) -> str:
        """Add a milestone unless one of its name is there, and return the name.

        uses: details of the user's message that its arguments need.
        """
        self._steps.setdefault(milestone.name, Step(milestone, uses))
        return milestone.name

    def step(
        self,
        name: str,
        tool: str,
        arguments: Mapping[str, Json | AnyOf],
        after: Iterable[str] = (),
        uses: Names = (),
    ) -> str:
        """Add a call that has to be made, with exactly these arguments (or any that an `AnyOf` accepts)."""
        return self.put(Milestone(name, tool, accepted(arguments), tuple(after)), uses)

    def lookup(self) -> str:
        """The customer's record has to be read."""
        return self.put(*self._lookup(optional=False))

    def _lookup(self, *, optional: bool) -> tuple[Milestone, Names]:
        names = (self.slots["email"], self.customer_id)
        values = AnyOf(names[::-1] if self.dials.known else names)
        milestone = Milestone("lookup", "lookup_user", {"email_or_id": values}, optional=optional)
        return milestone, () if self.dials.known else ("email",)

    def customer(self) -> Names:
        """What must come before a call that names the customer id."""
        return () if self.dials.known else (self.lookup(),)

    def ticket(self) -> Names:
        """What must come before a call that names the ticket id."""
        return (self.lookup(),) if self.dials.ticketless else ()

    def identity(self) -> Names:
        """What must come before a call that rule 1 guards."""
        return () if self.dials.verified else (self._verify(optional=False),)

    def _verify(self, *, optional: bool) -> str:
        arguments = accepted({"customer_id": self.customer_id, "code": self.slots["code"]})
        after = self.customer()
        milestone = Milestone("verify", "verify_identity", arguments, after, optional, is_verified)
        return self.put(milestone, ("code",))

    def mail(self, template: str, after: Iterable[str], article: str | None = None) -> str:
        """A template has to go out to the customer."""
        arguments = {"customer_id": self.customer_id, "template": template}
        if article:
            arguments["article_id"] = article
        self.want("mails", self.customer_id, **{template: (article,)})
        return self.step(f"mail_{template}", "send_email", arguments, (*self.customer(), *after))

    def escalate(self, team: str, after: Iterable[str], ticket_id: str | None = None) -> str:
        """A team has to take a ticket over: the task's own ticket, which then stays open, or an older one."""
        own = ticket_id is None
        ticket, level = ticket_id or self.ticket_id, policy.priority(team, self.support)
        self.want("tickets", ticket, status="escalated", team=team, priority=level)
        self.stays_open = self.stays_open or own
        before = (*after, *self.ticket()) if own else after
        arguments = {"ticket_id": ticket, "team": team, "priority": level}
        return self.step(f"escalate_{team}", "escalate", arguments, before)

    def park(self, status: str, after: Iterable[str]) -> str:
        """The ticket stays open in this status."""
        self.want("tickets", self.ticket_id, status=status)
        self.stays_open = True
        arguments = {"ticket_id": self.ticket_id, "status": status}
        return self.step("park", "update_ticket", arguments, (*after, *self.ticket()))

    def search(
        self, query: str, returns: Callable[[Any], bool] | None = None, after: Iterable[str] = ()
    ) -> str:
        """The help centre has to be searched; any query will do that brings back what is wanted."""
        asked = {"query": AnyOf((query.format_map(self.slots),), anything=True)}
        return self.put(Milestone("search", "search_kb", asked, tuple(after), returns=returns))

    def may_search(self) -> None:
        """A look into the help centre does no harm here."""
        asked = {"query": AnyOf((), anything=True)}
        self.put(Milestone("browse", "search_kb", asked, optional=True))

    def resolve(self, resolution: str, after: Iterable[str]) -> None:
        """This need is settled once `after` is done."""
        self._resolutions.append(resolution)
        self._last.extend(after)

    def answer(self, template: str, after: Names, article: str | None = None) -> None:
        """Information is given: in chat by the closing words, on an e-mail ticket in writing too (rule 10)."""
        if self.dials.channel == "email":
            after = (self.mail(template, after, article),)
        self.resolve("answered", after)

    # The end

    def finish(self) -> tuple[tuple[Milestone, ...], Request]:
        """The milestones in the oracle's order, and the payload."""
        if self._resolutions and not self.stays_open:
            self._close()
        self._allow_extras()
        furnish(self.draws, self.split, self.dials.distractors, self.customer_id, self.tables)
        withheld = None
        if self.dials.ask:
            tellable = [detail for detail in self._told if detail not in self._firm]
            withheld, self._steps = withhold(self.draws, tellable, self._steps)
        request = Request(
            header=self._header(),
            needs=self._needs(withheld),
            slots=self.slots,
            withheld=withheld,
            tables=self.tables,
            wanted=self.wanted,
            customer_id=self.customer_id,
            verified=self.dials.verified,
            chatter=self.dials.chatter,
        )
        return tuple(step.milestone for step in self._steps.values()), request

    def _close(self) -> None:
        order = ("solved", "declined", "answered")
        resolutions = tuple(name for name in order if name in self._resolutions)
        self.wanted["tickets", self.ticket_id, "status"] = ("closed",)
        self.wanted["tickets", self.ticket_id, "resolution"] = resolutions
        arguments = {"ticket_id": self.ticket_id, "resolution": AnyOf(resolutions)}
        self.step("close", "close_ticket", arguments, (*dict.fromkeys(self._last), *self.ticket()))

    def _allow_extras(self) -> None:
        """Looking the customer up and checking an offered code are reasonable even where nothing needs them."""
        if "code" in self._told and "verify" not in self._steps:
            self._verify(optional=True)
        if "lookup" not in self._steps:
            self.put(*self._lookup(optional=True))

    def _needs(self, withheld: str | None) -> tuple[Need, ...]:
        """The needs with the details that each one mentions; the first mentions the customer's own too."""
        told = {detail for detail in self._told if detail != withheld}
        own = tuple(detail for detail in ("email", "code") if detail in told)
        return tuple(
            Need(
                need.intent,
                need.phrase,
                (*(d for d in need.details if d in told), *(() if place else own)),
            )
            for place, need in enumerate(self.needs)
        )

    def _header(self) -> str:
        dials = self.dials
        parts = [] if dials.ticketless else [f"Ticket {self.ticket_id}"]
        parts.append(dials.channel)
        if dials.known:
            parts.append(f"customer {self.customer_id}")
        parts += ["verified" if dials.verified else "not verified", f"{self.support} support"]
        return f"[{' | '.join(parts)}]"


def accepted(arguments: Mapping[str, Json | AnyOf]) -> dict[str, AnyOf]:
    """Plain values as the one value that is right."""
    return {
        key: value if isinstance(value, AnyOf) else AnyOf((value,))
        for key, value in arguments.items()
    }


def is_verified(content: Any) -> bool:
    """Whether the identity tool accepted the code."""
    return bool(content["verified"])
