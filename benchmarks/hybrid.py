"""A policy in front of an LLM: reliability against LLM calls, over the confidence threshold.

    python -m benchmarks.hybrid --bundle my-model/ --error-rate 0.05 0.15
    python -m benchmarks.hybrid --scenario customer_support --episodes 6000

Where the policy is less sure than the threshold, a stand-in decides. It is no LLM but a script with a stated error rate:
with that probability a decision is a random valid one, otherwise the reference path's. So the curve says what the
hand-over is worth beside an LLM of that quality, not how good any real one is. At threshold 0 the policy decides alone, at
the last one the stand-in does.

One line per threshold and split. The threshold is chosen on `validation` (the most successful one, of several the one with
the fewest LLM calls); a last line per error rate holds its figures on `test`, beside those of policy and stand-in alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import numpy as np

from models_registry.artifacts.bundle import load_bundle, save_bundle
from models_registry.policies.calibration import Calibration
from models_registry.policies.runtime import Forward
from scenarios.core.types import Decision, Split
from scenarios.library import library
from training.rl.agents import Agent, PolicyAgent, RandomAgent, Seat
from training.rl.exam import Exam, play
from training.rl.intervals import rate

ALONE = 1.01
"""No confidence reaches it: the stand-in decides everything."""
THRESHOLDS = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, ALONE)


class StandIn(Agent):
    """Decides as the reference path does, or at random with the stated probability. Its draws depend on the moment only."""

    label = "Stand-in"

    def __init__(self, error_rate: float) -> None:
        self.error_rate = error_rate

    def decide(self, seats: Sequence[Seat]) -> list[Decision]:
        return [self._one(seat) for seat in seats]

    def _one(self, seat: Seat) -> Decision:
        world = seat.env.world
        assert world is not None
        seed = zlib.crc32(world.task.id.encode())
        rng = np.random.default_rng([seed, world.attempt, len(seat.turns)])
        if rng.random() >= self.error_rate:
            return world.oracle()
        astray = RandomAgent(0)
        astray.rng = rng
        return astray.decide([seat])[0]


class Hybrid(Agent):
    """The policy where it is sure enough, the stand-in elsewhere."""

    label = "Hybrid"

    def __init__(self, bundle: Path, threshold: float, error_rate: float) -> None:
        loaded = load_bundle(bundle)
        self.policy = PolicyAgent(Forward(loaded.weights))
        self.calibrate = Calibration.of(loaded.manifest.get("calibration"))
        self.threshold, self.stand_in = threshold, StandIn(error_rate)
        self.decisions = self.llm_calls = 0

    def decide(self, seats: Sequence[Seat]) -> list[Decision]:
        decisions = self.policy.decide(seats)
        unsure = [
            i
            for i, decision in enumerate(decisions)
            if self.calibrate(decision.confidence) < self.threshold
        ]
        found = self.stand_in.decide([seats[i] for i in unsure])
        for i, decision in zip(unsure, found, strict=True):
            decisions[i] = decision
        self.decisions += len(seats)
        self.llm_calls += len(unsure)
        return decisions


def measure(agent: Hybrid, exam: Exam) -> dict[str, Any]:
    """Success and tool reliability with 95 % intervals over tasks, and what the LLM was called for."""
    shape = (exam.tasks,)
    calls, right, won, tried = (np.zeros(shape) for _ in range(4))
    for task, episode, _ in play(agent, exam):
        judged = [step.right for step in episode.steps if step.decision.kind == "tool"]
        calls[task] += len(judged)
        right[task] += sum(judged)
        won[task] += episode.success
        tried[task] += 1
    return {
        "success": rate(won, tried),
        "reliability": rate(right, calls),
        "llm_calls_per_task": round(agent.llm_calls / float(tried.sum()), 3),
        "llm_share": round(agent.llm_calls / agent.decisions, 4),
    }


def curve(
    options: argparse.Namespace, bundle: Path, split: Split, error_rate: float
) -> list[dict[str, Any]]:
    """A line for each threshold, printed as it is measured."""
    scenario = library.get(str(load_bundle(bundle).manifest["scenario"]))()
    exam = Exam(scenario, split, options.difficulty, options.tasks, options.attempts)
    found = []
    for threshold in THRESHOLDS:
        measured = measure(Hybrid(bundle, threshold, error_rate), exam)
        line = {"split": split, "threshold": threshold, "error_rate": error_rate}
        found.append({**line, "scenario": scenario.key, **measured})
        print(json.dumps(found[-1]), flush=True)
    return found


def chosen(lines: list[dict[str, Any]]) -> float:
    """The most successful threshold; of several, the one with the fewest LLM calls."""
    best = min(lines, key=lambda line: (-line["success"]["value"], line["llm_calls_per_task"]))
    return float(best["threshold"])


def verdict(options: argparse.Namespace, bundle: Path, error_rate: float) -> dict[str, Any]:
    """Choose on validation, report on test."""
    threshold = chosen(curve(options, bundle, "validation", error_rate))
    test = curve(options, bundle, "test", error_rate)
    at = next(line for line in test if line["threshold"] == threshold)
    own, alone = test[0], test[-1]
    return {
        "error_rate": error_rate,
        "chosen_on": "validation",
        "threshold": threshold,
        "test": {key: at[key] for key in ("success", "reliability", "llm_calls_per_task")},
        "policy_alone": {key: own[key] for key in ("success", "reliability")},
        "stand_in_alone": {
            key: alone[key] for key in ("success", "reliability", "llm_calls_per_task")
        },
        "fewer_llm_calls": round(1 - at["llm_calls_per_task"] / alone["llm_calls_per_task"], 4),
    }


def trained(options: argparse.Namespace, folder: Path) -> Path:
    """A bundle of a short training, where none was given."""
    from training.rl.config import parse_config
    from training.rl.train import train

    values = {"scenario": options.scenario, "episodes": options.episodes, "seed": options.seed}
    weights = None
    for progress in train(parse_config({**values, "difficulty": options.difficulty})):
        if progress.phase != "training":
            break
        weights = progress.weights if progress.weights is not None else weights
    if weights is None:
        raise RuntimeError("the training gave no weights")
    save_bundle(folder / "bundle", weights, {"scenario": options.scenario, "tools": []})
    return folder / "bundle"


def main() -> int:
    """Print the curves and the choice."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, help="a bundle's folder; trained here if not given")
    parser.add_argument("--scenario", default="customer_support")
    parser.add_argument("--episodes", type=int, default=6_000)
    parser.add_argument("--difficulty", default="medium")
    parser.add_argument("--error-rate", type=float, nargs="+", default=[0.05, 0.15])
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--attempts", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bundle = options.bundle or trained(options, Path(folder))
        for error_rate in options.error_rate:
            print(json.dumps(verdict(options, bundle, error_rate)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
