"""Scenarios in the admin: to look at, because their code is the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from scenarios.models import Document, Play, Scenario

if TYPE_CHECKING:
    _AnyAdmin = admin.ModelAdmin[Any]
else:  # Django's admin classes take no type arguments at run time
    _AnyAdmin = admin.ModelAdmin


class LookOnly(_AnyAdmin):
    """Rows that only code and services write: nothing can be added, changed or deleted in the admin."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Scenario)
class ScenarioAdmin(LookOnly):
    """Scenarios; a built-in one's row is written from its code at migration."""

    list_display = ("title", "key", "version", "builtin", "short_hash", "updated_at")
    list_filter = ("builtin",)
    search_fields = ("key", "title", "description", "owner__username")

    @admin.display(description="content hash")
    def short_hash(self, scenario: Scenario) -> str:
        return scenario.content_hash[:12]


@admin.register(Document)
class DocumentAdmin(LookOnly):
    """What brought scenarios were, edition by edition."""

    list_display = ("content_hash", "created_at")
    search_fields = ("content_hash",)


@admin.register(Play)
class PlayAdmin(LookOnly):
    """Episodes that people have played."""

    list_display = (
        "id",
        "scenario",
        "player",
        "difficulty",
        "success",
        "calls",
        "right_calls",
        "ended_at",
    )
    list_filter = ("success", "difficulty", "scenario")
    search_fields = ("player__username", "scenario__key")
    list_select_related = ("scenario", "player")
