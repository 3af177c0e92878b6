"""The fifteen tools of the support desk: names, descriptions, JSON Schemas, and how long each takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scenarios.core.types import Json, Tool

CUSTOMER_ID = r"^C-\d{5}$"
TICKET_ID = r"^T-\d{5}$"
PAYMENT_ID = r"^P-\d{5}$"
SUBSCRIPTION_ID = r"^S-\d{5}$"
ARTICLE_ID = r"^KB-\d{3}$"
CODE = r"^\d{6}$"

REASONS = ("customer_request", "duplicate_charge")
ACTIONS = ("change_plan", "cancel", "pause", "resume")
PLANS = ("starter", "plus", "pro", "business")
TOPICS = ("authentication", "rate_limits", "webhooks", "pagination", "bulk_import", "sandbox")
SCOPES = ("read", "write", "admin")
SOURCES = ("sign_in", "api", "device")
STATUSES = ("in_progress", "waiting_on_customer", "on_hold", "handed_over")
TEAMS = (
    "billing",
    "security",
    "engineering",
    "hardware",
    "privacy",
    "retention",
    "trust",
    "desk_lead",
)
PRIORITIES = ("normal", "high", "urgent")
TEMPLATES = (
    "help_article",
    "api_docs",
    "refund_declined",
    "refund_status",
    "charge_explained",
    "update_card",
    "invoice_copy",
    "invoice_pending",
    "api_not_included",
    "downgrade_blocked",
    "sign_in_review",
    "outage_notice",
    "ticket_status",
    "deletion_received",
)
RESOLUTIONS = ("solved", "answered", "declined")


def _text(description: str, pattern: str | None = None) -> dict[str, Json]:
    schema: dict[str, Json] = {"type": "string", "description": description}
    return schema | {"pattern": pattern} if pattern else schema | {"minLength": 1}


def _enum(values: tuple[str, ...], description: str) -> dict[str, Json]:
    return {"type": "string", "enum": list(values), "description": description}


def _tool(
    name: str,
    description: str,
    optional: Mapping[str, Any] | None = None,
    **required: dict[str, Json],
) -> Tool:
    properties = {**required, **(optional or {})}
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return Tool(name, description, schema | {"additionalProperties": False})


_CUSTOMER = _text("Customer id, such as C-20418.", CUSTOMER_ID)
_TICKET = _text("Ticket id, such as T-48213.", TICKET_ID)

TOOLS: tuple[Tool, ...] = (
    _tool(
        "search_kb",
        "Search the public help centre for articles that explain how something is done or fixed.",
        query=_text("What the customer wants to know, in their own words."),
    ),
    _tool(
        "lookup_user",
        "Find a customer's record by e-mail address or customer id: account, subscriptions, devices, tickets.",
        email_or_id=_text(
            "The customer's e-mail address, or the customer id.",
            r"^(C-\d{5}|[^@\s]+@[^@\s]+\.[a-z]+)$",
        ),
    ),
    _tool(
        "verify_identity",
        "Check the six-digit security code that a customer gave, before money, plan or access is touched.",
        customer_id=_CUSTOMER,
        code=_text("The six-digit security code, as the customer gave it.", CODE),
    ),
    _tool(
        "send_reset_link",
        "Send a link for setting a new password to the address on file.",
        customer_id=_CUSTOMER,
    ),
    _tool(
        "unlock_account",
        "Lift the lock that too many failed sign-ins put on an account.",
        customer_id=_CUSTOMER,
    ),
    _tool(
        "check_payment",
        "List a customer's recent payments with status, refund window and possible duplicates; "
        "can be narrowed to one payment id or one amount.",
        customer_id=_CUSTOMER,
        optional={
            "payment_id": _text("Only this payment, such as P-30175.", PAYMENT_ID),
            "amount": {
                "type": "number",
                "minimum": 0,
                "description": "Only payments of this amount.",
            },
        },
    ),
    _tool(
        "refund",
        "Pay a payment back to the customer's card.",
        payment_id=_text("The payment to pay back, such as P-30175.", PAYMENT_ID),
        amount={
            "type": "number",
            "exclusiveMinimum": 0,
            "description": "Amount to pay back, in dollars.",
        },
        reason=_enum(REASONS, "Why the money is paid back."),
    ),
    _tool(
        "update_subscription",
        "Change the plan of a subscription, or cancel, pause or resume it.",
        subscription_id=_text("The subscription, such as S-70341.", SUBSCRIPTION_ID),
        action=_enum(ACTIONS, "What is to be done with the subscription."),
        optional={"plan": _enum(PLANS, "The new plan; only with the action change_plan.")},
    ),
    _tool(
        "check_api_docs",
        "Read the developer documentation on one topic.",
        topic=_enum(TOPICS, "The chapter of the developer documentation."),
    ),
    _tool(
        "create_api_key",
        "Create a new API key for a customer; an expired key is replaced by it.",
        customer_id=_CUSTOMER,
        scope=_enum(SCOPES, "What the key may do."),
    ),
    _tool(
        "check_logs",
        "Read the logs of a customer's sign-ins or API calls, or the log of one device.",
        subject_id=_text(
            "Customer id for sign_in and api logs, device id (such as D-50127) for device logs.",
            r"^(C|D)-\d{5}$",
        ),
        source=_enum(SOURCES, "Which log to read."),
    ),
    _tool(
        "update_ticket",
        "Set the status of an open ticket.",
        ticket_id=_TICKET,
        status=_enum(STATUSES, "The new status."),
    ),
    _tool(
        "escalate",
        "Pass a ticket to a specialist team, which then owns it.",
        ticket_id=_TICKET,
        team=_enum(TEAMS, "The team that takes over."),
        priority=_enum(PRIORITIES, "How soon the team must look at it."),
    ),
    _tool(
        "send_email",
        "Send a customer one of the company's written templates.",
        customer_id=_CUSTOMER,
        template=_enum(TEMPLATES, "Which template to send."),
        optional={
            "article_id": _text(
                "The article to send, such as KB-104; only for help_article.", ARTICLE_ID
            )
        },
    ),
    _tool(
        "close_ticket",
        "Close a ticket whose request has been dealt with.",
        ticket_id=_TICKET,
        resolution=_enum(
            RESOLUTIONS,
            "solved: something was changed. answered: information was given. "
            "declined: the request was refused.",
        ),
    ),
)

LATENCY: Mapping[str, float] = {
    "search_kb": 0.6,
    "lookup_user": 0.4,
    "verify_identity": 1.2,
    "send_reset_link": 0.8,
    "unlock_account": 0.7,
    "check_payment": 0.9,
    "refund": 2.2,
    "update_subscription": 1.5,
    "check_api_docs": 0.5,
    "create_api_key": 0.9,
    "check_logs": 1.6,
    "update_ticket": 0.3,
    "escalate": 0.5,
    "send_email": 0.7,
    "close_ticket": 0.3,
}
"""Mean seconds that the real tool takes."""

KEYWORD_RULES: Mapping[str, tuple[str, ...]] = {
    "search_kb": ("how do i", "how can i", "where can i", "help", "guide", "instructions"),
    "lookup_user": ("account", "my email", "registered", "@"),
    "verify_identity": ("security code", "code is", "verify", "identity"),
    "send_reset_link": ("password", "reset", "expired password", "forgot"),
    "unlock_account": ("locked", "unlock", "locked out", "blocked"),
    "check_payment": ("payment", "charge", "charged", "invoice", "card", "bill"),
    "refund": ("refund", "money back", "charged twice", "reimburse"),
    "update_subscription": ("cancel", "upgrade", "downgrade", "plan", "subscription", "switch"),
    "check_api_docs": ("documentation", "docs", "webhook", "pagination", "rate limit", "endpoint"),
    "create_api_key": ("api key", "token", "new key", "credentials"),
    "check_logs": ("error", "offline", "sign in", "log in", "401", "429", "500", "suspicious"),
    "update_ticket": ("job", "press", "partnership", "waiting"),
    "escalate": ("urgent", "hacked", "complaint", "delete my data", "lawyer", "manager"),
    "send_email": ("send me", "copy", "by email", "receipt"),
    "close_ticket": ("thanks", "thank you", "that is all"),
}
"""What a practitioner would write in an afternoon; the keyword baseline reads it."""
