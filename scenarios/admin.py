"""Scenarios in the admin: to look at, because their code is the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from scenarios.models import Scenario

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
    search_fields = ("key", "title", "description")

    @admin.display(description="content hash")
    def short_hash(self, scenario: Scenario) -> str:
        return scenario.content_hash[:12]
