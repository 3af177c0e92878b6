"""Evidence as the page shows it: verdict cards, the table of agents, interval pictures, failures, confidence, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.confidence_page import confidence_context, nearness
from training.mistakes_page import mistakes_context, parameters_context
from training.report import own_measures
from training.rl.intervals import rate
from training.team_page import team_context

AGENTS = ("trained", "untrained", "random", "keyword", "retrieval", "oracle")
MEASURES = (
    ("tool_reliability", "Tool reliability", "share"),
    ("success", "Success", "share"),
    ("pass_1", "pass^1", "share"),
    ("pass_4", "pass^4", "share"),
    ("pass_8", "pass^8", "share"),
    ("steps", "Steps", "number"),
    ("reward", "Reward", "number"),
    ("response_seconds", "Response time", "seconds"),
)
PICTURES = (("tool_reliability", "Tool reliability"), ("success", "Success: tasks solved"))
ROW, TOP, FOOT = 32, 24, 24
"""Heights in pixels; the width of a picture follows the page, so its places are percentages."""


def evidence_context(
    evidence: Mapping[str, Any], people: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Everything the evidence template needs, from the document that the trainer wrote.

    people: what people reached who played the same scenario (`scenarios.playing.human_score`).
    """
    columns = _columns(evidence)
    agents = _agents(evidence, columns)
    if people is not None:
        agents.append(_row("people", _human(people), columns))
    targets = {c.get("key"): c.get("target") for c in evidence.get("criteria", ())}
    trained = evidence.get("agents", {}).get("trained", {})
    return {
        "evidence": evidence,
        "criteria": evidence.get("criteria", ()),
        "met_count": sum(bool(c.get("met")) for c in evidence.get("criteria", ())),
        "agents": agents,
        "measures": [label for _, label, _ in columns],
        "pictures": [picture(agents, key, title, targets.get(key)) for key, title in PICTURES],
        "trained": trained,
        "failures": failure_bars(trained),
        "cost": evidence.get("cost") or {},
        "mistakes": mistakes_context(trained),
        "parameters": parameters_context(trained),
        "confidence": confidence_context(evidence),
        "differences": _differences(evidence),
        "nearness": nearness(evidence),
        "team": team_context(evidence),
    }


def _differences(evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The trained agent less each other one, with a verdict only where the interval does not hold 0."""
    agents, found = evidence.get("agents", {}), evidence.get("differences") or {}
    return [
        {
            "label": agents.get(key, {}).get("label") or key.capitalize(),
            "cells": [
                {"figure": found[key].get(name, {}), "verdict": verdict(found[key].get(name, {}))}
                for name in ("success", "tool_reliability")
            ],
        }
        for key in [key for key in AGENTS if key in found] + [k for k in found if k not in AGENTS]
    ]


def verdict(difference: Mapping[str, Any]) -> str:
    """better, worse, or nothing that the interval would support."""
    low, high = difference.get("low"), difference.get("high")
    if low is None or high is None:
        return ""
    return "better" if low > 0 else "worse" if high < 0 else "no difference shown"


def _columns(evidence: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Name, label and unit of every column: what every scenario is measured by, and its own measures after success."""
    own = [(f"own_{key}", label, "share") for key, label in own_measures(evidence).items()]
    return [*MEASURES[:2], *own, *MEASURES[2:]]


def _agents(
    evidence: Mapping[str, Any], columns: Sequence[tuple[str, str, str]]
) -> list[dict[str, Any]]:
    """Known agents in their order, then any others, each with its cells in the order of the columns."""
    found = evidence.get("agents", {})
    order = [key for key in AGENTS if key in found] + [key for key in found if key not in AGENTS]
    return [_row(key, found[key], columns) for key in order]


def _row(
    key: str, agent: Mapping[str, Any], columns: Sequence[tuple[str, str, str]]
) -> dict[str, Any]:
    return {
        "key": key,
        "label": agent.get("label") or key.capitalize(),
        "episodes": agent.get("episodes"),
        "calls": agent.get("calls"),
        "cells": [
            {"label": label, "unit": unit, "figure": figure_of(agent, name)}
            for name, label, unit in columns
        ],
        "agent": agent,
    }


def _human(people: Mapping[str, int]) -> dict[str, Any]:
    """People as one more agent. They play tasks of the same kind, each once, so every episode stands for itself."""
    tries = [1] * people["episodes"]
    wins = [1] * people["wins"] + [0] * (people["episodes"] - people["wins"])
    calls = people["calls"]
    right = [1] * people["right"] + [0] * (calls - people["right"])
    return {
        "label": f"People ({people['episodes']} other tasks)",
        "episodes": people["episodes"],
        "calls": calls,
        "tool_reliability": rate(right, [1] * calls),
        "success": rate(wins, tries),
    }


def figure_of(agent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """One measure of an agent: {value, low, high, n}; empty where it was not taken."""
    if name.startswith("pass_"):
        found = agent.get("pass_hat", {}).get(name.removeprefix("pass_"))
    elif name.startswith("own_"):
        found = agent.get("measures", {}).get(name.removeprefix("own_"))
    else:
        found = agent.get(name)
    return found if isinstance(found, Mapping) else {}


def picture(
    agents: Sequence[Mapping[str, Any]], key: str, title: str, target: float | None
) -> dict[str, Any]:
    """Geometry of a dot-and-whisker chart of one share over all agents."""
    rows: list[dict[str, Any]] = []
    for row in agents:
        figure = figure_of(row["agent"], key)
        value = figure.get("value")
        if value is None:
            continue
        low, high = figure.get("low"), figure.get("high")
        rows.append(
            {
                "key": row["key"],
                "label": row["label"],
                "figure": figure,
                "y": TOP + ROW * len(rows) + ROW // 2,
                "x": percent(value),
                "low": percent(value if low is None else low),
                "high": percent(value if high is None else high),
                "left_of": value > 0.7,
            }
        )
    return {
        "key": key,
        "title": title,
        "rows": rows,
        "height": TOP + ROW * len(rows) + FOOT,
        "bottom": TOP + ROW * len(rows),
        "top": TOP,
        "ticks": [{"x": 25 * tick, "label": f"{25 * tick} %"} for tick in range(5)],
        "target": target,
        "target_x": None if target is None else percent(target),
    }


def percent(share: float) -> float:
    """A share's place from left to right."""
    return round(100 * min(1.0, max(0.0, share)), 2)


def failure_bars(agent: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Kinds of failure, most frequent first, with each one's share of all."""
    failures = agent.get("failures") or {}
    total = sum(failures.values())
    ranked = sorted(failures.items(), key=lambda pair: -pair[1])
    return [
        {"kind": kind, "count": count, "share": count / total} for kind, count in ranked if count
    ]
