"""Records that have nothing to do with the request: what any real customer's file holds besides, and namesakes."""

from __future__ import annotations

from collections.abc import Iterator

from scenarios.core.draws import Draws
from scenarios.core.types import Json, Split
from scenarios.library.customer_support.names import POOLS, address
from scenarios.library.customer_support.state import Record

PLANS = ("starter", "plus", "pro", "business")


def furnish(
    draws: Draws,
    split: Split,
    distractors: int,
    customer_id: str,
    tables: dict[str, dict[str, Record]],
) -> None:
    """Fill the tables that the kinds left empty. Identifiers lie beside the customer's own, within the split's range."""
    if not distractors:
        return
    numbers = _numbers(split, tables)
    owner: Record = {"customer_id": customer_id}
    if "subscriptions" not in tables and draws.chance(0.6):
        row: Record = {
            "status": "active",
            "plan": draws.pick(PLANS),
            "seats": draws.between(1, 40),
            "minimum_term": "running" if draws.chance(0.3) else "ended",
            "downgrade": "blocked_by_usage" if draws.chance(0.3) else "available",
        }
        tables["subscriptions"] = {f"S-{next(numbers)}": owner | row}
    if "devices" not in tables and draws.chance(0.4):
        model = draws.pick(POOLS[split].models)
        tables["devices"] = {f"D-{next(numbers)}": owner | {"model": model, "online": True}}
    if len(tables["tickets"]) == 1 and draws.chance(0.4):
        closed: dict[str, Json] = {"status": "closed", "age_days": draws.between(30, 300)}
        tables["tickets"][f"T-{next(numbers)}"] = owner | closed | {"response_target": "met"}
    if draws.chance(0.4):
        _namesake(draws, split, f"C-{next(numbers)}", tables["customers"])


def _numbers(split: Split, tables: dict[str, dict[str, Record]]) -> Iterator[int]:
    """Numbers of the split's range that no record of the task has, counted on from the first record's."""
    pool = POOLS[split]
    taken = {int(key.split("/")[0][2:]) for table in tables.values() for key in table}
    number = min(taken)
    while True:
        number = pool.low + (number + 131 - pool.low) % (pool.high - pool.low)
        if number not in taken:
            yield number


def _namesake(draws: Draws, split: Split, key: str, customers: dict[str, Record]) -> None:
    """Another customer with the same last name, whose record the customer's look-up brings up too."""
    pool = POOLS[split]
    own = next(iter(customers.values()))
    first, last = draws.pick(pool.first), own["name"].split()[1]
    if f"{first} {last}" == own["name"]:
        return
    customers[key] = {
        "customer_id": key,
        "name": f"{first} {last}",
        "email": address(first, last, draws.pick(pool.domains), 0),
        "company": draws.pick(pool.companies),
        "account_status": "active",
        "support_level": "standard",
        "api_access": "included",
    }
