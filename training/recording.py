"""Progress as rows: metric points with COPY, sampled episodes, and the run's own summary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection
from django.utils import timezone
from psycopg.types.json import Jsonb

from models_registry.plain_json import clean_json
from training.changes import Applied, marks
from training.models import Episode
from training.rl.progress import EpisodeRecord, Progress

KEPT_PERIODIC = 200
KEPT_SPECIAL = 100
PERIODIC = "periodic"

_POINT_COLUMNS = "(run_id, seq, episodes, env_steps, seconds, values, marks)"
_EPISODE_COLUMNS = (
    "(run_id, seq, task_id, kind, attempt, success, truncated, total_reward, reason, opening, steps, "
    "episodes_done, created_at)"
)


def has_point(progress: Progress) -> bool:
    """Whether this progress becomes a point of the charts."""
    return progress.phase == "training" and bool(progress.metrics)


def copy_points(
    run_id: int, first_seq: int, points: Sequence[Progress], applied: Applied | None = None
) -> None:
    """Write metric points in one COPY; `first_seq` is the number of the first of them. applied: changes by update."""
    rows = (
        (
            run_id,
            seq,
            p.episodes,
            p.env_steps,
            clean_json(p.seconds) or 0.0,
            Jsonb(clean_json(p.metrics)),
            Jsonb(clean_json(marks(p, applied or {}))),
        )
        for seq, p in enumerate(points, first_seq)
    )
    _copy(f"COPY training_metricpoint {_POINT_COLUMNS} FROM STDIN", rows)


def copy_episodes(
    run_id: int, first_seq: int, samples: Sequence[tuple[int, EpisodeRecord]]
) -> None:
    """Write sampled episodes, each with the number of episodes trained by then, and drop the oldest."""
    now = timezone.now()
    rows = (
        (run_id, seq, *_episode_values(sample), done, now)
        for seq, (done, sample) in enumerate(samples, first_seq)
    )
    _copy(f"COPY training_episode {_EPISODE_COLUMNS} FROM STDIN", rows)
    _prune(run_id)


def _episode_values(sample: EpisodeRecord) -> tuple[Any, ...]:
    return (
        clean_json(sample.task_id)[:200],
        clean_json(sample.kind)[:100],
        sample.attempt,
        bool(sample.success),
        bool(sample.truncated),
        clean_json(float(sample.total_reward)),
        sample.sampled_because[:50],
        clean_json(sample.opening),
        Jsonb(clean_json([step.as_json() for step in sample.steps])),
    )


def _copy(statement: str, rows: Iterator[tuple[Any, ...]]) -> None:
    # COPY is five times bulk_create on these tables, and a run writes for as long as it lives.
    # Django wraps the errors of execute(), but not those of copy().
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(statement) as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _prune(run_id: int) -> None:
    """Keep a run's episodes bounded: the newest periodic ones, and apart from them the special ones."""
    episodes = Episode.objects.filter(run_id=run_id)
    for kept, group in (
        (KEPT_PERIODIC, episodes.filter(reason=PERIODIC)),
        (KEPT_SPECIAL, episodes.exclude(reason=PERIODIC)),
    ):
        newest = group.order_by("-seq").values_list("seq", flat=True)
        too_old = next(iter(newest[kept : kept + 1]), None)
        if too_old is not None:
            group.filter(seq__lte=too_old).delete()
