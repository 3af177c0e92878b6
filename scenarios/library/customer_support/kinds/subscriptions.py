"""Subscriptions: cancelling, moving up, moving down."""

from __future__ import annotations

from scenarios.core.types import Json
from scenarios.library.customer_support.case import Case
from scenarios.library.customer_support.kinds.kind import Kind
from scenarios.library.customer_support.tools import PLANS

TWO_ACTIVE = 0.35
"""Share of the tasks with distractors in which the customer has two active subscriptions and names the one."""


def _subscription(case: Case, plan: str, **facts: Json) -> str:
    """Put the subscription on record, with others beside it where the dials say so, and return its id."""
    usual: dict[str, Json] = {"minimum_term": "ended", "downgrade": "available"}
    target, draws = case.new_id("S"), case.draws
    two = case.dials.distractors > 0 and draws.chance(TWO_ACTIVE)
    rows = [(target, "active", plan, usual | facts)]
    if two:
        case.tell("subscription_id", target, firm=True)
        # Only hard tasks make the agent tell apart which of the two subscriptions a fact belongs to.
        its = usual if case.difficulty == "hard" else usual | facts
        rows.insert(draws.below(2), (case.new_id("S"), "active", draws.pick(PLANS), its))
    elif case.dials.distractors > 1:
        rows.append((case.new_id("S"), "ended", draws.pick(PLANS), usual))
    for key, status, its_plan, fields in rows:
        case.add(
            "subscriptions", key, status=status, plan=its_plan, seats=draws.between(1, 40), **fields
        )
    return target


def _ask_for(case: Case, intent: str, *details: str) -> str:
    known = ("subscription_id",) if "subscription_id" in case.slots else ()
    case.request(intent, *details, *known)
    case.offer_code()
    return case.lookup()


def cancel(case: Case) -> None:
    subscription = _subscription(case, case.draws.pick(PLANS))
    lookup = _ask_for(case, "cancel")
    arguments = {"subscription_id": subscription, "action": "cancel"}
    done = case.step("cancel", "update_subscription", arguments, (lookup, *case.identity()))
    case.want("subscriptions", subscription, status="cancelled")
    case.resolve("solved", (done,))


def cancel_in_term(case: Case) -> None:
    _subscription(case, case.draws.pick(PLANS), minimum_term="running")
    case.escalate("retention", (_ask_for(case, "cancel"),))


def _change(case: Case, intent: str, old: str, new: str) -> None:
    facts = (
        {"downgrade": "blocked_by_usage"} if intent == "upgrade" and case.draws.chance(0.4) else {}
    )
    subscription = _subscription(case, old, **facts)
    lookup = _ask_for(case, intent, case.tell("plan", new.capitalize()))
    arguments = {"subscription_id": subscription, "action": "change_plan", "plan": new}
    done = case.step(
        "change_plan", "update_subscription", arguments, (lookup, *case.identity()), uses=("plan",)
    )
    case.want("subscriptions", subscription, plan=new)
    case.resolve("solved", (done,))


def _two_plans(case: Case) -> tuple[str, str]:
    """A smaller and a larger plan."""
    low = case.draws.below(len(PLANS) - 1)
    return PLANS[low], PLANS[case.draws.between(low + 1, len(PLANS) - 1)]


def upgrade(case: Case) -> None:
    small, large = _two_plans(case)
    _change(case, "upgrade", small, large)


def downgrade(case: Case) -> None:
    small, large = _two_plans(case)
    _change(case, "downgrade", large, small)


def downgrade_blocked(case: Case) -> None:
    small, large = _two_plans(case)
    _subscription(case, large, downgrade="blocked_by_usage")
    lookup = _ask_for(case, "downgrade", case.tell("plan", small.capitalize()))
    case.resolve("declined", (case.mail("downgrade_blocked", (lookup,)),))


KINDS = (
    Kind("cancel", "cancel", "subscription", cancel, 1.0),
    Kind("cancel_in_term", "cancel", "subscription", cancel_in_term, 0.6, stays_open=True),
    Kind("upgrade", "upgrade", "subscription", upgrade, 0.9),
    Kind("downgrade", "downgrade", "subscription", downgrade, 0.7),
    Kind("downgrade_blocked", "downgrade", "subscription", downgrade_blocked, 0.5),
)
