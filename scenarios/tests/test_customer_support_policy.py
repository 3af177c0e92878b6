"""The written rules as functions."""

from __future__ import annotations

from typing import Any

import pytest

from scenarios.library.customer_support import policy


def payment(
    amount: float = 50.0, days: int = 5, status: str = "paid", duplicate_of: str | None = None
) -> dict[str, Any]:
    return {
        "amount": amount,
        "duplicate_of": duplicate_of,
        **policy.refund_facts(amount, days, status),
    }


@pytest.mark.parametrize(
    ("facts", "answer"),
    [
        ({}, "refund"),
        ({"days": policy.REFUND_WINDOW_DAYS}, "refund"),
        ({"days": policy.REFUND_WINDOW_DAYS + 1}, "decline"),
        ({"amount": policy.SUPERVISOR_LIMIT}, "refund"),
        ({"amount": policy.SUPERVISOR_LIMIT + 0.01}, "supervisor"),
        ({"amount": 900.0, "days": 90}, "decline"),
        ({"days": 90, "duplicate_of": "P-10001"}, "refund"),
        ({"status": "refunded"}, "settled"),
    ],
)
def test_a_refund_follows_the_window_the_limit_and_the_duplicate_rule(
    facts: Any, answer: Any
) -> None:
    assert policy.refund_answer(payment(**facts)) == answer


def test_the_payment_tool_reports_comparisons_and_no_decision() -> None:
    facts = policy.refund_facts(250.0, 45)
    assert facts == {
        "status": "paid",
        "days_since_payment": 45,
        "refund_window": "closed",
        "needs_supervisor": True,
    }


def test_a_refund_in_order_breaks_no_rule() -> None:
    assert policy.refund_breaches(payment(), 50.0, verified=True) == []


@pytest.mark.parametrize(
    ("facts", "amount", "verified", "rule"),
    [
        ({}, 50.0, False, "rule 1"),
        ({"days": 45}, 50.0, True, "rule 3"),
        ({"amount": 300.0}, 300.0, True, "rule 3"),
        ({}, 51.0, True, "rule 3"),
    ],
)
def test_a_refund_against_a_rule_is_named(
    facts: Any, amount: Any, verified: Any, rule: Any
) -> None:
    (breach,) = policy.refund_breaches(payment(**facts), amount, verified)
    assert breach.startswith(rule)


@pytest.mark.parametrize(
    ("status", "password", "stranger", "answer"),
    [
        ("locked", "valid", False, "unlock"),
        ("active", "expired", False, "reset"),
        ("locked", "valid", True, "security"),
        ("active", "expired", True, "security"),
        ("active", "valid", False, "nothing"),
    ],
)
def test_the_sign_in_log_decides(status: Any, password: Any, stranger: Any, answer: Any) -> None:
    log = {
        "account_status": status,
        "password_status": password,
        "unfamiliar_sign_in": stranger,
    }
    assert policy.sign_in_answer(log) == answer


def test_unlocking_needs_a_log_that_calls_for_it_and_a_verified_customer() -> None:
    log = {"account_status": "locked", "password_status": "valid", "unfamiliar_sign_in": False}
    assert policy.unlock_breaches(log, verified=True) == []
    assert len(policy.unlock_breaches(log | {"unfamiliar_sign_in": True}, verified=False)) == 2
    assert policy.unlock_breaches(None, verified=True)


def test_subscriptions_keys_and_deletions_are_guarded() -> None:
    running = {"minimum_term": "running"}
    assert policy.subscription_breaches(running, "change_plan", verified=True) == []
    assert policy.subscription_breaches(running, "cancel", verified=True)
    assert policy.subscription_breaches({"minimum_term": "ended"}, "cancel", verified=False)
    assert policy.key_breaches({"api_access": "included"}, verified=True) == []
    assert len(policy.key_breaches({"api_access": "not_included"}, verified=False)) == 2
    assert policy.escalation_breaches("privacy", verified=False)
    assert policy.escalation_breaches("privacy", verified=True) == []
    assert policy.escalation_breaches("billing", verified=False) == []


@pytest.mark.parametrize("status", ["escalated", "on_hold", "waiting_on_customer"])
def test_a_ticket_that_somebody_else_has_or_that_waits_is_not_closed(status: Any) -> None:
    assert policy.close_breaches({"status": status})
    assert policy.close_breaches({"status": "open"}) == []


def test_priority_follows_the_team_and_the_level_of_support() -> None:
    assert policy.priority("security", "standard") == "urgent"
    assert policy.priority("billing", "premium") == "high"
    assert policy.priority("billing", "standard") == "normal"


def test_every_rule_that_a_breach_names_is_written_down() -> None:
    assert all(f"{number}. **" in policy.COMPANY_POLICY for number in range(1, 18))
