"""Settings that change while a run goes on: what waits, what took effect at which update, and what holds now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models.functions import Now

from training.models import Change, Run
from training.rl.config import SPECS
from training.rl.progress import Progress
from training.templatetags.figures import significant

Applied = Mapping[int, list[Change]]
"""Changes by the update at which they take effect."""


def config_of(run: Run, *, waiting: bool = False) -> dict[str, Any]:
    """The run's settings with all its changes. waiting: with those, too, that have not taken effect yet."""
    changes = run.changes.all() if waiting else run.changes.exclude(update=None)
    return {**run.config, **values(changes.order_by("pk"))}


def values(changes: Iterable[Change]) -> dict[str, Any]:
    """The new settings of several changes, the last one counting."""
    new: dict[str, Any] = {}
    for change in changes:
        new |= change.after
    return new


def waiting(run: Run) -> list[Change]:
    """Changes that nobody has taken in yet, oldest first."""
    return list(run.changes.filter(update=None).select_related("actor").order_by("pk"))


def recorded(run: Run, *, after: int) -> dict[int, list[Change]]:
    """Changes that an earlier start took in after update `after`: this one takes them in at the same places."""
    found: dict[int, list[Change]] = {}
    rows = run.changes.filter(update__gt=after).select_related("actor").order_by("pk")
    for change in rows:
        found.setdefault(int(change.update or 0), []).append(change)
    return found


def mark_applied(change: Change, progress: Progress) -> bool:
    """Write down when a change took effect; False where an earlier start has done so."""
    done = Change.objects.filter(pk=change.pk, update=None).update(
        update=progress.update, episodes=progress.episodes, applied_at=Now()
    )
    return bool(done)


def marks(progress: Progress, applied: Applied) -> list[dict[str, str]]:
    """What the charts shall show at this update."""
    found = [
        {
            "kind": "change",
            "text": words(change),
            "by": change.actor.get_username() if change.actor else "",
        }
        for change in applied.get(progress.update, ())
    ]
    if (stage := progress.stage_change) is not None:
        text = f"Stage {stage.before} → {stage.after}, at {stage.success:.0%} success"
        found.append({"kind": "stage", "text": text, "by": ""})
    return found


def words(change: Change) -> str:
    """Every setting of a change with its old and new value."""
    return ", ".join(
        f"{SPECS[name].label if name in SPECS else name} {significant(change.before.get(name))} → {significant(value)}"
        for name, value in change.after.items()
    )
