"""Our trainer beside Stable-Baselines3 and sb3-contrib, in turns: `python -m benchmarks.parity --seeds 5`.

One line per comparison. `zoo`: both with rl-baselines3-zoo's hyper-parameters. `best`: ours with the preset of
`agentgym train gym:<id>`, theirs with the zoo's. `reward alone`: ours on `customer_support`, sb3-contrib's MaskablePPO on
its flattened form (`_flat.py`); `warm start`: ours as it comes, with the oracle's demonstrations, which the peer has no
use for. Every training has a process of its own with one thread, and
its CPU seconds are those of learning, without imports and evaluation. Time to target: CPU seconds until the mean return
of 100 training episodes reaches Gymnasium's own threshold; None where not every seed got there.
What the peers need is in requirements-bench.txt; where it is missing, one line says `skipped`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import multiprocessing
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import gymnasium

from benchmarks import _contest
from benchmarks._contest import Zoo

PEERS = ("stable_baselines3", "sb3_contrib")
ZOO = {
    "CartPole-v1": Zoo(
        100_000, 8, 32, batch_size=256, epochs=20, discount=0.98, lam=0.8, rate=1e-3, decays=True
    ),
    "Acrobot-v1": Zoo(200_000, 16, 256, lam=0.94, normalise=True),
    "LunarLander-v3": Zoo(300_000, 16, 1024, discount=0.999, lam=0.98, entropy=0.01),
}
SUPPORT_STEPS, SUPPORT_TASKS = 100_000, 200
STEPS_PER_EPISODE = 4.8
"""Of `customer_support` at medium, about: so that the warm start has its share of the steps."""
EPISODES = 100
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}  # fmt: skip
"""Two-sided 95 % points of Student's t with n - 1 degrees of freedom, by n."""

Results = list[dict[str, Any]]


