"""Evidence: every figure of a run's end, with n and a 95 % interval, computed from what happened on held-out tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.core.scenario import Measure
from scenarios.core.types import Json
from training.rl import calibration
from training.rl.comparison import METHOD, compare_counts, detectable
from training.rl.cost import DEFAULT_PRICES, apply_prices, cost_section
from training.rl.intervals import mean, pass_hat, rate, ratio
from training.rl.leaks import leak_facts

if TYPE_CHECKING:
    from training.rl.exam import Exam, Tally

PASS_K = (1, 2, 4, 8)


def build(
    exam: Exam,
    tallies: Mapping[str, Tally],
    told: Mapping[str, Json],
    calibrated: Mapping[str, Json],
    attempts: Mapping[str, int] | None = None,
) -> dict[str, Json]:
    """The evidence document; its shape is documented in `docs/architecture.md`.

    told: facts that are passed on as they are (seed, weights_sha256, convergence). calibrated: `calibration.fit_facts`.
    attempts: of agents that attempted each task less often than the exam says.
    """
    tries = {name: (attempts or {}).get(name, exam.attempts) for name in tallies}
    counts = {name: _per_task(tally, exam.tasks) for name, tally in tallies.items()}
    agents = {
        name: _agent(tally, replace(exam, attempts=tries[name]), counts[name])
        for name, tally in tallies.items()
    }
    trained, oracle = tallies["trained"], tallies["oracle"]
    cost = cost_section(
        input_tokens=oracle.tokens_in,
        output_tokens=oracle.tokens_out,
        llm_successes=oracle.success,
        policy_seconds=agents["trained"]["decision_seconds"]["value"] or 0.0,
        policy_successes={
            task: (count, exam.attempts) for task, count in enumerate(counts["trained"]["success"])
        },
    )
    agents["trained"]["tokens_per_success"] = 0.0
    document: dict[str, Any] = {
        "scenario": exam.scenario.key,
        "scenario_version": exam.scenario.version,
        "content_hash": exam.scenario.content_hash(),
        "difficulty": exam.difficulty,
        "split": exam.split,
        "held_out": _held_out(exam),
        "first_seed": exam.first_seed,
        "tasks": exam.tasks,
        "attempts": exam.attempts,
        **told,
        "confidence": 0.95,
        "agents": agents,
        "criteria": _criteria(exam, agents["trained"]),
        "cost": cost,
        "differences": _differences(counts, tries),
        "detectable": _detectable(agents["trained"]),
        "calibration": calibration.section(calibrated, trained.decided, exam.tasks),
        "leaks": leak_facts(exam.scenario, exam.split),
    }
    agents["trained"]["per_task"] = counts["trained"]
    if trained.confusion is not None:
        agents["trained"]["confusion"] = trained.confusion.as_json(trained.kept)
        agents["trained"]["parameters"] = trained.confusion.parameters_as_json()
    return apply_prices(document, DEFAULT_PRICES)


def _differences(counts: Mapping[str, Any], attempts: Mapping[str, int]) -> dict[str, Json]:
    """The trained policy less each other agent, task by task."""
    return {
        name: compare_counts(counts["trained"], other, (attempts["trained"], attempts[name]))
        for name, other in counts.items()
        if name != "trained"
    }


def _detectable(trained: Mapping[str, Any]) -> dict[str, Json]:
    return {
        **METHOD,
        **{name: detectable(trained[name]) for name in ("success", "tool_reliability")},
    }


def _per_task(tally: Tally, tasks: int) -> dict[str, list[int]]:
    """Successes, calls and right calls of every task: what a comparison of two versions starts from."""
    named = (("success", tally.success), ("calls", tally.calls), ("right", tally.right))
    return {
        name: np.bincount(tally.task, np.asarray(values, dtype=float), tasks).astype(int).tolist()
        for name, values in named
    }


def _agent(tally: Tally, exam: Exam, counts: Mapping[str, list[int]]) -> dict[str, Any]:
    wins, calls = counts["success"], counts["calls"]
    tries = np.full(exam.tasks, exam.attempts)
    decision = mean(tally.decision_seconds, tally.timed_tasks)
    tools = mean(tally.tool_seconds, tally.task)
    return {
        "label": tally.label,
        "episodes": len(tally.task),
        "calls": int(sum(tally.calls)),
        "tool_reliability": rate(counts["right"], calls),
        "success": rate(wins, tries),
        "pass_hat": {
            str(k): pass_hat(wins, exam.attempts, k) for k in PASS_K if k <= exam.attempts
        },
        "calls_per_success": ratio(calls, wins),
        "steps": mean(tally.steps, tally.task),
        "reward": mean(tally.reward, tally.task),
        "decision_seconds": decision,
        "tool_seconds": tools,
        "response_seconds": _sum(decision, tools),
        "tokens_per_success": None,
        "cost_per_success": None,
        "measures": {m.key: _measured(tally, exam.tasks, m.key) for m in exam.scenario.measures},
        "failures": dict(sorted(tally.failures.items())),
    }


def _measured(tally: Tally, tasks: int, key: str) -> dict[str, Json]:
    """One of the scenario's own measures: what its worlds counted, over all that there was to count."""
    counted, total = np.zeros(tasks), np.zeros(tasks)
    for task, found in tally.measured:
        if key in found:
            counted[task] += found[key][0]
            total[task] += found[key][1]
    return rate(counted, total)


