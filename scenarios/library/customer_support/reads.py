"""The tools that only look. Each takes the desk and the arguments and returns the result's content."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.core.types import Json
from scenarios.library.customer_support import knowledge
from scenarios.library.customer_support.desk import Desk, NotFound

Arguments = Mapping[str, Json]
Content = dict[str, Json]

_LISTED: Mapping[str, tuple[str, str]] = {
    "subscriptions": ("subscriptions", "subscription_id"),
    "devices": ("devices", "device_id"),
    "tickets": ("tickets", "ticket_id"),
}


def search_kb(desk: Desk, arguments: Arguments) -> Content:
    return knowledge.results(arguments["query"])


def check_api_docs(desk: Desk, arguments: Arguments) -> Content:
    topic = arguments["topic"]
    return {"topic": topic, "text": knowledge.API_DOCS[topic]}


def lookup_user(desk: Desk, arguments: Arguments) -> Content:
    """The customer's record with subscriptions, devices and tickets, and accounts under a similar name."""
    wanted = arguments["email_or_id"]
    state = desk.state
    for row in state.rows("customers"):
        if wanted in (row["email"], row["customer_id"]):
            key = row["customer_id"]
            break
    else:
        return {"found": False}
    customer = state.record("customers", key)
    for table, (label, id_name) in _LISTED.items():
        customer[label] = [_listed(row, id_name, name) for name, row in state.owned(table, key)]
    similar = [
        {name: row[name] for name in ("customer_id", "name", "email")}
        for row in state.rows("customers")
        if row["customer_id"] != key
    ]
    return {"found": True, "stale": False, "customer": customer, "similar_accounts": similar}


def _listed(row: Content, id_name: str, key: str) -> Content:
    """A record as part of a list: its own id first, its owner left out."""
    return {id_name: key, **{name: value for name, value in row.items() if name != "customer_id"}}


def check_payment(desk: Desk, arguments: Arguments) -> Content:
    """The customer's payments, narrowed where asked; payments charged twice are also listed apart."""
    customer_id = arguments["customer_id"]
    if not desk.state.has("customers", customer_id):
        raise NotFound("customers", customer_id)
    only, amount = arguments.get("payment_id"), arguments.get("amount")
    found = [
        _listed(row, "payment_id", key)
        for key, row in desk.state.owned("payments", customer_id)
        if only in (None, key) and amount in (None, row["amount"])
    ]
    twice = [
        {name: row[name] for name in ("payment_id", "duplicate_of", "refundable_amount")}
        for row in found
        if row["duplicate_of"]
    ]
    return {
        "stale": False,
        "customer_id": customer_id,
        "payments": found,
        "possible_duplicates": twice,
    }


def check_logs(desk: Desk, arguments: Arguments) -> Content:
    """One log. A subject without entries in that log has an empty one."""
    subject, source = arguments["subject_id"], arguments["source"]
    head: Content = {"stale": False, "subject_id": subject, "source": source}
    key = f"{subject}/{source}"
    if not desk.state.has("logs", key):
        return head | {"entries": 0}
    row = desk.state.record("logs", key)
    del row["customer_id"]
    return head | {"entries": row.get("failed_calls", 1), **row}


def verify_identity(desk: Desk, arguments: Arguments) -> Content:
    """Compare the code; nothing is recorded but that this desk now knows who is writing."""
    customer_id = arguments["customer_id"]
    if not desk.state.has("customers", customer_id):
        raise NotFound("customers", customer_id)
    right = customer_id == desk.customer_id and arguments["code"] == desk.code
    if right:
        desk.verified.add(customer_id)
    return {"customer_id": customer_id, "verified": right}
