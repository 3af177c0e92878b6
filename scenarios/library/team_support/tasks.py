"""What a task is: a customer, an order, a wish, and what three desks have to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scenarios.core.draws import Draws
from scenarios.core.tasks import ASK, AnyOf, Milestone, Task
from scenarios.core.types import SPLITS, Difficulty, Split
from scenarios.core.wording import book
from scenarios.library.team_support.names import POOLS

WORDING = Path(__file__).parent / "wording"
LIMIT = 150.0
"""Refunds above it have to be released."""
WINDOW = 30
"""Days in which money goes back."""
KINDS = (
    "refund", "refund", "damage", "damage", "address", "cancellation", "delivery", "delivery", "not_ours",
)  # fmt: skip
"""Drawn evenly; what stands twice is twice as frequent."""

Change = tuple[str, str, Any]
"""What was done, to which order, with what."""


@dataclass(frozen=True, slots=True)
class Dials:
    """Chances: that the message names the order, else the address; that it leaves out the wish for a damaged item; that
    a refund bounces or is above the limit. others: further orders of the customer, fewest and most."""

    order: float
    email: float
    silent: float
    bounced: float
    large: float
    others: tuple[int, int]
    chatter: float


DIALS: Mapping[Difficulty, Dials] = {
    "easy": Dials(1.0, 0.0, 0.0, 0.0, 0.0, (0, 0), 0.2),
    "medium": Dials(0.5, 0.75, 0.35, 0.2, 0.2, (1, 2), 0.4),
    "hard": Dials(0.25, 0.65, 0.5, 0.35, 0.3, (2, 4), 0.7),
}


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the shop has it on record."""

    order_id: str
    item: str
    item_code: str
    price: float
    shipping: float
    state: str
    days: int
    stock: int
    tracking: str
    parcel: str


@dataclass(frozen=True, slots=True)
class Case:
    """The hidden side of a task. outcome: what the specialist has to submit. changes: all that may be on record."""

    name: str
    email: str
    request: Mapping[str, Any]
    order: Order
    others: tuple[Order, ...]
    wish: str
    address: str
    bounced: bool
    outcome: str
    changes: tuple[Change, ...]


def make_task(key: str, split: Split, difficulty: Difficulty, seed: int) -> Task:
    """The task of this seed."""
    draws = Draws(np.random.default_rng([seed, SPLITS.index(split), 11]))
    pool, dials = POOLS[split], DIALS[difficulty]
    kind = draws.pick(KINDS)
    first, last = draws.pick(pool.first), draws.pick(pool.last)
    email = f"{first}.{last}@{draws.pick(pool.domains)}".lower()
    items = draws.sample(pool.items, 1 + draws.between(*dials.others))
    orders = [_order(draws, item, (pool.low, pool.high), kind, dials) for item in items]
    order = orders[0]
    wish = draws.pick(("refund", "replacement"))
    told = "order" if draws.chance(dials.order) else "email" if draws.chance(dials.email) else ""
    says_wish = not draws.chance(dials.silent)
    address = f"{draws.between(1, 98)} {draws.pick(pool.streets)}, {draws.pick(pool.towns)}"
    refundable = order.price <= LIMIT and draws.chance(dials.bounced)
    outcome, changes = _due(kind, order, wish, address)
    pays = any(change[0] == "refund" for change in changes)
    bounced = refundable and pays
    if bounced:
        changes += (("credit", order.order_id, order.price),)
    if pays and order.price > LIMIT:
        changes += (("release", order.order_id, None),)
    request = {"told": told, "says_wish": says_wish and kind == "damage", "chatter": dials.chatter}
    case = Case(
        f"{first} {last}",
        email,
        request,
        order,
        tuple(orders[1:]),
        wish,
        address,
        bounced,
        outcome,
        changes,
    )
    milestones = _not_ours() if kind == "not_ours" else _plan(kind, case)
    ending = ("hand_over",) if kind == "not_ours" else ("final",)
    return Task(key, split, difficulty, seed, kind, milestones, ending, case)  # type: ignore[arg-type]


def _order(draws: Draws, item: str, numbers: tuple[int, int], kind: str, dials: Dials) -> Order:
    low, high = numbers
    large = draws.chance(dials.large)
    price = draws.between(151, 420) if large else draws.between(12, 149)
    if kind in ("address", "cancellation"):
        state = "processing" if draws.chance(0.65) else "shipped"
    else:
        state = "shipped" if kind == "delivery" else "delivered"
    late = kind == "refund" and draws.chance(0.3)
    return Order(
        f"ORD-{draws.between(low, high - 1)}",
        item,
        f"SKU-{draws.between(low, high - 1)}",
        price + draws.between(1, 99) / 100,
        draws.between(3, 9) + draws.pick((0.0, 0.5, 0.9)),
        state,
        0 if state != "delivered" else draws.between(31, 90) if late else draws.between(1, WINDOW),
        0 if draws.chance(0.35) else draws.between(1, 40),
        f"TRK-{draws.between(low, high - 1)}",
        "lost" if draws.chance(0.5) else "moving",
    )


