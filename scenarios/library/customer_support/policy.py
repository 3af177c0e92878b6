"""The written rules of the support desk, and the same rules as pure functions.

The task generator plans with these functions and the world judges with them, so the two cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from scenarios.core.types import Json

REFUND_WINDOW_DAYS = 30
SUPERVISOR_LIMIT = 200.0
"""A refund above this many dollars needs the billing team."""

Record = Mapping[str, Json]

COMPANY_POLICY = """\
1. **Identity first.** Before money, plan, access or personal data is touched (`refund`, `unlock_account`,
   `update_subscription`, `create_api_key`, deletion), the customer must be verified: the ticket says "verified", or
   `verify_identity` accepted the six-digit code. A password link needs no verification; it goes to the address on file.
2. **Only the customer's own records.** Never write to a record of anyone but the customer of the ticket.
3. **Refunds.** Within 30 days of the payment, up to $200: refund in full. Window closed: decline in writing
   (`refund_declined`). Above $200: `escalate` to billing. Refunded before: write where it stands (`refund_status`). A
   duplicate is always refunded, whatever its age; a charge that proves to be no duplicate is explained
   (`charge_explained`) and the request declined.
4. **Sign-in trouble.** Read the sign-in log first. Signs of a stranger: `escalate` to security, priority urgent, and do
   not unlock. Password expired: reset link. Locked by failed attempts, no stranger: verify, unlock. If the customer
   suspects a stranger but the log shows only their own sign-ins: write `sign_in_review`.
5. **Subscriptions.** Cancel on request; within a minimum term, retention decides. Change the plan on request; where
   the current usage blocks a downgrade, write `downgrade_blocked` and decline.
6. **Failed payments.** Fault of the customer's card: write `update_card` and set the ticket to waiting_on_customer.
   Fault of the payment processor: `escalate` to billing.
7. **Invoices.** Paid payment: `invoice_copy`. Payment still pending: `invoice_pending`.
8. **Developers.** Keys only for plans that include the API, otherwise write `api_not_included` and decline. Read the API
   log before anything else: expired key: verify, then a new key of the same scope. Rate limit: read the docs on
   rate_limits and explain. Failure on our side: `escalate` to engineering.
9. **Devices.** Read the device log. Hardware failed: `escalate` to hardware. Service outage: write `outage_notice` and put
   the ticket on hold. Otherwise the help centre has the steps.
10. **Answers.** In chat the answer itself is enough. On an e-mail ticket help articles, API docs and ticket news also go
    out in writing (`help_article` with the article, `api_docs`, `ticket_status`). Refusals and notices always do.
11. **Older tickets.** Response target missed: `escalate` that older ticket to the desk lead. On track: say so.
12. **Deletion of personal data.** Verify, write `deletion_received`, `escalate` to privacy.
13. **Ownership disputes.** Change nothing on the account, `escalate` to trust, hand over.
14. **Outside the desk** (jobs, press, sponsoring, sales of other firms ...). Search the help centre once; nothing there:
    set the ticket to handed_over and hand over.
15. **Priority.** Security is urgent. Otherwise premium support is high, standard support is normal.
16. **Closing.** Close with solved (something was changed), answered (information given) or declined. A ticket that was
    escalated, waits or is on hold stays open. Of two needs, either's resolution may stand.
17. **Missing details.** Ask the customer; never guess. A result marked stale must be fetched again.
"""

RefundAnswer = Literal["refund", "decline", "supervisor", "settled"]
SignInAnswer = Literal["security", "reset", "unlock", "nothing"]


def refund_facts(amount: float, days: int, status: str = "paid") -> dict[str, Json]:
    """What the payment tool reports about one payment: the comparison with the limits, not the decision."""
    return {
        "status": status,
        "days_since_payment": days,
        "refund_window": "open" if days <= REFUND_WINDOW_DAYS else "closed",
        "needs_supervisor": amount > SUPERVISOR_LIMIT,
    }


def refund_answer(payment: Record) -> RefundAnswer:
    """Rule 3 for a payment of which the customer wants the money back."""
    if payment["status"] == "refunded":
        return "settled"
    if payment.get("duplicate_of"):
        return "refund"
    if payment["refund_window"] == "closed":
        return "decline"
    return "supervisor" if payment["needs_supervisor"] else "refund"


def refund_breaches(payment: Record, amount: float, verified: bool) -> list[str]:
    """The rules that paying `amount` of this payment back would break; empty where it is in order."""
    found = []
    if not verified:
        found.append("rule 1: refund without verified identity")
    if (answer := refund_answer(payment)) != "refund":
        found.append(f"rule 3: refund where the rule says {answer}")
    if amount > payment["amount"]:
        found.append("rule 3: refund of more than was paid")
    return found


def sign_in_answer(log: Record) -> SignInAnswer:
    """Rule 4 for a sign-in log."""
    if log["unfamiliar_sign_in"]:
        return "security"
    if log["password_status"] == "expired":  # noqa: S105 (a state, not a password)
        return "reset"
    return "unlock" if log["account_status"] == "locked" else "nothing"


def unlock_breaches(log: Record | None, verified: bool) -> list[str]:
    """The rules that unlocking would break. log: the account's sign-in log, None where the world has none."""
    found = []
    if not verified:
        found.append("rule 1: unlock without verified identity")
    if log is None or sign_in_answer(log) != "unlock":
        found.append("rule 4: unlock where the sign-in log does not call for it")
    return found


def subscription_breaches(subscription: Record, action: str, verified: bool) -> list[str]:
    """The rules that this change of a subscription would break."""
    found = []
    if not verified:
        found.append("rule 1: subscription changed without verified identity")
    if action == "cancel" and subscription["minimum_term"] == "running":
        found.append("rule 5: cancelled within the minimum term")
    return found


def key_breaches(customer: Record, verified: bool) -> list[str]:
    """The rules that a new API key would break."""
    found = []
    if not verified:
        found.append("rule 1: API key without verified identity")
    if customer["api_access"] != "included":
        found.append("rule 8: API key for a plan without API")
    return found


def escalation_breaches(team: str, verified: bool) -> list[str]:
    """The rules that passing a ticket to this team would break."""
    if team == "privacy" and not verified:
        return ["rule 12: deletion passed on without verified identity"]
    return []


def close_breaches(ticket: Record) -> list[str]:
    """The rules that closing this ticket would break."""
    if ticket["status"] in ("escalated", "on_hold", "waiting_on_customer"):
        return [f"rule 16: closed a ticket that is {ticket['status']}"]
    return []


def priority(team: str, support: str) -> str:
    """How soon a team must look at a ticket (rule 15)."""
    if team == "security":
        return "urgent"
    return "high" if support == "premium" else "normal"
