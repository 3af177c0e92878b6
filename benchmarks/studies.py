"""What studies cost and what they bring: `python -m benchmarks.studies` (or `--only importance,kill`).

- importance: real trainings of `echo` by reward alone, with one setting that does nothing (`sharing_weight` is for
  teams). It has to come last.
- samplers: TPE against random search on a function that costs nothing, 5 seeds; the best value after equal trials.
- pruning: the same trials (random search with one seed) with and without a pruner, real trainings of `echo`.
- overhead: seconds that a trial takes beyond its run: asking, looking, telling, in PostgreSQL.
- workers: the same study with one Celery worker and with two.
- kill: training processes and workers killed, Redis and PostgreSQL restarted; the study must end as the undisturbed one.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from training.tuning.config import parse_study
from training.tuning.optimizer import Finished, HyperparameterOptimizer
from training.tuning.space import Params

ECHO: dict[str, Any] = {
    "episodes": 600, "warm_start": 0, "rollout_steps": 4, "collectors": 1, "environments": 16,
    "batch_size": 64,
}  # fmt: skip
SPACE: dict[str, Any] = {
    "learning_rate": {"low": 1e-4, "high": 3e-2, "log": True},
    "entropy_coefficient": {"low": 1e-4, "high": 0.3, "log": True},
}
SEEDS = 5


def proxy(params: Params) -> float:
    """A response of the usual shape: a ridge in learning rate and batch size, a weak discount, one dummy. Best: 0."""
    rate, batch = math.log10(float(params["learning_rate"])), math.log2(float(params["batch_size"]))
    ridge = rate + 2.5 - 0.3 * (batch - 8)
    discount = (float(params["discount_factor"]) - 0.97) / 0.1
    return -(ridge**2) - 0.05 * (batch - 8) ** 2 - 0.3 * discount**2


PROXY_SPACE: dict[str, Any] = {
    "learning_rate": {"low": 1e-5, "high": 1e-1, "log": True},
    "batch_size": {"low": 16, "high": 4_096, "log": True},
    "discount_factor": {"low": 0.9, "high": 0.999},
    "sharing_weight": {"low": 0.0, "high": 1.0},
}


def three_of_four(params: Params) -> float:
    """Three settings that matter alike, each over its whole range, and one that does not."""
    rate = (math.log10(float(params["learning_rate"])) + 5) / 4
    batch = (math.log2(float(params["batch_size"])) - 4) / 8
    discount = (float(params["discount_factor"]) - 0.9) / 0.099
    return -((rate - 0.3) ** 2) - (batch - 0.6) ** 2 - (discount - 0.5) ** 2


def samplers(trials: int) -> dict[str, Any]:
    from training.tuning.search import Search

    found: dict[str, Any] = {}
    for sampler in ("random", "tpe"):
        best = []
        for seed in range(SEEDS):
            values = {"scenario": "echo", "space": PROXY_SPACE, "sampler": sampler, "seed": seed}
            search = Search(parse_study({**values, "trials": trials}))
            top = -math.inf
            for _ in range(trials):
                asked = search.ask()
                if asked is None:
                    break
                value = proxy(asked.params)
                search.tell(asked.number, "complete", [value])
                top = max(top, value)
            best.append(top)
        found[sampler] = {
            "median_best": round(median(best), 4),
            "best_by_seed": [round(b, 4) for b in best],
        }
    return {"measure": "samplers", "trials": trials, "seeds": SEEDS, **found}


def _dummy_last(trials: int, seeds: int) -> int:
    """Of so many seeds, those in which the dummy of `three_of_four` came last after so many random trials."""
    from training.tuning.search import Search

    last = 0
    for seed in range(seeds):
        values = {"scenario": "echo", "space": PROXY_SPACE, "sampler": "random", "seed": seed}
        search = Search(parse_study({**values, "trials": trials}))
        for _ in range(trials):
            if (asked := search.ask()) is not None:
                search.tell(asked.number, "complete", [three_of_four(asked.params)])
        last += list(search.importance()["success"])[-1] == "sharing_weight"
    return last


def importance(trials: int) -> dict[str, Any]:
    space = {**SPACE, "sharing_weight": {"low": 0.0, "high": 1.0}}
    optimizer = HyperparameterOptimizer(
        "echo", space, settings=ECHO, trials=trials, sampler="random", score_tasks=100
    )
    began = time.monotonic()
    done = list(optimizer.run())
    shares = optimizer.importance().get("success", {})
    return {
        "measure": "importance",
        "trials": len(done),
        "complete": sum(one.outcome == "complete" for one in done),
        "shares": {name: round(share, 4) for name, share in shares.items()},
        "dummy_last": bool(shares) and list(shares)[-1] == "sharing_weight",
        "seconds": round(time.monotonic() - began),
        "function": {f"last_of_20_after_{n}": _dummy_last(n, 20) for n in (20, 50, 100)},
    }


def _cpu_seconds() -> float:
    """Processor time of this process and of its children that have ended: what a loaded machine does not stretch."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def pruning(trials: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pruner in ("none", "median", "hyperband"):
        began, cpu = time.monotonic(), _cpu_seconds()
        optimizer = HyperparameterOptimizer(
            "echo", SPACE, settings=ECHO, trials=trials, sampler="random", pruner=pruner, reports=4,
            startup=4, score_tasks=100,
        )  # fmt: skip
        done = list(optimizer.run())
        found[pruner] = _pruned(done) | {
            "seconds": round(time.monotonic() - began, 1),
            "cpu_seconds": round(_cpu_seconds() - cpu, 1),
        }
    for pruner in ("median", "hyperband"):
        for clock in ("seconds", "cpu_seconds"):
            saved = 1 - found[pruner][clock] / found["none"][clock]
            found[pruner][f"{clock}_saved"] = round(saved, 3)
        found[pruner]["same_best"] = found[pruner]["best"] == found["none"]["best"]
    return {"measure": "pruning", "trials": trials, **found}


