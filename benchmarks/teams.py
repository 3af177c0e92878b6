"""What a team learns, and what each member is worth: `python -m benchmarks.teams team_support --seeds 3`.

Schemes of sharing rewards, and a shared or own critic, side by side: one line per scheme and seed with success on held-out
test tasks of the trained team, random calls, the untrained team, and the trained team with one member untrained or missing.
A last line per scheme holds means over seeds. `--episodes` bounds each training (about 2 minutes on 2 cores as it comes).
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

from training.rl.config import TrainConfig, parse_config
from training.rl.train import train

SCHEMES: tuple[dict[str, Any], ...] = (
    {"reward_sharing": "shared", "critic": "shared"},
    {"reward_sharing": "shared", "critic": "independent"},
    {"reward_sharing": "individual", "critic": "shared"},
    {"reward_sharing": "weighted", "critic": "shared"},
    {"reward_sharing": "competitive", "critic": "shared"},
)


def line(config: TrainConfig) -> dict[str, Any]:
    """Train, and tell what the evidence says."""
    steps, seconds = 0, 0.0
    evidence: dict[str, Any] = {}
    for progress in train(config):
        if progress.phase == "training":
            steps, seconds = progress.env_steps, progress.seconds
        evidence = progress.evidence or evidence
    agents = evidence["agents"]
    figures = ("value", "low", "high")
    return {
        "scenario": config.scenario,
        "difficulty": config.difficulty,
        "reward_sharing": config.reward_sharing,
        "critic": config.critic,
        "seed": config.seed,
        "n": evidence["tasks"],
        "attempts": evidence["attempts"],
        "env_steps": steps,
        "train_seconds": round(seconds, 1),
        "tool_reliability": round(agents["trained"]["tool_reliability"]["value"], 4),
        "success": {
            name: [round(agent["success"][key], 3) for key in figures]
            for name, agent in agents.items()
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="?", default="team_support")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--difficulty", default="medium")
    parser.add_argument("--episodes", type=int, default=8_000)
    parser.add_argument("--warm-start", type=float, default=0.4)
    parser.add_argument("--tasks", type=int, default=200, help="held-out tasks, four attempts each")
    options = parser.parse_args()
    for scheme in SCHEMES:
        found = []
        for seed in range(options.seeds):
            config = parse_config(
                {
                    "scenario": options.scenario,
                    "difficulty": options.difficulty,
                    "seed": seed,
                    "episodes": options.episodes,
                    "warm_start": options.warm_start,
                    "evaluation_tasks": options.tasks,
                    "evaluation_attempts": 4,
                    **scheme,
                }
            )
            found.append(line(config))
            print(json.dumps(found[-1]), flush=True)
        means = {
            name: round(statistics.fmean(each["success"][name][0] for each in found), 3)
            for name in found[0]["success"]
        }
        print(json.dumps({**scheme, "seeds": len(found), "mean_success": means}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
