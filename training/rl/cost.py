"""What a task costs: tokens of the LLM loop that the policy stands in for, money by a price book.

Token counter: no tokenizer is downloaded; a documented rule estimates what byte-pair tokenizers make of a text, see
`count_tokens`; evidence carries the counter's name, so that figures counted differently are never compared.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from scenarios.core.types import Json, Tool, Turn

COUNTER = "agentgym-words-1: words in pieces of 6 letters, numbers in pieces of 3 digits, every other symbol by itself"
_PIECES = re.compile(r"[A-Za-z]+|\d+|[^\sA-Za-z\d]")
MESSAGE_OVERHEAD = 4
"""Tokens that chat formats spend on the frame of each message."""
POLICY_CPU_PER_HOUR = 0.05
"""USD for an hour of one CPU core, to price the policy's own decisions."""
DEFAULT_PRICES: dict[str, Json] = {
    "model": "small hosted LLM (reference)",
    "input_per_million": 0.15,
    "output_per_million": 0.60,
    "currency": "USD",
    "as_of": "2026-11-01",
}
ASSUMPTION = (
    "An LLM loop that never errs: it takes the oracle's path on the same tasks, and carries the system prompt, every "
    "tool schema and the conversation so far in each call."
)


@lru_cache(maxsize=100_000)
def count_tokens(text: str) -> int:
    """Estimated tokens of a text, by the rule that `COUNTER` names."""
    total = 0
    for piece in _PIECES.findall(text):
        if piece.isalpha():
            total += math.ceil(len(piece) / 6)
        else:
            total += math.ceil(len(piece) / 3) if piece.isdigit() else 1
    return total


def _turn_tokens(turn: Turn) -> int:
    if turn.call is not None and turn.role == "assistant":
        text = json.dumps(turn.call.as_json())
    else:
        text = turn.content if isinstance(turn.content, str) else json.dumps(turn.content)
    return MESSAGE_OVERHEAD + count_tokens(text)


def llm_loop_tokens(
    turns: Sequence[Turn], tools: Sequence[Tool], system_prompt: str
) -> tuple[int, int]:
    """(input, output) tokens of an LLM that makes every assistant turn of this conversation, one call per turn."""
    carried = MESSAGE_OVERHEAD + count_tokens(system_prompt)
    carried += count_tokens(json.dumps([tool.as_json() for tool in tools]))
    spent_in = spent_out = 0
    for turn in turns:
        tokens = _turn_tokens(turn)
        if turn.role == "assistant":
            spent_in += carried
            spent_out += tokens
        carried += tokens
    return spent_in, spent_out


def cost_section(
    *,
    input_tokens: Sequence[int],
    output_tokens: Sequence[int],
    llm_successes: Sequence[bool],
    policy_seconds: float,
    policy_successes: Mapping[int, tuple[int, int]],
) -> dict[str, Json]:
    """The evidence's `cost` part, before prices. policy_successes: task -> (successes, attempts); seconds per episode."""
    solved = max(1, sum(llm_successes))
    return {
        "counter": COUNTER,
        "policy_cpu_per_hour": POLICY_CPU_PER_HOUR,
        "policy": {
            "seconds_per_episode": policy_seconds,
            "tokens_per_success": 0.0,
            "tasks": [list(policy_successes[task]) for task in sorted(policy_successes)],
        },
        "llm_loop": {
            "assumption": ASSUMPTION,
            "input_tokens_per_success": sum(input_tokens) / solved,
            "output_tokens_per_success": sum(output_tokens) / solved,
            "tokens_per_success": (sum(input_tokens) + sum(output_tokens)) / solved,
            "n": len(input_tokens),
        },
    }


def apply_prices(evidence: dict[str, Any], prices: Mapping[str, Json]) -> dict[str, Any]:
    """A copy of the evidence with money by these prices; also rewrites the criterion `cost_reduction`."""
    cost = json.loads(json.dumps(evidence["cost"]))
    loop, policy = cost["llm_loop"], cost["policy"]
    loop["cost_per_success"] = (
        loop["input_tokens_per_success"] * prices["input_per_million"]
        + loop["output_tokens_per_success"] * prices["output_per_million"]
    ) / 1e6
    per_episode = policy["seconds_per_episode"] * cost["policy_cpu_per_hour"] / 3600
    tasks = np.array(policy["tasks"], dtype=float).reshape(-1, 2)
    policy["cost_per_success"] = _per_success(per_episode, tasks)
    cost["prices"] = dict(prices)
    cost["reduction"] = _reduction(per_episode, tasks, loop["cost_per_success"])
    agents = {name: dict(agent) for name, agent in evidence["agents"].items()}
    agents["trained"]["cost_per_success"] = policy["cost_per_success"]
    held_out = evidence.get("held_out", True)
    criteria = [
        {**c, **cost["reduction"], "met": held_out and _met(cost["reduction"], c["target"])}
        if c["key"] == "cost_reduction"
        else c
        for c in evidence["criteria"]
    ]
    return {**evidence, "agents": agents, "cost": cost, "criteria": criteria}


def _per_success(per_episode: float, tasks: Any) -> float | None:
    solved = float(tasks[:, 0].sum())
    return per_episode * float(tasks[:, 1].sum()) / solved if solved else None


def _reduction(per_episode: float, tasks: Any, loop_cost: float) -> dict[str, Json]:
    """Saved share of the loop's cost per success, with a bootstrap over tasks (fixed seed) for its interval."""
    own = _per_success(per_episode, tasks)
    if own is None or loop_cost <= 0:
        return {"value": None, "low": None, "high": None, "n": len(tasks)}
    rng = np.random.default_rng(0)
    draws = tasks[rng.integers(len(tasks), size=(500, len(tasks)))].sum(axis=1)
    resampled = 1 - per_episode * draws[:, 1] / np.maximum(draws[:, 0], 1) / loop_cost
    low, high = np.percentile(resampled, [2.5, 97.5])
    return {"value": 1 - own / loop_cost, "low": float(low), "high": float(high), "n": len(tasks)}


def _met(figure: Mapping[str, Json], target: float) -> bool:
    return figure["low"] is not None and figure["low"] >= target
