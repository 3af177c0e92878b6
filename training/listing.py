"""Lists of runs: what the query string wishes for, and rows that carry no big JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce
from django.http import QueryDict

from models_registry.models import Version
from training.models import Run, RunQuerySet

POINTS_FIELDS = ("pk", "attempt", "status", "last_seq")
_BIG = ("config", "evidence", "latest_metrics", "scenario__card", "scenario__description")
_TRAINED = "evidence__agents__trained"
SORTS = {
    "created": ("Started", "created_at"),
    "scenario": ("Scenario", "scenario__title"),
    "reliability": ("Tool reliability", "reliability"),
    "success": ("Success", "success"),
    "episodes": ("Episodes", "episodes_done"),
    "duration": ("Training time", "train_seconds"),
}
BEST = 6


@dataclass(frozen=True, slots=True)
class Wish:
    """What a list of runs shall show; unknown values in the query string are ignored."""

    status: str = ""
    scenario: str = ""
    sort: str = "-created"

    @classmethod
    def of(cls, query: QueryDict) -> Wish:
        status, sort = query.get("status", ""), query.get("sort", "")
        scenario = query.get("scenario", "").replace("\0", "")
        return cls(
            status=status if status in Run.Status.values else "",
            scenario=scenario[:100],
            sort=sort if sort.removeprefix("-") in SORTS else "-created",
        )

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves runs out."""
        return bool(self.status or self.scenario)


def rows(runs: RunQuerySet) -> RunQuerySet:
    """Runs for a list: reliability and success of the evidence, or else of the training so far."""
    found: RunQuerySet = (
        runs.select_related("scenario", "owner")
        .defer(*_BIG)
        .annotate(
            examined=F(f"{_TRAINED}__tool_reliability__value"),
            reliability=Coalesce(
                F(f"{_TRAINED}__tool_reliability__value"), F("latest_metrics__tool_reliability")
            ),
            success=Coalesce(F(f"{_TRAINED}__success__value"), F("latest_metrics__success")),
        )
    )
    return found


def chosen(runs: RunQuerySet, wish: Wish) -> RunQuerySet:
    """Filtered and sorted rows; runs without a value stand last."""
    if wish.status:
        runs = runs.filter(status=wish.status)
    if wish.scenario:
        runs = runs.filter(scenario__key=wish.scenario)
    column = F(SORTS[wish.sort.removeprefix("-")][1])
    order = (
        column.desc(nulls_last=True) if wish.sort.startswith("-") else column.asc(nulls_last=True)
    )
    return rows(runs).order_by(order, "-pk")


def columns(wish: Wish) -> list[dict[str, Any]]:
    """Heads of the sortable columns: label, the sort that a click asks for, and `aria-sort`."""
    heads = []
    for key, (label, _) in SORTS.items():
        falling, rising = wish.sort == f"-{key}", wish.sort == key
        heads.append(
            {
                "key": key,
                "label": label,
                "next": key if falling else f"-{key}",
                "aria": "descending" if falling else "ascending" if rising else "none",
            }
        )
    return heads


def best_versions(user: User) -> QuerySet[Version]:
    """Of each scenario the version whose tool reliability has the highest lower end."""
    trained = "evidence__agents__trained"
    return (
        Version.objects.visible_to(user)
        .select_related("model__scenario")
        .defer("manifest", "evidence", "model__scenario__card", "model__scenario__description")
        .annotate(
            reliability=F(f"{trained}__tool_reliability"),
            success=F(f"{trained}__success"),
            difficulty=KT("evidence__difficulty"),
        )
        .filter(**{f"{trained}__tool_reliability__low__gt": 0})
        .order_by("model__scenario_id", F(f"{trained}__tool_reliability__low").desc(), "-pk")
        .distinct("model__scenario_id")[:BEST]
    )
