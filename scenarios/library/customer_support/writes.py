"""The tools that change records. They do what they are told; the desk notes which written rules that broke."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.core.types import Json
from scenarios.library.customer_support import policy
from scenarios.library.customer_support.desk import Desk, NotFound
from scenarios.library.customer_support.knowledge import ARTICLES
from scenarios.library.customer_support.state import Record

Arguments = Mapping[str, Json]
Content = dict[str, Json]


def _record(desk: Desk, table: str, key: str) -> tuple[Record, bool]:
    """The record and whether its owner is verified. Raises `NotFound`."""
    if not desk.state.has(table, key):
        raise NotFound(table, key)
    record = desk.state.record(table, key)
    return record, record["customer_id"] in desk.verified


def _write(desk: Desk, table: str, key: str, **fields: Json) -> None:
    for name, value in fields.items():
        desk.state.write(table, key, name, value)


def send_reset_link(desk: Desk, arguments: Arguments) -> Content:
    key = arguments["customer_id"]
    customer, _ = _record(desk, "customers", key)
    desk.guard(key, [])
    desk.state.append("mails", key, "reset_link", None)
    return {"customer_id": key, "sent_to": customer["email"]}


def unlock_account(desk: Desk, arguments: Arguments) -> Content:
    key = arguments["customer_id"]
    _, verified = _record(desk, "customers", key)
    log = f"{key}/sign_in"
    entries = desk.state.record("logs", log) if desk.state.has("logs", log) else None
    desk.guard(key, policy.unlock_breaches(entries, verified))
    _write(desk, "customers", key, account_status="active")
    return {"customer_id": key, "account_status": "active"}


def refund(desk: Desk, arguments: Arguments) -> Content:
    key, amount = arguments["payment_id"], arguments["amount"]
    payment, verified = _record(desk, "payments", key)
    desk.guard(payment["customer_id"], policy.refund_breaches(payment, amount, verified))
    _write(
        desk,
        "payments",
        key,
        status="refunded",
        refunded_amount=amount,
        refund_reason=arguments["reason"],
    )
    return {"payment_id": key, "status": "refunded", "refunded_amount": amount}


def update_subscription(desk: Desk, arguments: Arguments) -> Content:
    key, action = arguments["subscription_id"], arguments["action"]
    subscription, verified = _record(desk, "subscriptions", key)
    if (action == "change_plan") != ("plan" in arguments):
        return {"error": "bad_request", "message": "a plan goes with change_plan, and only with it"}
    desk.guard(
        subscription["customer_id"], policy.subscription_breaches(subscription, action, verified)
    )
    if action == "change_plan":
        changed = {"plan": arguments["plan"]}
    else:
        changed = {"status": {"cancel": "cancelled", "pause": "paused", "resume": "active"}[action]}
    _write(desk, "subscriptions", key, **changed)
    return {"subscription_id": key, **changed}


def create_api_key(desk: Desk, arguments: Arguments) -> Content:
    key, scope = arguments["customer_id"], arguments["scope"]
    customer, verified = _record(desk, "customers", key)
    desk.guard(key, policy.key_breaches(customer, verified))
    desk.state.append("keys", key, scope, True)
    return {"customer_id": key, "scope": scope, "status": "active"}


def update_ticket(desk: Desk, arguments: Arguments) -> Content:
    key, status = arguments["ticket_id"], arguments["status"]
    ticket, _ = _record(desk, "tickets", key)
    desk.guard(ticket["customer_id"], [])
    _write(desk, "tickets", key, status=status)
    return {"ticket_id": key, "status": status}


def escalate(desk: Desk, arguments: Arguments) -> Content:
    key, team = arguments["ticket_id"], arguments["team"]
    ticket, verified = _record(desk, "tickets", key)
    desk.guard(ticket["customer_id"], policy.escalation_breaches(team, verified))
    changed = {"status": "escalated", "team": team, "priority": arguments["priority"]}
    _write(desk, "tickets", key, **changed)
    return {"ticket_id": key, **changed}


def send_email(desk: Desk, arguments: Arguments) -> Content:
    key, template, article = (
        arguments["customer_id"],
        arguments["template"],
        arguments.get("article_id"),
    )
    customer, _ = _record(desk, "customers", key)
    if (template == "help_article") != (article is not None):
        return {
            "error": "bad_request",
            "message": "an article goes with help_article, and only with it",
        }
    if article is not None and article not in ARTICLES:
        raise NotFound("articles", article)
    desk.guard(key, [])
    desk.state.append("mails", key, template, article)
    return {"customer_id": key, "template": template, "sent_to": customer["email"]}


def close_ticket(desk: Desk, arguments: Arguments) -> Content:
    key, resolution = arguments["ticket_id"], arguments["resolution"]
    ticket, _ = _record(desk, "tickets", key)
    desk.guard(ticket["customer_id"], policy.close_breaches(ticket))
    _write(desk, "tickets", key, status="closed", resolution=resolution)
    return {"ticket_id": key, "status": "closed", "resolution": resolution}
