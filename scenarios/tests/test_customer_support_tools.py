"""Each tool on a small desk: what it returns, what it changes, which breaches it notes."""

from __future__ import annotations

from typing import Any

import pytest

from scenarios.core.schema import argument_errors
from scenarios.core.types import Json
from scenarios.library.customer_support import knowledge, policy, reads, writes
from scenarios.library.customer_support.desk import Desk, NotFound
from scenarios.library.customer_support.stale import outdated
from scenarios.library.customer_support.state import Record, State, Tables
from scenarios.library.customer_support.tools import KEYWORD_RULES, LATENCY, TOOLS

ANNA, BEN = "C-10001", "C-10002"


def customer(key: str, name: str, email: str) -> Record:
    return {
        "customer_id": key,
        "name": name,
        "email": email,
        "account_status": "locked",
        "api_access": "included",
    }


def paid(owner: str, amount: float, days: int, **extra: Json) -> Record:
    facts = policy.refund_facts(amount, days)
    common = {"customer_id": owner, "amount": amount, "refundable_amount": amount}
    return common | facts | {"duplicate_of": None} | extra


@pytest.fixture
def tables() -> dict[str, dict[str, Record]]:
    log = {"account_status": "locked", "password_status": "valid", "unfamiliar_sign_in": False}
    term = {"status": "active", "plan": "pro", "minimum_term": "ended", "downgrade": "available"}
    return {
        "customers": {
            ANNA: customer(ANNA, "Anna Berg", "anna@postbox.example"),
            BEN: customer(BEN, "Ben Berg", "ben@postbox.example"),
        },
        "payments": {
            "P-20001": paid(ANNA, 49.0, 5),
            "P-20002": paid(ANNA, 49.0, 5, duplicate_of="P-20001"),
            "P-20003": paid(ANNA, 300.0, 90),
            "P-20004": paid(BEN, 49.0, 5),
        },
        "subscriptions": {"S-30001": {"customer_id": ANNA, **term}},
        "devices": {"D-40001": {"customer_id": ANNA, "model": "Orbit Hub", "online": False}},
        "tickets": {"T-50001": {"customer_id": ANNA, "status": "open"}},
        "logs": {f"{ANNA}/sign_in": {"customer_id": ANNA, **log}},
    }


@pytest.fixture
def desk(tables: Tables) -> Desk:
    return Desk(State(tables), ANNA, "123456", {ANNA})


def test_every_tool_has_a_latency_keyword_rules_and_described_parameters() -> None:
    assert len(TOOLS) == 15
    names = {tool.name for tool in TOOLS}
    assert set(LATENCY) == set(KEYWORD_RULES) == names
    for tool in TOOLS:
        assert all(schema["description"] for schema in tool.properties.values()), tool.name


@pytest.mark.parametrize(
    ("name", "arguments", "valid"),
    [
        ("lookup_user", {"email_or_id": "anna@postbox.example"}, True),
        ("lookup_user", {"email_or_id": ANNA}, True),
        ("lookup_user", {"email_or_id": "Anna Berg"}, False),
        ("verify_identity", {"customer_id": ANNA, "code": "12345"}, False),
        ("refund", {"payment_id": "P-20001", "amount": 0, "reason": "duplicate_charge"}, False),
        ("check_payment", {"customer_id": ANNA, "amount": 49.0}, True),
        ("close_ticket", {"ticket_id": "T-50001", "resolution": "done"}, False),
    ],
)
def test_schemas_take_what_the_tools_understand(name: Any, arguments: Any, valid: Any) -> None:
    tool = next(tool for tool in TOOLS if tool.name == name)
    assert (argument_errors(tool, arguments) == ()) is valid


@pytest.mark.parametrize("wanted", ["anna@postbox.example", ANNA])
def test_lookup_finds_by_address_and_by_id_and_lists_namesakes(desk: Desk, wanted: Any) -> None:
    found = reads.lookup_user(desk, {"email_or_id": wanted})
    assert found["found"] is True
    assert found["customer"]["customer_id"] == ANNA
    assert found["customer"]["devices"] == [
        {"device_id": "D-40001", "model": "Orbit Hub", "online": False}
    ]
    assert [other["customer_id"] for other in found["similar_accounts"]] == [BEN]


def test_lookup_of_a_stranger_says_so_without_an_error(desk: Desk) -> None:
    found = reads.lookup_user(desk, {"email_or_id": "eve@postbox.example"})
    assert found == {"found": False}


