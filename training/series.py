"""A run's metric points for its charts: what the page embeds, and what a browser asks for after a gap."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Mod

from training.models import MetricPoint, Run

SHOWN = ("tool_reliability", "tool_reliability_low", "tool_reliability_high", "success", "reward")
EMBEDDED = 2_000
BATCH = 5_000
_PATHS = tuple(f"values__{name}" for name in SHOWN)


def embedded_points(run: Run) -> dict[str, Any]:
    """Up to `EMBEDDED` points over the whole run, with the newest one; `stride` says how many stand for one."""
    stride = max(1, -(-run.last_seq // EMBEDDED))
    rows = run.points.order_by("seq")
    if stride > 1:
        rows = rows.annotate(rest=Mod(F("seq"), stride)).filter(Q(rest=0) | Q(seq=run.last_seq))
    points = _as_json(rows)
    return {"points": points, "stride": stride, "seq": _last(points, 0), "attempt": run.attempt}


def points_since(run: Run, since: int) -> dict[str, Any]:
    """The next `BATCH` points after `since`; `more` says that there are further ones."""
    points = _as_json(run.points.filter(seq__gt=since).order_by("seq")[: BATCH + 1])
    more, points = len(points) > BATCH, points[:BATCH]
    return {
        "run": run.pk,
        "attempt": run.attempt,
        "active": run.is_active,
        "seq": _last(points, since),
        "more": more,
        "points": points,
    }


def _last(points: list[dict[str, Any]], otherwise: int) -> int:
    return points[-1]["seq"] if points else otherwise


def _as_json(rows: QuerySet[MetricPoint]) -> list[dict[str, Any]]:
    return [
        {
            "seq": seq,
            "episodes": episodes,
            "seconds": seconds,
            "values": dict(zip(SHOWN, values, strict=True)),
        }
        for seq, episodes, seconds, *values in rows.values_list(
            "seq", "episodes", "seconds", *_PATHS
        )
    ]
