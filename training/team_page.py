"""A team as the evidence page shows it: what each member did and is worth, and who handed work to whom, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WARM = (0.05, 0.2, 0.5, 0.9)
"""Hand-offs per episode at which a cell gets darker; from 1 to 5."""


def team_context(evidence: Mapping[str, Any]) -> dict[str, Any] | None:
    """Everything that the team's part of the evidence page needs; None for one agent."""
    team = evidence.get("team")
    if not isinstance(team, Mapping):
        return None
    agents = evidence.get("agents", {})
    titles = {role["name"]: role["title"] for role in team["roles"]}
    return {
        "episodes": team["episodes"],
        "looped": team["looped"],
        "roles": [
            {
                **role,
                "untrained": agents.get(f"untrained_{role['name']}", {}).get("success"),
                "without": agents.get(f"without_{role['name']}", {}).get("success"),
            }
            for role in team["roles"]
        ],
        "whole": agents.get("trained", {}).get("success"),
        "matrix": _matrix(team, titles),
        "moments": _moments(team, titles),
    }


def _matrix(team: Mapping[str, Any], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """A row per sender with a cell per receiver."""
    found = {(pair["from"], pair["to"]): pair for pair in team["handoffs"]}
    return [
        {
            "title": title,
            "cells": [
                _cell(found.get((sender, to)), titles[to], same=to == sender) for to in titles
            ],
        }
        for sender, title in titles.items()
    ]


def _cell(pair: Mapping[str, Any] | None, to: str, *, same: bool) -> dict[str, Any]:
    if pair is None:
        return {"to": to, "count": 0, "heat": 0, "same": same}
    count = pair["in_successes"] + pair["in_failures"]
    return {
        "to": to,
        "count": count,
        "per_episode": pair["per_episode"],
        "in_failures": pair["in_failures"] / count,
        "heat": _heat(pair["per_episode"]),
        "same": same,
    }


def _moments(team: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, Any]:
    """A row per pair with a cell per decision of an episode: the share of the episodes with that hand-off just there."""
    counts = {
        (pair["from"], pair["to"], number): pair["count"]
        for number, moment in enumerate(team["moments"])
        for pair in moment
    }
    pairs = sorted({(a, b) for a, b, _ in counts}, key=lambda p: [*titles].index(p[0]))
    last = max((number for _, _, number in counts), default=-1)
    total = max(1, team["episodes"])
    rows = [
        {
            "from": titles[a],
            "to": titles[b],
            "cells": [
                {"share": share, "heat": _heat(share) if share else 0}
                for number in range(last + 1)
                for share in (counts.get((a, b, number), 0) / total,)
            ],
        }
        for a, b in pairs
    ]
    return {"numbers": range(1, last + 2), "rows": rows}


def _heat(value: float) -> int:
    return 1 + sum(value >= bound for bound in WARM)