def apart(work: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Call it in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def interval(values: Sequence[float]) -> list[float] | None:
    """95 % interval of the mean over seeds."""
    if len(values) < 2:
        return None
    reach = STUDENT.get(len(values), 1.96) * statistics.stdev(values) / math.sqrt(len(values))
    middle = statistics.fmean(values)
    return [round(middle - reach, 3), round(middle + reach, 3)]


def line(env: str, setting: str, own: Results, peer: Results) -> dict[str, Any]:
    """The verdict on one comparison."""
    speeds = [statistics.median(r["steps"] / r["cpu"] for r in side) for side in (own, peer)]
    returns = [[r["return"] for r in side] for side in (own, peer)]
    return {
        "env": env,
        "setting": setting,
        "seeds": len(own),
        "steps": own[0]["steps"],
        "steps_peer": peer[0]["steps"],
        "return_ours": round(statistics.fmean(returns[0]), 3),
        "return_peer": round(statistics.fmean(returns[1]), 3),
        "ci_ours": interval(returns[0]),
        "ci_peer": interval(returns[1]),
        "steps_per_cpu_second_ours": round(speeds[0]),
        "steps_per_cpu_second_peer": round(speeds[1]),
        "steps_per_cpu_second_ratio": round(speeds[0] / speeds[1], 2),
        **_times(own, peer),
    }


def _times(own: Results, peer: Results) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, side in (("ours", own), ("peer", peer)):
        reached = [r["at"] for r in side if r["at"] is not None]
        all_there = len(reached) == len(side)
        found[f"solved_{name}"] = len(reached)
        for unit in ("cpu", "wall", "steps"):
            middle = statistics.median(at[unit] for at in reached) if all_there else None
            found[f"{unit}_to_target_{name}"] = None if middle is None else round(middle, 2)
    pair = found["cpu_to_target_ours"], found["cpu_to_target_peer"]
    found["time_to_target_ratio"] = round(pair[0] / pair[1], 3) if None not in pair else None
    return found


def judged(found: dict[str, Any]) -> dict[str, Any]:
    """The line with what was aimed at: whether it was met."""
    low, high = found["ci_ours"] or [found["return_ours"]] * 2
    speed, time = found["steps_per_cpu_second_ratio"], found["time_to_target_ratio"]
    aims: dict[str, bool] = {}
    if found["setting"] == "zoo":
        aims["return at least the peer's, within the interval"] = high >= found["return_peer"]
        aims["steps per CPU second at least 1.2x"] = speed >= 1.2
    elif found["setting"] == "best":
        aims["time to target at most 0.5x"] = time is not None and time <= 0.5
    else:
        aims["steps per CPU second at least 2x"] = speed >= 2
        aims["success higher"] = low > found["return_peer"]
    return {**found, "met": aims}


def compare_gym(env: str, seeds: int, steps: int) -> None:
    """Print the lines of one Gymnasium environment."""
    zoo = replace(ZOO[env], steps=steps or ZOO[env].steps)
    target = gymnasium.spec(env).reward_threshold
    as_zoo = {
        "steps": zoo.steps,
        "environments": zoo.environments,
        "rollout_steps": zoo.rollout_steps,
        "batch_size": zoo.batch_size,
        "update_epochs": zoo.epochs,
        "discount_factor": zoo.discount,
        "gae_lambda": zoo.lam,
        "learning_rate": zoo.rate,
        "entropy_coefficient": zoo.entropy,
    }
    sides: dict[str, Results] = {"zoo": [], "best": [], "peer": []}
    for seed in range(seeds):
        both = {"seed": seed, "evaluation_tasks": EPISODES, "steps": zoo.steps}
        sides["zoo"].append(apart(_contest.ours, env, {**as_zoo, **both}, zoo, target))
        sides["peer"].append(apart(_contest.sb3, env, zoo, seed, EPISODES, target))
        sides["best"].append(apart(_contest.ours, env, both, None, target))
        _note(env, seed, {name: side[-1] for name, side in sides.items()})
    for setting in ("zoo", "best"):
        found = judged(line(env, setting, sides[setting], sides["peer"]))
        print(json.dumps({**found, "zoo": asdict(zoo)}), flush=True)


def compare_support(seeds: int, steps: int) -> None:
    """Print the lines of the tool-use scenario."""
    steps = steps or SUPPORT_STEPS
    own: dict[str, dict[str, Any]] = {
        "reward alone": {"episodes": 10_000_000, "warm_start": 0.0},
        "warm start": {"episodes": max(1, round(steps / STEPS_PER_EPISODE))},
    }
    sides: dict[str, Results] = {"peer": [], **{name: [] for name in own}}
    for seed in range(seeds):
        for name, settings in own.items():
            told = {"seed": seed, "steps": steps, **settings}
            sides[name].append(apart(_contest.ours_on_support, told, SUPPORT_TASKS))
        sides["peer"].append(apart(_contest.maskable, steps, seed, SUPPORT_TASKS))
        _note("customer_support", seed, {name: side[-1] for name, side in sides.items()})
    for name in own:
        found = line("customer_support", name, sides[name], sides["peer"])
        print(json.dumps(judged(found)), flush=True)


def _note(env: str, seed: int, results: dict[str, dict[str, Any]]) -> None:
    print(json.dumps({"env": env, "seed": seed, **results}), file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=0, help="of each training; 0: as listed")
    parser.add_argument("--only", choices=[*ZOO, "customer_support"])
    options = parser.parse_args()
    missing = [name for name in PEERS if importlib.util.find_spec(name) is None]
    if missing:
        how = ".venv/bin/pip install --no-deps --requirement requirements-bench.txt"
        print(json.dumps({"skipped": f"{' and '.join(missing)} not installed: {how}"}))
        return 0
    for env in ZOO:
        if options.only in (None, env):
            if env.startswith("Lunar") and importlib.util.find_spec("Box2D") is None:
                print(json.dumps({"env": env, "skipped": "Box2D is not installed"}), flush=True)
            else:
                compare_gym(env, options.seeds, options.steps)
    if options.only in (None, "customer_support"):
        compare_support(options.seeds, options.steps)
    return 0


if __name__ == "__main__":
    sys.exit(main())
