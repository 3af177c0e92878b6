"""Pages of the registry: models, versions, API tokens."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import F
from django.db.models.fields.json import KT
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from models_registry import services
from models_registry.forms import TokenForm
from models_registry.models import ApiToken, Version, VersionQuerySet
from scenarios.pages import UserRequest, page_of

_TRAINED = "evidence__agents__trained"
_BIG = ("manifest", "evidence", "model__scenario__card", "model__scenario__description")


@login_required
@require_safe
def model_list(request: UserRequest) -> HttpResponse:
    """Every version that the user may see, newest first, with what it reached on held-out tasks."""
    versions = _versions(request).defer(*_BIG)
    annotated = versions.annotate(
        reliability=F(f"{_TRAINED}__tool_reliability"),
        success=F(f"{_TRAINED}__success"),
        difficulty=KT("manifest__config__difficulty"),
    )
    context = {"page": page_of(request, annotated), "show_owner": request.user.is_staff}
    return render(request, "models_registry/model_list.html", context)


@login_required
@require_safe
def version_detail(request: UserRequest, pk: int) -> HttpResponse:
    """One version: what it showed, what it is, and how to use it."""
    version = get_object_or_404(_versions(request), pk=pk)
    evidence = version.evidence or {}
    context = {
        "version": version,
        "run": version.runs.visible_to(request.user).only("pk").order_by("pk").first(),
        "evidence": evidence,
        "trained": evidence.get("agents", {}).get("trained", {}),
        "tools": version.manifest.get("tools") or [],
        "site": request.build_absolute_uri("/").rstrip("/"),
    }
    return render(request, "models_registry/version_detail.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def version_delete(request: UserRequest, pk: int) -> HttpResponse:
    """Asks, then takes a version out of the registry."""
    version = get_object_or_404(_versions(request), pk=pk)
    if request.method != "POST":
        return render(request, "models_registry/version_delete.html", {"version": version})
    if services.delete_version(version=version):
        messages.success(request, f"{version} was deleted, with its files.")
    else:
        messages.error(request, f"{version} had already been deleted.")
    return redirect("models_registry:list")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: UserRequest) -> HttpResponse:
    """The user's own tokens; a new one's secret is in the answer to the form, and nowhere else."""
    form = TokenForm(request.POST if request.method == "POST" else None)
    created, secret, status = None, "", 200
    if form.is_bound:
        if form.is_valid():
            created, secret = services.create_token(
                owner=request.user, name=form.cleaned_data["name"]
            )
            form = TokenForm()
        else:
            status = 422
    context = {
        "form": form,
        "created": created,
        "secret": secret,
        "tokens": ApiToken.objects.visible_to(request.user).filter(
            owner=request.user, revoked_at=None
        ),
        "site": request.build_absolute_uri("/").rstrip("/"),
    }
    return render(request, "models_registry/tokens.html", context, status=status)


@login_required
@require_POST
def token_revoke(request: UserRequest, pk: int) -> HttpResponse:
    """Ends a token at once."""
    token = get_object_or_404(ApiToken.objects.visible_to(request.user), pk=pk)
    if services.revoke_token(token=token):
        messages.success(
            request, f"The token {token.name!r} was revoked; it opens nothing any more."
        )
    else:
        messages.error(request, f"The token {token.name!r} had already been revoked.")
    return redirect("models_registry:tokens")


def _versions(request: UserRequest) -> VersionQuerySet:
    found: VersionQuerySet = Version.objects.visible_to(request.user).select_related(
        "model__scenario", "model__owner"
    )
    return found
