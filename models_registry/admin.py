"""The registry in the admin: versions to look at, prices to edit, tokens to revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from models_registry.models import ApiToken, Model, Price, Usage, Version
from scenarios.admin import LookOnly

if TYPE_CHECKING:
    _PriceAdmin = admin.ModelAdmin[Price]
else:  # Django's admin classes take no type arguments at run time
    _PriceAdmin = admin.ModelAdmin


@admin.register(Model)
class ModelAdmin(LookOnly):
    """Names of trained models."""

    list_display = ("name", "owner", "scenario", "created_at")
    list_filter = ("scenario",)
    search_fields = ("name", "owner__username")
    list_select_related = ("owner", "scenario")


@admin.register(Version)
class VersionAdmin(LookOnly):
    """Versions with their evidence and manifest."""

    list_display = ("__str__", "owner", "size_bytes", "short_hash", "created_at", "deleted_at")
    list_filter = ("model__scenario", ("deleted_at", admin.EmptyFieldListFilter))
    search_fields = ("model__name", "model__owner__username", "sha256")
    list_select_related = ("model__owner",)

    @admin.display(description="owner")
    def owner(self, version: Version) -> str:
        return version.model.owner.get_username()

    @admin.display(description="sha256")
    def short_hash(self, version: Version) -> str:
        return version.sha256[:12]


@admin.register(Price)
class PriceAdmin(_PriceAdmin):
    """The price book; finished evidence keeps the prices that it was computed with."""

    list_display = ("model", "input_per_million", "output_per_million", "as_of", "is_reference")
    list_filter = ("is_reference",)
    search_fields = ("model",)


@admin.register(ApiToken)
class ApiTokenAdmin(LookOnly):
    """Tokens can be revoked, never read: only a digest exists."""

    list_display = ("name", "owner", "prefix", "created_at", "last_used_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "prefix", "owner__username")
    exclude = ("digest",)
    actions = ("revoke",)

    @admin.action(description="Revoke the selected tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        count = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"{count} token(s) revoked.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("models_registry.change_apitoken")


@admin.register(Usage)
class UsageAdmin(LookOnly):
    """What versions decided over HTTP, day by day."""

    list_display = ("version", "day", "decided", "forwarded", "prompt_tokens", "completion_tokens")
    list_filter = ("day",)
    search_fields = ("version__model__name",)
    list_select_related = ("version__model",)