def _sum(a: dict[str, Json], b: dict[str, Json]) -> dict[str, Json]:
    """Sum of two independent means; half-widths add in quadrature."""
    if a["value"] is None or b["value"] is None:
        return {"value": None, "low": None, "high": None, "n": 0}
    half = sum((x["high"] - x["value"]) ** 2 for x in (a, b) if x["high"] is not None) ** 0.5
    middle = a["value"] + b["value"]
    return {"value": middle, "low": middle - half, "high": middle + half, "n": b["n"]}


def _held_out(exam: Exam) -> bool:
    return exam.scenario.held_out and exam.split != "train"


def _criteria(exam: Exam, trained: Mapping[str, Any]) -> list[dict[str, Json]]:
    """The scenario's success criteria. A rate is met when the lower end of its interval is, a time when the upper is.

    None is met on tasks that were trained on: they prove nothing.
    """
    judged = _judged(exam, trained)
    return judged if _held_out(exam) else [{**each, "met": False} for each in judged]


def _judged(exam: Exam, trained: Mapping[str, Any]) -> list[dict[str, Json]]:
    wanted, measures = exam.scenario.criteria, exam.scenario.measures
    reliability, response = trained["tool_reliability"], trained["response_seconds"]
    return [
        {
            "key": "tool_reliability",
            "label": "Tool reliability",
            "unit": "share",
            "target": wanted.tool_reliability,
            **reliability,
            "met": reliability["low"] is not None and reliability["low"] >= wanted.tool_reliability,
        },
        {
            "key": "cost_reduction",
            "label": "Cost saved against an LLM loop",
            "unit": "share",
            "target": wanted.cost_reduction,
            "met": False,
        },
        {
            "key": "response_time",
            "label": "Mean response time",
            "unit": "seconds",
            "target": wanted.response_seconds,
            **response,
            "at_most": True,
            "met": response["high"] is not None and response["high"] <= wanted.response_seconds,
        },
        *(_criterion(measure, trained["measures"][measure.key]) for measure in measures),
    ]


def _criterion(measure: Measure, figure: Mapping[str, Any]) -> dict[str, Json]:
    """The scenario's own criterion; a share that has to stay low is met when the upper end of its interval is."""
    end = figure["high" if measure.at_most else "low"]
    met = end is not None and (end <= measure.target if measure.at_most else end >= measure.target)
    return {
        **measure.as_json(),
        "unit": "share",
        **figure,
        "met": met,
    }