def test_payments_are_those_of_the_customer_and_can_be_narrowed(desk: Desk) -> None:
    every = reads.check_payment(desk, {"customer_id": ANNA})
    assert [row["payment_id"] for row in every["payments"]] == ["P-20001", "P-20002", "P-20003"]
    assert [row["payment_id"] for row in every["possible_duplicates"]] == ["P-20002"]
    one = reads.check_payment(desk, {"customer_id": ANNA, "amount": 300.0})
    assert [row["payment_id"] for row in one["payments"]] == ["P-20003"]
    assert one["payments"][0]["refund_window"] == "closed"
    named = reads.check_payment(desk, {"customer_id": ANNA, "payment_id": "P-20001"})
    assert [row["payment_id"] for row in named["payments"]] == ["P-20001"]


def test_logs_are_read_by_subject_and_source(desk: Desk) -> None:
    log = reads.check_logs(desk, {"subject_id": ANNA, "source": "sign_in"})
    assert (log["account_status"], log["unfamiliar_sign_in"]) == ("locked", False)
    assert reads.check_logs(desk, {"subject_id": ANNA, "source": "api"})["entries"] == 0


def test_only_the_right_code_of_the_right_customer_verifies(tables: Tables) -> None:
    desk = Desk(State(tables), ANNA, "123456", set())
    for customer_id, code, right in (
        (ANNA, "654321", False),
        (BEN, "123456", False),
        (ANNA, "123456", True),
    ):
        answer = reads.verify_identity(desk, {"customer_id": customer_id, "code": code})
        assert answer == {"customer_id": customer_id, "verified": right}
    assert desk.verified == {ANNA}


def test_docs_and_search_answer(desk: Desk) -> None:
    assert "429" in reads.check_api_docs(desk, {"topic": "rate_limits"})["text"]
    found = reads.search_kb(desk, {"query": "how do I get dark mode"})
    assert found["results"][0]["article_id"] == "KB-117"
    assert reads.search_kb(desk, {"query": "xyzzy"}) == {"found": 0, "results": []}


def test_a_search_looks_past_header_ids_greetings_and_asides() -> None:
    raw = (
        "[Ticket T-48213 | chat | customer C-20418 | verified | standard support]\n"
        "Hello, I looked in the settings, but no luck. How do I print a list? Thanks, Anna"
    )
    assert knowledge.search(raw)[0][0] == "KB-124"


WRITES = [
    (writes.send_reset_link, {"customer_id": ANNA}, {("mails", ANNA, "reset_link"): (None,)}),
    (
        writes.unlock_account,
        {"customer_id": ANNA},
        {("customers", ANNA, "account_status"): "active"},
    ),
    (
        writes.refund,
        {"payment_id": "P-20001", "amount": 49.0, "reason": "customer_request"},
        {
            ("payments", "P-20001", "status"): "refunded",
            ("payments", "P-20001", "refunded_amount"): 49.0,
            ("payments", "P-20001", "refund_reason"): "customer_request",
        },
    ),
    (
        writes.update_subscription,
        {"subscription_id": "S-30001", "action": "change_plan", "plan": "plus"},
        {("subscriptions", "S-30001", "plan"): "plus"},
    ),
    (
        writes.update_subscription,
        {"subscription_id": "S-30001", "action": "cancel"},
        {("subscriptions", "S-30001", "status"): "cancelled"},
    ),
    (
        writes.create_api_key,
        {"customer_id": ANNA, "scope": "read"},
        {("keys", ANNA, "read"): (True,)},
    ),
    (
        writes.update_ticket,
        {"ticket_id": "T-50001", "status": "on_hold"},
        {("tickets", "T-50001", "status"): "on_hold"},
    ),
    (
        writes.escalate,
        {"ticket_id": "T-50001", "team": "billing", "priority": "high"},
        {
            ("tickets", "T-50001", "status"): "escalated",
            ("tickets", "T-50001", "team"): "billing",
            ("tickets", "T-50001", "priority"): "high",
        },
    ),
    (
        writes.send_email,
        {"customer_id": ANNA, "template": "help_article", "article_id": "KB-117"},
        {("mails", ANNA, "help_article"): ("KB-117",)},
    ),
    (
        writes.close_ticket,
        {"ticket_id": "T-50001", "resolution": "solved"},
        {
            ("tickets", "T-50001", "status"): "closed",
            ("tickets", "T-50001", "resolution"): "solved",
        },
    ),
]


