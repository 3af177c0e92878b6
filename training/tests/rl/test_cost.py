"""Tokens and money."""

from __future__ import annotations

from typing import Any

import pytest

from scenarios.core.types import Tool, ToolCall, Turn
from training.rl import cost


def test_tokens_are_counted_by_the_documented_rule() -> None:
    assert cost.count_tokens("") == 0
    assert cost.count_tokens("refund") == 1
    assert cost.count_tokens("internationalisation") == 4  # 20 letters in pieces of 6
    assert cost.count_tokens("12345 {}") == 2 + 2


def test_a_loop_carries_schemas_and_conversation_in_every_call() -> None:
    tool = Tool("echo", "Say it.", {"type": "object", "properties": {}})
    call = ToolCall("echo")
    turns = [
        Turn("user", "hello"),
        Turn("assistant", call=call),
        Turn("tool", {"ok": True}, call=call),
        Turn("assistant", "done"),
    ]
    one = cost.llm_loop_tokens(turns[:2], [tool], "")
    both = cost.llm_loop_tokens(turns, [tool], "")
    assert both[0] > 2 * one[0]  # the second call carries all that the first did, and more
    assert cost.llm_loop_tokens(turns, [], "")[0] < both[0]
    assert cost.llm_loop_tokens(turns[:1], [tool], "") == (0, 0)


def document(solved: int) -> dict[str, Any]:
    part = cost.cost_section(
        input_tokens=[1000, 3000],
        output_tokens=[100, 100],
        llm_successes=[True, True],
        policy_seconds=3.6,
        policy_successes={0: (solved, 1), 1: (solved, 1)},
    )
    criteria = [
        {"key": "cost_reduction", "target": 0.3, "met": False},
        {"key": "tool_reliability", "target": 0.9, "met": True},
    ]
    return {"cost": part, "agents": {"trained": {}}, "criteria": criteria}


def test_prices_turn_tokens_into_money() -> None:
    priced = cost.apply_prices(document(1), {"input_per_million": 1.0, "output_per_million": 10.0})
    loop = priced["cost"]["llm_loop"]
    assert loop["cost_per_success"] == pytest.approx((2000 * 1 + 100 * 10) / 1e6)
    own = 3.6 * cost.POLICY_CPU_PER_HOUR / 3600
    assert priced["agents"]["trained"]["cost_per_success"] == pytest.approx(own)
    assert priced["cost"]["reduction"]["value"] == pytest.approx(1 - own / loop["cost_per_success"])
    assert priced["criteria"][0]["met"] is True
    assert priced["criteria"][1] == {"key": "tool_reliability", "target": 0.9, "met": True}


def test_a_policy_that_never_succeeds_saves_nothing() -> None:
    priced = cost.apply_prices(document(0), cost.DEFAULT_PRICES)
    assert priced["cost"]["reduction"]["value"] is None
    assert priced["criteria"][0]["met"] is False
