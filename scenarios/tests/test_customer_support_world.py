"""Worlds of generated tasks: what decides, which orders are right, faults, stale reads, questions, breaches."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scenarios.core.env import ToolEnv
from scenarios.core.tasks import ASK, Milestone, Task
from scenarios.core.types import Decision, Difficulty, Split, ToolCall
from scenarios.core.world import Outcome
from scenarios.library.customer_support import CustomerSupport
from scenarios.library.customer_support.world import SupportWorld

SCENARIO = CustomerSupport()


def worlds(
    kind: str | None = None,
    difficulty: Difficulty = "medium",
    split: Split = "train",
    where: Callable[[Task], bool] = lambda task: True,
) -> Iterator[SupportWorld]:
    """The worlds of the tasks of a kind, by rising seed."""
    for seed in range(20000):
        task = SCENARIO.task(split, difficulty, seed)
        if kind in (None, task.kind) and where(task):
            yield SupportWorld(task, 0, SCENARIO.tools, 0.0)


def first(*args: Any, **kwargs: Any) -> SupportWorld:
    return next(worlds(*args, **kwargs))


def unverified_in_chat(task: Task) -> bool:
    """Nothing is missing, the customer id is known, and the identity is not."""
    request = task.payload
    return "customer C-" in request.header and not request.verified and request.withheld is None


def names(world: SupportWorld) -> set[str]:
    return {milestone.name for milestone in world.task.milestones if not milestone.optional}


def named(world: SupportWorld, name: str) -> Milestone:
    return next(milestone for milestone in world.task.milestones if milestone.name == name)


def call(world: SupportWorld, name: str) -> Outcome:
    """Make the call (or ask the question) of the milestone of this name."""
    milestone = named(world, name)
    if milestone.tool == ASK:
        return world.step(Decision("ask", text="?"))
    return world.step(Decision("tool", ToolCall(milestone.tool, milestone.oracle_arguments())))


def finish(world: SupportWorld) -> bool:
    while world.ended_by is None:
        world.step(world.oracle())
    return world.succeeded


@pytest.mark.parametrize(
    ("kind", "tool", "never"),
    [
        ("locked_account", "unlock_account", "send_reset_link"),
        ("expired_password", "send_reset_link", "unlock_account"),
        ("break_in", "escalate", "unlock_account"),
        ("refund_in_window", "refund", "escalate"),
        ("refund_too_late", "send_email", "refund"),
        ("refund_over_limit", "escalate", "refund"),
        ("expired_key", "create_api_key", "check_api_docs"),
        ("rate_limited", "check_api_docs", "create_api_key"),
        ("server_error", "escalate", "create_api_key"),
        ("device_steps", "search_kb", "escalate"),
        ("device_broken", "escalate", "update_ticket"),
        ("service_outage", "update_ticket", "escalate"),
    ],
)
def test_the_records_decide_what_one_wording_leaves_open(kind: str, tool: Any, never: Any) -> None:
    world = first(kind)
    tools = {m.tool for m in world.task.milestones if not m.optional}
    assert tool in tools
    assert never not in tools
    assert finish(world)


@pytest.mark.parametrize(
    "kinds",
    [
        ("locked_account", "expired_password", "break_in"),
        ("refund_in_window", "refund_too_late", "refund_over_limit", "refunded_before"),
        ("expired_key", "rate_limited", "server_error"),
        ("device_steps", "device_broken", "service_outage"),
    ],
)
def test_kinds_that_the_records_tell_apart_share_one_wording(kinds: tuple[str, ...]) -> None:
    assert len({first(kind).request.needs[0].intent for kind in kinds}) == 1


@pytest.mark.parametrize(
    "kind", ["locked_account", "refund_in_window", "cancel", "data_deletion", "duplicate_charge"]
)
def test_every_order_that_respects_the_evidence_is_accepted(kind: str) -> None:
    sample = first(kind, where=unverified_in_chat)
    required = [m.name for m in sample.task.milestones if not m.optional]
    before = {m.name: set(m.after) for m in sample.task.milestones}
    orders = [
        order
        for order in itertools.permutations(required)
        if all(before[name] <= set(order[:place]) for place, name in enumerate(order))
    ]
    assert len(orders) > 1
    for order in orders:
        world = SupportWorld(sample.task, 0, SCENARIO.tools, 0.0)
        assert all(call(world, name).verdict.right for name in order)
        world.step(Decision(world.task.endings[0], text="Done."))
        assert world.succeeded


def test_acting_before_the_evidence_is_out_of_order() -> None:
    world = first("locked_account", where=lambda task: task.payload.verified)
    outcome = call(world, "unlock")
    assert outcome.verdict.failure == "order"


def test_unlocking_where_a_stranger_was_in_is_a_breach_and_ends_every_hope() -> None:
    world = first("break_in", where=lambda task: task.payload.verified)
    call(world, "sign_in_log")
    unlock = ToolCall("unlock_account", {"customer_id": world.request.customer_id})
    assert world.step(Decision("tool", unlock)).verdict.failure == "policy_breach"
    assert not finish(world)


def test_a_needless_write_fails_the_task_even_with_every_goal_reached() -> None:
    world = first("invoice_copy")
    mail = {"customer_id": world.request.customer_id, "template": "outage_notice"}
    world.step(Decision("tool", ToolCall("send_email", mail)))
    assert not finish(world)
    assert world.progress == 1.0


@pytest.mark.parametrize("kind", ["ownership_dispute", "out_of_scope"])
def test_handing_over_counts_only_after_it_is_recorded(kind: str) -> None:
    world = first(kind)
    world.step(Decision("hand_over"))
    assert not world.succeeded
    world = first(kind)
    assert finish(world)
    assert world.ended_by == "hand_over"


@pytest.mark.parametrize(
    "detail", ["email", "code", "payment_id", "amount", "device_id", "plan", "scope"]
)
def test_a_withheld_detail_is_absent_until_the_user_is_asked(detail: str) -> None:
    world = first(where=lambda task: task.payload.withheld == detail)
    text = world.request.slots[detail]
    assert text not in world.opening()
    outcome = world.step(Decision("ask", text="Could you tell me?"))
    assert outcome.verdict.right
    assert text in outcome.turns[-1].content
    assert finish(world)


def test_asking_where_nothing_is_missing_is_a_junk_call() -> None:
    world = first("cancel", where=lambda task: task.payload.withheld is None)
    outcome = world.step(Decision("ask", text="Anything else?"))
    assert outcome.verdict.failure == "junk_call"
    assert outcome.turns[-1].role == "user"


def test_all_payments_may_be_looked_at_before_asking_which_one() -> None:
    world = first(
        "refund_in_window",
        where=lambda task: task.payload.withheld == "payment_id" and task.payload.verified,
    )
    everything = ToolCall("check_payment", {"customer_id": world.request.customer_id})
    outcome = world.step(Decision("tool", everything))
    assert outcome.verdict.right
    assert len(outcome.turns[-1].content["payments"]) > 1
    for name in ("ask", "refund", "close"):
        assert call(world, name).verdict.right
    world.step(Decision("final", text="Done."))
    assert world.succeeded


def test_needless_but_reasonable_looks_are_right_once() -> None:
    world = first("refund_too_late", where=lambda task: "email" in task.payload.needs[0].details)
    assert "verify" not in names(world)
    call(world, "lookup")
    assert call(world, "verify").verdict.right
    assert call(world, "verify").verdict.failure == "junk_call"


def test_a_wrong_code_does_not_verify() -> None:
    world = first("cancel", where=lambda task: not task.payload.verified)
    code = "000000"
    wrong = ToolCall("verify_identity", {"customer_id": world.request.customer_id, "code": code})
    outcome = world.step(Decision("tool", wrong))
    assert outcome.turns[-1].content["verified"] is False
    assert not outcome.verdict.right


def test_a_stale_read_counts_for_nothing_and_the_next_one_is_fresh() -> None:
    for world in worlds(difficulty="hard"):
        if "lookup" not in names(world) or "ask" in names(world):
            continue
        outcome = call(world, "lookup")
        if outcome.turns[-1].content.get("stale"):
            break
    assert outcome.verdict.right
    assert outcome.faulted
    assert "lookup" not in world.done
    again = call(world, "lookup")
    assert again.turns[-1].content["stale"] is False
    assert "lookup" in world.done
    assert finish(world)


@pytest.mark.parametrize("difficulty", ["easy", "medium"])
def test_reads_are_never_stale_below_hard(difficulty: Difficulty) -> None:
    for world in itertools.islice(worlds(difficulty=difficulty), 60):
        while world.ended_by is None:
            outcome = world.step(world.oracle())
            content = outcome.turns[-1].content
            assert not (isinstance(content, dict) and content.get("stale"))


def test_a_fault_is_survived_by_trying_again() -> None:
    env = ToolEnv(SCENARIO, "train", "hard")
    faulted = 0
    for seed in range(30):
        env.reset(options={"task_seed": seed})
        over = False
        while not over:
            assert env.world is not None
            _, _, terminated, truncated, info = env.step(env.world.oracle())
            faulted += info["faulted"]
            over = terminated or truncated
        assert info["success"]
    assert faulted > 5


def test_attempts_word_one_task_differently_and_keep_its_facts() -> None:
    task = SCENARIO.task("train", "medium", 3)
    openings = {SCENARIO.world(task, attempt).opening() for attempt in range(8)}
    assert len(openings) > 4
    assert all(opening.startswith(task.payload.header) for opening in openings)


def test_a_hard_message_holds_two_needs_of_different_families() -> None:
    world = first(difficulty="hard", where=lambda task: "+" in task.kind)
    assert len(world.request.needs) == 2
    assert finish(world)


def test_an_unknown_id_comes_back_as_an_error_result() -> None:
    world = first("cancel")
    unknown = ToolCall("unlock_account", {"customer_id": "C-00000"})
    outcome = world.step(Decision("tool", unknown))
    assert outcome.turns[-1].is_error
    assert outcome.turns[-1].content["error"] == "not_found"
    assert not outcome.verdict.right
