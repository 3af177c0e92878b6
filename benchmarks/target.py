"""How soon an agent is good enough: `python -m benchmarks.target customer_support --seeds 5`.

One line per seed: at each checkpoint of a training, the tool reliability of its weights on held-out test tasks, and the
seconds and environment steps of the first checkpoint from which on it is at or above the target. Nothing is chosen by
these figures: a training runs to its end, and the curve is only drawn afterwards. `--curriculum` does it with and without
one, and ends with the ratio of the steps. A last line holds the medians over seeds (None where not every seed got there).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from models_registry.policies.runtime import Forward
from scenarios.library import library
from training.rl.agents import PolicyAgent
from training.rl.config import TrainConfig, parse_config
from training.rl.exam import Exam, play
from training.rl.train import train

POINTS = 15
"""Checkpoints of a training."""


def reliability(weights: Any, exam: Exam) -> float:
    """Share of the calls that are right."""
    calls = right = 0
    for _, episode, _ in play(PolicyAgent(Forward(weights)), exam):
        judged = [step.right for step in episode.steps if step.decision.kind == "tool"]
        calls, right = calls + len(judged), right + sum(judged)
    return right / max(1, calls)


def curve(config: TrainConfig, tasks: int) -> list[dict[str, float]]:
    """Episodes, environment steps, training seconds and held-out reliability at every checkpoint and at the end."""
    kept = []
    for progress in train(config):
        if progress.phase != "training":
            break
        if progress.weights is not None:
            kept.append(progress)
    exam = Exam(library.get(config.scenario)(), "test", config.difficulty, tasks, 2)
    return [
        {
            "episodes": p.episodes,
            "steps": p.env_steps,
            "seconds": round(p.seconds, 1),
            "reliability": round(reliability(p.weights, exam), 4),
        }
        for p in kept
    ]


def reached(points: list[dict[str, float]], target: float) -> dict[str, float] | None:
    """The first point from which on the target is held."""
    below = [i for i, point in enumerate(points) if point["reliability"] < target]
    first = below[-1] + 1 if below else 0
    return points[first] if first < len(points) else None


def compare(options: argparse.Namespace, curriculum: str) -> dict[str, Any]:
    """Train every seed, print its line; the summary."""
    found = []
    for seed in range(options.seeds):
        more = dict(item.split("=", 1) for item in options.set)
        values = {"scenario": options.scenario, "difficulty": options.difficulty, "seed": seed}
        config = parse_config({**values, "curriculum": curriculum, **more})
        interval = max(1, config.episodes // POINTS)
        config = parse_config({**config.as_json(), "checkpoint_interval": interval})
        points = curve(config, options.tasks)
        found.append(reached(points, options.target))
        line = {**values, "curriculum": curriculum, "at": found[-1], "end": points[-1]}
        print(json.dumps({**line, "curve": [point["reliability"] for point in points]}), flush=True)
    there = [point for point in found if point is not None]
    everyone = len(there) == len(found)
    return {
        "scenario": options.scenario,
        "difficulty": options.difficulty,
        "curriculum": curriculum,
        "target": options.target,
        "seeds": len(found),
        "reached": len(there),
        **{
            f"median_{name}": statistics.median(p[name] for p in there) if everyone else None
            for name in ("seconds", "steps")
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="?", default="customer_support")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--difficulty", default="medium")
    parser.add_argument("--target", type=float, default=0.95)
    parser.add_argument("--tasks", type=int, default=400, help="held-out tasks, two attempts each")
    parser.add_argument("--curriculum", action="store_true", help="with one and without")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    plain = compare(options, "off")
    print(json.dumps(plain), flush=True)
    if options.curriculum:
        staged = compare(options, "on")
        pair = staged["median_steps"], plain["median_steps"]
        ratio = round(pair[0] / pair[1], 3) if None not in pair else None
        print(json.dumps({**staged, "steps_ratio": ratio}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
