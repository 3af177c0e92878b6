"""A run's metric points for its charts: what the page embeds, and what a browser asks for after a gap."""

from __future__ import annotations

from typing import Any

from django.db.models import F, FloatField, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Mod

from training.models import MetricPoint, Run

SHOWN = ("tool_reliability", "tool_reliability_low", "tool_reliability_high", "success", "reward")
COLUMNS = ("seq", "episodes", "seconds", *SHOWN)
EMBEDDED = 1_500
"""More points than a chart has pixels would only make the page slower."""
BATCH = 5_000
IN_TABLE = 20

Row = tuple[Any, ...]


def embedded_points(run: Run) -> dict[str, Any]:
    """Up to `EMBEDDED` points over the whole run, with the newest one; `stride` says how many stand for one.

    Columns take a third of the bytes that objects would. `table`: a few of the points for reading.
    """
    stride = max(1, -(-run.last_seq // EMBEDDED))
    points = run.points.all()
    if stride > 1:
        points = points.annotate(rest=Mod(F("seq"), stride))
        points = points.filter(Q(rest=0) | Q(seq=run.last_seq))
    rows = list(_rows(points))
    every = max(1, len(rows) // IN_TABLE)
    return {
        "data": {
            "columns": {name: [row[n] for row in rows] for n, name in enumerate(COLUMNS)},
            "attempt": run.attempt,
            "marks": (marks := marks_of(run)),
        },
        "marks": marks,
        "table": [dict(zip(COLUMNS, row, strict=True)) for row in rows[::-1][::every][::-1]],
        "stride": stride,
        "shown": len(rows),
    }


def marks_of(run: Run) -> list[dict[str, Any]]:
    """What the charts mark, in order: changed settings and new stages, each with its place."""
    marked = run.points.exclude(marks=[]).order_by("seq")
    return [
        {"episodes": episodes, "seconds": seconds, **mark}
        for episodes, seconds, marks in marked.values_list("episodes", "seconds", "marks")
        for mark in marks
    ]


def points_since(run: Run, since: int) -> dict[str, Any]:
    """The next `BATCH` points after `since`; `more` says that there are further ones."""
    rows = list(_rows(run.points.filter(seq__gt=since))[: BATCH + 1])
    more, rows = len(rows) > BATCH, rows[:BATCH]
    marked = dict(run.points.filter(seq__gt=since).exclude(marks=[]).values_list("seq", "marks"))
    return {
        "run": run.pk,
        "attempt": run.attempt,
        "active": run.is_active,
        "seq": rows[-1][0] if rows else since,
        "more": more,
        "points": [
            {
                "seq": seq,
                "episodes": episodes,
                "seconds": seconds,
                "values": dict(zip(SHOWN, values, strict=True)),
                "marks": marked.get(seq, []),
            }
            for seq, episodes, seconds, *values in rows
        ],
    }


def _rows(points: QuerySet[MetricPoint]) -> QuerySet[MetricPoint, Row]:
    """Tuples in the order of `COLUMNS`; a cast in SQL is quicker than JSON read in Python."""
    figures = {name: Cast(KT(f"values__{name}"), FloatField()) for name in SHOWN}
    found: QuerySet[MetricPoint, Row] = (
        points.order_by("seq").annotate(**figures).values_list(*COLUMNS)
    )
    return found
