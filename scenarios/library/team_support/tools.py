"""The tools of the three desks: names, descriptions, JSON Schemas, and how long each takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scenarios.core.types import Json, Tool

TOPICS = ("refund", "damage", "address", "cancellation", "delivery")
WISHES = ("refund", "replacement")
OUTCOMES = ("done", "declined", "informed")
REASONS = ("payment_bounced", "wrong_order", "work_missing")
QUESTIONS = ("refund_or_replacement", "which_order")


def _text(description: str, pattern: str | None = None) -> dict[str, Json]:
    schema: dict[str, Json] = {"type": "string", "description": description}
    return schema | {"pattern": pattern} if pattern else schema | {"minLength": 1}


def _enum(values: tuple[str, ...], description: str) -> dict[str, Json]:
    return {"type": "string", "enum": list(values), "description": description}


ORDER = _text("The order, like ORD-12345.", r"^ORD-\d{5}$")
AMOUNT: dict[str, Json] = {
    "type": "number",
    "exclusiveMinimum": 0,
    "description": "What was paid for the item, without shipping.",
}


def _tool(name: str, description: str, properties: Mapping[str, Any], optional: str = "") -> Tool:
    required = [key for key in properties if key != optional]
    return Tool(
        name,
        description,
        {"type": "object", "properties": dict(properties), "required": required},
    )


TOOLS = (
    _tool(
        "find_orders",
        "List the orders of a customer by e-mail address.",
        {"email": _text("The customer's address.", r"^[^@\s]+@[^@\s]+$")},
    ),
    _tool(
        "assign",
        "Give the case to the specialist.",
        {
            "topic": _enum(TOPICS, "What the customer wants to be dealt with."),
            "order_id": ORDER,
            "wish": _enum(
                WISHES, "What the customer wants for a damaged item, where they said it."
            ),
        },
        optional="wish",
    ),
    _tool("log_contact", "Put on record a message that is not the shop's to answer.", {}),
    _tool(
        "get_order", "Read an order: item, price, state, days since delivery.", {"order_id": ORDER}
    ),
    _tool(
        "check_stock",
        "How many of an item are in stock.",
        {"item_code": _text("The item's code, like SKU-12345.", r"^SKU-\d{5}$")},
    ),
    _tool(
        "track_parcel",
        "Where a parcel was last seen.",
        {"tracking": _text("The parcel's number, like TRK-12345.", r"^TRK-\d{5}$")},
    ),
    _tool(
        "refund",
        "Pay the price back to the customer's card.",
        {"order_id": ORDER, "amount": AMOUNT},
    ),
    _tool("credit", "Give store credit instead of money.", {"order_id": ORDER, "amount": AMOUNT}),
    _tool("replace", "Send the same item again.", {"order_id": ORDER}),
    _tool(
        "change_address",
        "Send an order somewhere else.",
        {"order_id": ORDER, "address": _text("The new address.")},
    ),
    _tool("cancel", "Cancel an order.", {"order_id": ORDER}),
    _tool(
        "submit",
        "Give the case to quality, with what came of it.",
        {
            "outcome": _enum(
                OUTCOMES, "done: changed as wished; declined: not possible; informed: told only."
            )
        },
    ),
    _tool(
        "query",
        "Give the case back to triage, because the customer has to be asked.",
        {"question": _enum(QUESTIONS, "What has to be asked.")},
    ),
    _tool("review", "Read what was done in a case and what became of it.", {"order_id": ORDER}),
    _tool("release", "Release a payment above the limit.", {"order_id": ORDER}),
    _tool(
        "send_back",
        "Give the case back to the specialist.",
        {"reason": _enum(REASONS, "What is wrong with it.")},
    ),
)
HANDOFFS = {
    "assign": ("specialist",),
    "submit": ("quality",),
    "query": ("triage",),
    "send_back": ("specialist",),
}
LATENCY = {
    "find_orders": 0.8,
    "get_order": 0.5,
    "check_stock": 0.4,
    "track_parcel": 1.5,
    "review": 0.6,
}
USUAL_LATENCY = 0.9
POLICY = """
1. Money goes back within **30 days** of delivery, the price of the item without shipping, to the card that paid.
2. Above **150** the specialist books the refund, and quality releases it.
3. A damaged item is replaced or paid back, as the customer wishes. Nobody guesses the wish: triage asks. Without stock,
   money goes back instead of a replacement.
4. An address changes, and an order is cancelled, only while it is being **processed**; later the case is declined.
5. A parcel that is **lost** is paid back. One that moves is explained, and nothing changes.
6. Where a bank has **bounced** a refund, quality sends the case back, and the specialist gives store credit.
7. Nothing else is changed, and no case ends before quality has read it. What is not the shop's to answer, triage puts on
   record and hands over to a person.
""".strip()
