"""Runs in the admin: to look at. Stopping is a service; nothing here goes round the state machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from scenarios.admin import LookOnly
from training.models import Change, Checkpoint, Episode, MetricPoint, Run, RunEvent
from training.studies_models import Study, Trial, TrialRun

if TYPE_CHECKING:
    _EventInline = admin.TabularInline[RunEvent, Run]
else:  # Django's admin classes take no type arguments at run time
    _EventInline = admin.TabularInline


class EventInline(_EventInline):
    """What happened to the run, tracebacks included."""

    model = RunEvent
    fields = readonly_fields = ("at", "kind", "actor", "detail")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Run)
class RunAdmin(LookOnly):
    """One row a run, its events below."""

    list_display = (
        "id",
        "scenario",
        "difficulty",
        "owner",
        "status",
        "episodes_done",
        "attempt",
        "created_at",
    )
    list_filter = ("status", "scenario", "difficulty", "algorithm")
    search_fields = ("=id", "owner__username", "scenario__key", "failure")
    date_hierarchy = "created_at"
    list_select_related = ("owner", "scenario")
    inlines = (EventInline,)


@admin.register(MetricPoint)
class MetricPointAdmin(LookOnly):
    """Metric points."""

    list_display = ("run", "seq", "episodes", "env_steps", "seconds")
    search_fields = ("=run__id",)
    list_select_related = ("run",)


@admin.register(Episode)
class EpisodeAdmin(LookOnly):
    """Sampled episodes."""

    list_display = ("run", "seq", "kind", "task_id", "success", "total_reward", "reason")
    list_filter = ("success", "reason", "kind")
    search_fields = ("=run__id", "task_id", "opening")
    list_select_related = ("run",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Episode]:
        return super().get_queryset(request).defer("steps")


@admin.register(Checkpoint)
class CheckpointAdmin(LookOnly):
    """Places from which runs can go on."""

    list_display = ("run", "episodes", "update", "last_seq", "created_at")
    search_fields = ("=run__id", "name", "sha256")
    list_select_related = ("run",)


@admin.register(Change)
class ChangeAdmin(LookOnly):
    """Settings that were changed while runs went on."""

    list_display = ("run", "before", "after", "actor", "asked_at", "update", "applied_at")
    search_fields = ("=run__id", "actor__username")
    list_select_related = ("run", "actor")


@admin.register(RunEvent)
class RunEventAdmin(LookOnly):
    """The log of all runs."""

    list_display = ("run", "kind", "actor", "at")
    list_filter = ("kind",)
    search_fields = ("=run__id", "actor__username", "kind")
    date_hierarchy = "at"
    list_select_related = ("run", "actor")


@admin.register(Study)
class StudyAdmin(LookOnly):
    """Searches for good settings."""

    list_display = ("id", "name", "scenario", "owner", "status", "created_at")
    list_filter = ("status", "scenario")
    search_fields = ("=id", "name", "owner__username")
    list_select_related = ("scenario", "owner")


@admin.register(Trial)
class TrialAdmin(LookOnly):
    """What studies have tried."""

    list_display = ("study", "number", "confirms", "status", "values", "params")
    list_filter = ("status",)
    search_fields = ("=study__id", "failure")
    list_select_related = ("study", "confirms")


@admin.register(TrialRun)
class TrialRunAdmin(LookOnly):
    """Which run belongs to which trial."""

    list_display = ("trial", "place", "run", "pruned", "scores")
    search_fields = ("=trial__study__id", "=run__id")
    list_select_related = ("trial", "run")
