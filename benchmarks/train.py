"""What training reaches and how long it takes: `python -m benchmarks.train customer_support --seeds 3`.

One line per seed: held-out tool reliability with its 95 % interval, success, pass^k, seconds, and the baselines on the
same tasks. `--repeat` trains the first seed twice and says whether weights and evidence came out the same.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from training.rl.config import TrainConfig, parse_config
from training.rl.progress import Progress
from training.rl.train import train

MEASURED = {"decision_seconds", "response_seconds", "cost_per_success"}
"""Parts of the evidence that hold measured time, and so differ from run to run."""


def run(config: TrainConfig) -> tuple[Progress, float]:
    """Train to the end; the last progress and the seconds until training (not its evaluation) was over."""
    began = time.perf_counter()
    trained = 0.0
    for progress in train(config):
        if progress.phase == "training":
            trained = time.perf_counter() - began
            if sys.stderr.isatty():
                reached = progress.metrics.get("tool_reliability") or 0.0
                print(
                    f"\r{progress.fraction:.0%} reliability {reached:.3f}", end="", file=sys.stderr
                )
    return progress, trained


def line(config: TrainConfig, last: Progress, seconds: float) -> dict[str, Any]:
    evidence: dict[str, Any] = last.evidence or {}
    agents = evidence["agents"]
    trained = agents["trained"]
    names = [name for name in agents if name != "trained"]
    return {
        "scenario": config.scenario,
        "difficulty": config.difficulty,
        "seed": config.seed,
        "n": evidence["tasks"],
        "attempts": evidence["attempts"],
        "calls": trained["calls"],
        "tool_reliability": trained["tool_reliability"]["value"],
        "ci_low": trained["tool_reliability"]["low"],
        "ci_high": trained["tool_reliability"]["high"],
        "success": trained["success"]["value"],
        **{f"pass_hat_{k}": figure["value"] for k, figure in trained["pass_hat"].items()},
        "train_seconds": round(seconds, 1),
        "env_steps": last.env_steps,
        "episodes": last.episodes,
        "cost_reduction": evidence["cost"]["reduction"]["value"],
        "response_seconds": trained["response_seconds"]["value"],
        "baselines": {name: agents[name]["tool_reliability"]["value"] for name in names},
        "baseline_success": {name: agents[name]["success"]["value"] for name in names},
        "weights_sha256": evidence["weights_sha256"],
    }


def timeless(value: Any) -> Any:
    """The evidence without what was measured by a clock."""
    if isinstance(value, dict):
        return {
            k: timeless(v) for k, v in value.items() if k not in MEASURED | {"cost", "criteria"}
        }
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="?", default="customer_support")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--difficulty", default="medium")
    parser.add_argument("--repeat", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    more = dict(item.split("=", 1) for item in options.set)
    first: Progress | None = None
    for seed in range(options.seeds):
        values = {
            "scenario": options.scenario,
            "difficulty": options.difficulty,
            "seed": seed,
            **more,
        }
        config = parse_config(values)
        last, seconds = run(config)
        first = first or last
        print(json.dumps(line(config, last, seconds)), flush=True)
    if options.repeat and first is not None:
        values = {"scenario": options.scenario, "difficulty": options.difficulty, "seed": 0, **more}
        again, _ = run(parse_config(values))
        old, new = first.evidence or {}, again.evidence or {}
        same = {
            "same_weights": old["weights_sha256"] == new["weights_sha256"],
            "same_evidence": timeless(old) == timeless(new),
        }
        print(json.dumps({"scenario": options.scenario, "seed": 0, **same}), flush=True)


if __name__ == "__main__":
    main()
