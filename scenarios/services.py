"""Writes to the catalogue of scenarios."""

from __future__ import annotations

from django.db import transaction

from scenarios.library import library
from scenarios.models import Scenario


@transaction.atomic
def sync_builtin_scenarios() -> list[Scenario]:
    """Write every built-in scenario's row from its code; rows of others stay as they are.

    A built-in scenario whose code is gone keeps its row (runs point at it) but is no longer built in.
    """
    rows = [_write(key) for key in library.keys()]  # noqa: SIM118 (a registry is no mapping)
    gone = Scenario.objects.filter(builtin=True).exclude(pk__in=[row.pk for row in rows])
    gone.update(builtin=False)
    return rows


def _write(key: str) -> Scenario:
    scenario = library.get(key)()
    title, description = library.about(key)
    head, _, subtitle = title.partition(": ")
    subtitle = subtitle[:1].upper() + subtitle[1:]
    card = scenario.as_json()
    values = {
        "title": head,
        "description": "\n\n".join(
            part for part in (subtitle and f"{subtitle}.", description) if part
        ),
        "version": scenario.version,
        "content_hash": card["content_hash"],
        "card": card,
        "builtin": True,
    }
    row, _created = Scenario.objects.update_or_create(key=key, defaults=values)
    return row