def _due(kind: str, order: Order, wish: str, address: str) -> tuple[str, tuple[Change, ...]]:
    """What the specialist has to submit, and the changes that the written policy asks for."""
    refund: tuple[Change, ...] = (("refund", order.order_id, order.price),)
    if kind == "refund":
        return ("done", refund) if order.days <= WINDOW else ("declined", ())
    if kind == "damage":
        if wish == "replacement" and order.stock:
            return "done", (("replace", order.order_id, None),)
        return "done", refund
    if kind == "delivery":
        return ("done", refund) if order.parcel == "lost" else ("informed", ())
    if kind == "not_ours":
        return "", ()
    if order.state != "processing":
        return "declined", ()
    if kind == "address":
        return "done", (("address", order.order_id, address),)
    return "done", (("cancel", order.order_id, None),)


def _not_ours() -> tuple[Milestone, ...]:
    return (Milestone("logged", "log_contact", role="triage"),)


def _plan(kind: str, case: Case) -> tuple[Milestone, ...]:
    steps = _Steps()
    order = {"order_id": AnyOf((case.order.order_id,))}
    if not case.request["told"]:
        steps.add("triage", "asked", ASK)
    elif case.request["told"] == "email":
        mail = {"email": AnyOf((case.email,))}
        steps.add("triage", "found", "find_orders", mail)
    assigned = {"topic": AnyOf((kind,)), **order}
    wish = {"wish": AnyOf((case.wish,))}
    silent = kind == "damage" and not case.request["says_wish"]
    steps.add(
        "triage", "assigned", "assign", assigned | (wish if kind == "damage" and not silent else {})
    )
    steps.add("specialist", "read", "get_order", order)
    if silent:
        steps.add("specialist", "queried", "query", {"question": AnyOf(("refund_or_replacement",))})
        steps.add("triage", "asked_wish", ASK)
        steps.add("triage", "assigned_again", "assign", assigned | wish)
    if kind == "damage" and case.wish == "replacement":
        code = {"item_code": AnyOf((case.order.item_code,))}
        steps.add("specialist", "counted", "check_stock", code)
    if kind == "delivery":
        number = {"tracking": AnyOf((case.order.tracking,))}
        steps.add("specialist", "tracked", "track_parcel", number)
    for what, _, value in case.changes:
        if what not in ("credit", "release"):
            steps.add("specialist", "acted", *_act(what, order, value))
    steps.add("specialist", "submitted", "submit", {"outcome": AnyOf((case.outcome,))})
    _end(steps, case, order)
    return tuple(steps.made)


def _end(steps: _Steps, case: Case, order: dict[str, AnyOf]) -> None:
    """What quality does, and what comes back to the specialist."""
    steps.add("quality", "reviewed", "review", order)
    if any(what == "release" for what, _, _ in case.changes):
        steps.add("quality", "released", "release", order)
    if case.bounced:
        steps.add("quality", "sent_back", "send_back", {"reason": AnyOf(("payment_bounced",))})
        amount = {"amount": AnyOf((case.order.price,))}
        steps.add("specialist", "credited", "credit", order | amount)
        steps.add("specialist", "submitted_again", "submit", {"outcome": AnyOf(("done",))})
        steps.add("quality", "reviewed_again", "review", order)


def _act(what: str, order: dict[str, AnyOf], value: Any) -> tuple[str, dict[str, AnyOf]]:
    """The call that brings a change about."""
    if what == "address":
        return "change_address", order | {"address": AnyOf((value,))}
    if what == "refund":
        return "refund", order | {"amount": AnyOf((value,))}
    return what, order


class _Steps:
    """Milestones, each after the one before."""

    def __init__(self) -> None:
        self.made: list[Milestone] = []

    def add(
        self, role: str, name: str, tool: str, arguments: Mapping[str, AnyOf] | None = None
    ) -> None:
        after = (self.made[-1].name,) if self.made else ()
        self.made.append(Milestone(name, tool, arguments or {}, after, role=role))


def opening(task: Task, rng: np.random.Generator) -> str:
    """The customer's message, in this attempt's words."""
    case: Case = task.payload
    says, draws = book(WORDING, task.split), Draws(rng)
    parts = [draws.pick(says["greetings"])]
    slots = {"item": case.order.item, "address": case.address}
    body = [draws.pick(says[task.kind]).format(**slots)]
    if case.request["says_wish"]:
        body.append(draws.pick(says["wish"][case.wish]))
    if draws.chance(case.request["chatter"]):
        body.insert(draws.below(2), draws.pick(says["chatter"]))
    if task.kind != "not_ours" and (told := case.request["told"]):
        words = {"order": case.order.order_id, "email": case.email}
        body.append(draws.pick(says[told]).format(**words))
    parts += [" ".join(body), draws.pick(says["signoffs"]).format(name=case.name)]
    return "\n".join(part for part in parts if part)