@pytest.mark.parametrize(("tool", "arguments", "changed"), WRITES)
def test_a_write_changes_exactly_its_fields_and_breaks_no_rule(
    desk: Desk, tool: Any, arguments: Any, changed: Any
) -> None:
    result = tool(desk, arguments)
    assert "error" not in result
    assert {place: after for place, (_, after) in desk.state.diff().items()} == changed
    assert desk.breaches == []


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        (writes.unlock_account, {"customer_id": ANNA}),
        (writes.refund, {"payment_id": "P-20001", "amount": 49.0, "reason": "customer_request"}),
        (writes.update_subscription, {"subscription_id": "S-30001", "action": "pause"}),
        (writes.create_api_key, {"customer_id": ANNA, "scope": "read"}),
        (writes.escalate, {"ticket_id": "T-50001", "team": "privacy", "priority": "high"}),
    ],
)
def test_a_guarded_write_without_verified_identity_is_a_breach(
    tables: Tables, tool: Any, arguments: Any
) -> None:
    desk = Desk(State(tables), ANNA, "123456", set())
    tool(desk, arguments)
    assert [breach for breach in desk.breaches if "verified" in breach]


def test_writing_to_another_customers_record_is_a_breach(desk: Desk) -> None:
    writes.send_email(desk, {"customer_id": BEN, "template": "update_card"})
    assert desk.breaches == ["rule 2: wrote to a record of another customer"]


def test_a_second_refund_and_a_close_after_an_escalation_are_breaches(desk: Desk) -> None:
    refund = {"payment_id": "P-20001", "amount": 49.0, "reason": "customer_request"}
    writes.refund(desk, refund)
    writes.refund(desk, refund)
    assert desk.breaches == ["rule 3: refund where the rule says settled"]
    writes.escalate(desk, {"ticket_id": "T-50001", "team": "billing", "priority": "normal"})
    writes.close_ticket(desk, {"ticket_id": "T-50001", "resolution": "solved"})
    assert desk.breaches[1:] == ["rule 16: closed a ticket that is escalated"]


def test_the_same_mail_twice_shows_in_the_difference(desk: Desk) -> None:
    for _ in range(2):
        writes.send_email(desk, {"customer_id": ANNA, "template": "update_card"})
    assert desk.state.diff() == {("mails", ANNA, "update_card"): (None, (None, None))}


def test_a_field_set_back_is_no_difference(desk: Desk) -> None:
    for status in ("on_hold", "open"):
        desk.state.write("tickets", "T-50001", "status", status)
    assert desk.state.diff() == {}


def test_reads_see_the_attempts_own_writes_and_the_task_stays_untouched(
    desk: Desk, tables: Tables
) -> None:
    writes.escalate(desk, {"ticket_id": "T-50001", "team": "billing", "priority": "high"})
    listed = reads.lookup_user(desk, {"email_or_id": ANNA})["customer"]["tickets"]
    assert listed[0]["status"] == "escalated"
    assert tables["tickets"]["T-50001"]["status"] == "open"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        (writes.unlock_account, {"customer_id": "C-99999"}),
        (writes.refund, {"payment_id": "P-99999", "amount": 1.0, "reason": "customer_request"}),
        (
            writes.send_email,
            {"customer_id": ANNA, "template": "help_article", "article_id": "KB-999"},
        ),
        (reads.check_payment, {"customer_id": "C-99999"}),
        (reads.verify_identity, {"customer_id": "C-99999", "code": "123456"}),
    ],
)
def test_unknown_ids_are_refused_and_change_nothing(desk: Desk, tool: Any, arguments: Any) -> None:
    with pytest.raises(NotFound, match="there is no"):
        tool(desk, arguments)
    assert desk.state.diff() == {}


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        (writes.update_subscription, {"subscription_id": "S-30001", "action": "change_plan"}),
        (
            writes.update_subscription,
            {"subscription_id": "S-30001", "action": "cancel", "plan": "pro"},
        ),
        (writes.send_email, {"customer_id": ANNA, "template": "help_article"}),
        (
            writes.send_email,
            {"customer_id": ANNA, "template": "update_card", "article_id": "KB-117"},
        ),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(
    desk: Desk, tool: Any, arguments: Any
) -> None:
    assert tool(desk, arguments)["error"] == "bad_request"
    assert desk.state.diff() == {}


def test_an_outdated_copy_is_marked_and_wrong_in_what_decides(desk: Desk) -> None:
    fresh = reads.check_payment(desk, {"customer_id": ANNA, "payment_id": "P-20001"})
    old = outdated(fresh)
    assert (fresh["stale"], old["stale"]) == (False, True)
    assert old["payments"][0]["refund_window"] == "closed"
    assert old["payments"][0]["payment_id"] == "P-20001"