def _pruned(done: list[Finished]) -> dict[str, Any]:
    values = [one.values[0] for one in done if one.values]
    return {
        "pruned": sum(one.outcome == "pruned" for one in done),
        "best": max(values, default=None),
        "looks": sum(len(one.looks) for one in done),
    }


def overhead(trials: int) -> dict[str, Any]:
    """On PostgreSQL: a trial that is asked for, looked at eight times and told, by TPE, as the study grows."""
    from benchmarks._studies_site import begin, servers
    from training.tuning.search import Asked

    spent: dict[str, list[float]] = {
        "open": [],
        "ask": [],
        "look": [],
        "tell": [],
        "importance": [],
    }
    with servers():
        from training.studies_storage import opened_search

        plan = {"sampler": "tpe", "pruner": "median", "space": PROXY_SPACE, "settings": {}}
        study = begin(**plan, trials=trials)

        def timed(name: str, work: Callable[[], Any]) -> Any:
            began = time.perf_counter()
            result = work()
            spent[name].append(time.perf_counter() - began)
            return result

        with opened_search(study):
            pass  # Optuna's tables are made once
        for _ in range(trials):
            began = time.perf_counter()
            with opened_search(study) as search:
                spent["open"].append(time.perf_counter() - began)
                asked: Asked = timed("ask", search.ask)
                value = proxy(asked.params)
                for step in range(1, 9):
                    timed("look", partial(search.report, asked.number, step, value))
                timed("tell", partial(search.tell, asked.number, "complete", [value]))
                timed("importance", search.importance)
    each = {name: round(1000 * median(values), 1) for name, values in spent.items()}
    # A run opens the storage once, and the step before and after it once each.
    total = 3 * each["open"] + each["ask"] + 8 * each["look"] + each["tell"] + each["importance"]
    return {
        "measure": "overhead",
        "trials": trials,
        "milliseconds": each,
        "milliseconds_per_trial": round(total, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def workers(trials: int) -> dict[str, Any]:
    from benchmarks._studies_site import servers, workers_line

    with servers():
        return workers_line(trials)


def kill(trials: int) -> dict[str, Any]:
    from benchmarks._studies_site import kill_line, servers

    with servers():
        return kill_line(trials, kills=trials // 2 + 1, seed=0)


MEASURES: dict[str, tuple[Callable[[int], dict[str, Any]], int]] = {
    "samplers": (samplers, 50),
    "overhead": (overhead, 50),
    "importance": (importance, 40),
    "pruning": (pruning, 30),
    "workers": (workers, 8),
    "kill": (kill, 12),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(MEASURES), help=f"of {', '.join(MEASURES)}")
    parser.add_argument("--trials", type=int, default=0, help="instead of each measure's own")
    arguments = parser.parse_args()
    wanted = arguments.only.split(",")
    if unknown := set(wanted) - MEASURES.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    failed = False
    for name in wanted:
        measure, trials = MEASURES[name]
        line = measure(arguments.trials or trials)
        print(json.dumps(line), flush=True)
        failed |= name == "kill" and not (line["same_as_undisturbed"] and not line["stuck"])
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
