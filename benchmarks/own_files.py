"""How a trained analyst does on files that no generator made: `python -m benchmarks.own_files --seeds 1`.

One line per kind of question over the files of `scenarios/tests/data/data_analysis/`, then one for all of them: questions,
answers that are right by the trained policy, by the reference path and by the hand-written rules; the last line also has the
share of files that load, and 95 % Wilson intervals. `--bundle FOLDER` examines a trained version instead of training one.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from models_registry.artifacts.bundle import Weights
from models_registry.policies.runtime import PolicyRuntime
from scenarios.core.tasks import Task
from scenarios.core.types import Decision, Turn
from scenarios.library.data_analysis import DataAnalysis
from scenarios.library.data_analysis.files.load import load_file
from scenarios.library.data_analysis.files.table import FileProblem
from scenarios.library.data_analysis.own import MOST_STEPS, own_tasks
from scenarios.library.data_analysis.world import AnalysisWorld
from training.rl.config import parse_config
from training.rl.intervals import wilson
from training.rl.train import train

FOLDER = Path(__file__).parents[1] / "scenarios" / "tests" / "data" / "data_analysis"
SCENARIO = DataAnalysis()

Decide = Callable[[AnalysisWorld, Sequence[Turn]], Decision]


def trained(values: dict[str, Any]) -> PolicyRuntime:
    """A policy as these settings train it."""
    weights: Weights | None = None
    run = train(parse_config({"scenario": "data_analysis", "evaluation_tasks": 1, **values}))
    for progress in run:
        weights = progress.weights or weights
        if progress.phase != "training":
            break
    run.close()
    if weights is None:
        raise RuntimeError("the training gave no weights")
    return PolicyRuntime(weights)


def answered(task: Task, decide: Decide) -> bool:
    """Whether a question is answered right, with no tool failing."""
    world = SCENARIO.world(task)
    world.fault_rate = 0.0
    turns = [Turn("user", world.opening())]
    for _ in range(MOST_STEPS):
        if world.ended_by is not None:
            break
        turns += world.step(decide(world, turns)).turns
    return world.succeeded


def loads(path: Path) -> bool:
    try:
        return load_file(path).rows > 0
    except FileProblem:
        return False


def report(policy: PolicyRuntime, seed: int | None) -> None:
    """Print the lines of one policy."""
    rules = SCENARIO.baselines["rules"].decide
    who: dict[str, Decide] = {
        "trained": lambda world, turns: policy.act(turns, SCENARIO.tools),
        "oracle": lambda world, turns: world.oracle(),
        "rules": lambda world, turns: rules(tuple(turns)),
    }
    tasks = own_tasks(FOLDER)
    right: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(("questions", *who), 0))
    for task in tasks:
        for kind in (task.kind, "all"):
            right[kind]["questions"] += 1
        for name, decide in who.items():
            if answered(task, decide):
                right[task.kind][name] += 1
                right["all"][name] += 1
    whole = right.pop("all")
    for kind in sorted(right):
        print(json.dumps({"seed": seed, "kind": kind, **right[kind]}), flush=True)
    names = sorted(
        path for path in FOLDER.iterdir() if path.name not in ("NOTICE", "questions.json")
    )
    shares = {
        f"{name}_interval": wilson(whole[name] / whole["questions"], whole["questions"])
        for name in who
    }
    loaded = {"files": len(names), "loaded": sum(map(loads, names))}
    print(json.dumps({"seed": seed, "kind": "all", **whole, **loaded, **shares}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--difficulty", default="medium")
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    if options.bundle is not None:
        report(PolicyRuntime.load(options.bundle), None)
        return
    more = dict(item.split("=", 1) for item in options.set)
    for seed in range(options.seeds):
        report(trained({"difficulty": options.difficulty, "seed": seed, **more}), seed)


if __name__ == "__main__":
    main()
