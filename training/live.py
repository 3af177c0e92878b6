"""What a watcher of a run is sent: points from the database, fragments from the page's own templates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.template.loader import render_to_string

from training.models import MetricPoint, Run

MOST_POINTS = 2_000
"""Points in one frame or one answer; who has fewer asks again with the last number."""

Point = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a watcher has followed a run: start number, point number, and the fragments it shows."""

    attempt: int = 0
    seq: int = 0
    status: str = ""
    episode: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """What happened to a run between two marks, read once for everybody who watches."""

    run: int
    since: Mark
    mark: Mark
    points: Sequence[Point] = ()

    def frames(self, seen: Mark) -> list[str] | None:
        """The frames that bring a watcher from `seen` to `mark`; None where it lacks points that are not in here."""
        known = seen.seq if seen.attempt in (0, self.mark.attempt) else 0
        start = self.since.seq if self.since.attempt == self.mark.attempt else 0
        if known < start:
            return None
        frames = []
        if points := [point for point in self.points if point["seq"] > known]:
            frames.append(_points_frame(self.run, self.mark.attempt, points))
        for kind, html, shown in (
            ("status", self.mark.status, seen.status),
            ("episode", self.mark.episode, seen.episode),
        ):
            if html != shown:
                frames.append(_frame(kind, self.run, html=html))
        return frames


def points_after(run_id: int, since: int, *, limit: int = MOST_POINTS) -> list[Point]:
    """Up to `limit` points with a number above `since`, in order."""
    rows = MetricPoint.objects.filter(run_id=run_id, seq__gt=since).order_by("seq")
    return [
        dict(row) for row in rows.values("seq", "episodes", "seconds", "values", "marks")[:limit]
    ]


def read_news(run_id: int, since: Mark) -> News | None:
    """What is new since the mark; None where the run is gone. A new attempt starts its points from the beginning."""
    run = (
        Run.objects.select_related("scenario", "version__model", "owner").filter(pk=run_id).first()
    )
    if run is None:
        return None
    # A watcher that comes with a number but no attempt (a reloaded page) means the present attempt.
    after = since.seq if since.attempt in (0, run.attempt) else 0
    points = points_after(run_id, after)
    mark = Mark(
        run.attempt,
        points[-1]["seq"] if points else after,
        render_to_string("training/_run_status.html", {"run": run}),
        render_to_string("training/_current_episode.html", {"run": run}),
    )
    return News(run_id, replace(since, attempt=run.attempt, seq=after), mark, points)


def _points_frame(run_id: int, attempt: int, points: Sequence[Point]) -> str:
    return _frame("points", run_id, attempt=attempt, seq=points[-1]["seq"], points=points)


def _frame(kind: str, run_id: int, **content: Any) -> str:
    return json.dumps({"type": kind, "run": run_id, **content})
