"""Where training time goes, and how it grows: `python -m benchmarks.throughput`.

Lines of kind `profile`: microseconds of CPU per environment step of one collector with the update that follows, by part.
Lines of kind `growth`: microseconds of CPU per decision against the number of tools on offer, the length of the
conversation, and the environments side by side. Smallest of several repetitions, one thread.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import torch

from models_registry.policies.architecture import initial_weights
from models_registry.policies.conversation import Conversation
from models_registry.policies.runtime import Forward, decide
from models_registry.policies.toolset import ToolSet
from scenarios.core.env import ToolEnv
from scenarios.core.types import Tool, Turn
from scenarios.library import library
from training.rl.config import parse_config
from training.rl.learners import Learners
from training.rl.problem import problem_of
from training.rl.rollout import Order

TOOLS, LENGTHS, ENVIRONMENTS = (10, 50, 200), (1, 10, 40), (1, 16, 64, 256)
REPEATS = 5
PARTS = {
    "world": ("scenarios/core/env.py", ("reset", "step")),
    "features": ("policies/conversation.py", ("extend", "observe", "choices")),
    "forward": ("policies/runtime.py", ("state", "tool_logits", "point_logits", "values")),
    "demonstrations": ("rl/imitation.py", ("demonstrate",)),
    "collation": ("policies/batch.py", ("collate_states", "collate_pointers")),
}
"""Part -> file and functions that it is spent in."""


def cpu(work: Callable[[], Any]) -> float:
    """Smallest CPU seconds of some repetitions."""
    best = float("inf")
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def profile(scenario: str, difficulty: str) -> dict[str, Any]:
    """One collector and the update, in the middle of a warm start."""
    torch.set_num_threads(1)
    config = parse_config(
        {"scenario": scenario, "difficulty": difficulty, "collectors": 1, "environments": 32}
    )
    problem = problem_of(config)
    learners = Learners(problem, config)
    weights = problem.network.export()
    order = Order(32, config.discount_factor, config.gae_lambda, problem.stages[0], 0.6)
    with problem.source() as source:
        batches, _ = source.collect(weights, order)
        steps = sum(map(len, batches)) / 1e6
        collected = cpu(lambda: source.collect(weights, order))
        tracer = cProfile.Profile()
        tracer.runcall(source.collect, weights, order)
    whole: Any = pstats.Stats(tracer)
    shares = {name: _share(whole.stats, *where) / whole.total_tt for name, where in PARTS.items()}
    learners.update(batches, 0)  # what is done once
    updated = cpu(lambda: learners.update(batches, 1))
    return {
        "scenario": scenario,
        "difficulty": difficulty,
        "collect_us": round(collected / steps, 1),
        "update_us": round(updated / steps, 1),
        "update_share": round(updated / (collected + updated), 3),
        "collect_shares": {name: round(share, 3) for name, share in shares.items()},
    }


def _share(stats: dict[Any, Any], file: str, functions: tuple[str, ...]) -> float:
    return float(
        sum(
            cumulative
            for (path, _, name), (_, _, _, cumulative, _) in stats.items()
            if path.endswith(file) and name in functions
        )
    )


def decision_us(tools: tuple[Tool, ...], turns: list[Turn], side_by_side: int) -> dict[str, float]:
    """Microseconds per decision over equal conversations: to read all turns, and to decide once they are read."""
    views = ToolSet(tools)
    forward = Forward(initial_weights(0))

    def read() -> list[Conversation]:
        conversations = [Conversation(views) for _ in range(side_by_side)]
        for conversation in conversations:
            conversation.extend(turns)
        return conversations

    conversations = read()
    decide(forward, conversations)
    works = {"read": read, "decide": lambda: decide(forward, conversations)}
    return {name: round(cpu(work) / side_by_side * 1e6, 1) for name, work in works.items()}


def renamed(tools: tuple[Tool, ...], count: int) -> tuple[Tool, ...]:
    """So many tools: the given ones, and again under other names."""
    return tuple(
        tool if turn == 0 else replace(tool, name=f"{tool.name}_{turn}")
        for turn in range(-(-count // len(tools)))
        for tool in tools
    )[:count]


def conversation_of(scenario: str, length: int) -> list[Turn]:
    """The oracle's turns of one task after another, as one long conversation of so many decisions."""
    env = ToolEnv(library.get(scenario)(), "train", "hard")
    turns: list[Turn] = []
    decisions = 0
    for seed in range(length):
        seen, _ = env.reset(options={"task_seed": seed})
        over = False
        while not over and decisions < length and env.world is not None:
            seen, _, terminated, truncated, _ = env.step(env.world.oracle())
            over = terminated or truncated
            decisions += 1
        turns += seen
        if decisions >= length:
            break
    return turns


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="customer_support")
    options = parser.parse_args()
    for difficulty in ("medium", "hard"):
        print(json.dumps({"kind": "profile", **profile(options.scenario, difficulty)}), flush=True)
    own = library.get(options.scenario).tools
    usual = conversation_of(options.scenario, 4)
    growth = {
        "tools": {n: decision_us(renamed(own, n), usual, 64) for n in TOOLS},
        "decisions_before": {
            n: decision_us(own, conversation_of(options.scenario, n), 64) for n in LENGTHS
        },
        "environments": {n: decision_us(own, usual, n) for n in ENVIRONMENTS},
    }
    for name, found in growth.items():
        print(json.dumps({"kind": "growth", "by": name, "us_per_decision": found}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
