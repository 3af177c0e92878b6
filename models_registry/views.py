"""Pages of the registry: models, versions, API tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import F, Sum
from django.db.models.fields.json import KT
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from models_registry import services
from models_registry.artifacts.bundle import BundleError
from models_registry.forms import TokenForm
from models_registry.loaded import core_of
from models_registry.models import ApiToken, Version, VersionQuerySet
from scenarios.core.registry import UnknownKey
from scenarios.core.types import DIFFICULTIES, Difficulty
from scenarios.pages import UserRequest, page_of, render_page
from scenarios.services import EditionGone, edition
from scenarios.sources.base import SourceError

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
    return _detail(request, get_object_or_404(_versions(request), pk=pk))


def _detail(request: UserRequest, version: Version, key: str = "") -> HttpResponse:
    evidence = version.evidence or {}
    usage = version.usage.aggregate(
        **{
            name: Sum(name, default=0)
            for name in (
                "decided",
                "forwarded",
                "prompt_tokens",
                "completion_tokens",
                "shadowed",
                "agreed",
            )
        }
    )
    context = {
        "key": key,
        "usage": usage if usage["decided"] or usage["forwarded"] else None,
        "keys": version.keys.filter(owner=request.user, revoked_at=None),
        "version": version,
        "run": version.runs.visible_to(request.user).only("pk").order_by("pk").first(),
        "evidence": evidence,
        "trained": evidence.get("agents", {}).get("trained", {}),
        "tools": version.manifest.get("tools") or [],
        "site": request.build_absolute_uri("/").rstrip("/"),
    }
    return render(request, "models_registry/version_detail.html", context)


@login_required
@require_safe
def version_playground(request: UserRequest, pk: int) -> HttpResponse:
    """The version at work on a simulated task, or on the user's own words."""
    version = get_object_or_404(_versions(request), pk=pk)
    wanted = request.GET.get("difficulty", "")
    trained_on = version.manifest.get("config", {}).get("difficulty", "easy")
    level: Difficulty = next(
        (d for d in DIFFICULTIES if d == wanted), next(d for d in DIFFICULTIES if d == trained_on)
    )
    seed = request.GET.get("task", "0")
    number = int(seed) if seed.isascii() and seed.isdecimal() and len(seed) < 7 else 0
    words = request.GET.get("say", "").replace("\0", "").strip()
    context = {
        "version": version,
        "difficulty": level,
        "difficulties": DIFFICULTIES,
        "task": number,
        "words": words,
    }
    context |= _played(version, level, number, words)
    return render_page(
        request, "models_registry/playground.html", "models_registry/_playground.html", context
    )


def _played(version: Version, level: Difficulty, seed: int, words: str) -> dict[str, Any]:
    """The episode, or why there is none."""
    from models_registry.playground import show  # noqa: PLC0415 (numpy)

    manifest = version.manifest
    if manifest.get("roles"):
        return {
            "refused": "This version is a team; its members work together in a run's transcripts."
        }
    try:
        scenario = edition(version.model.scenario, str(manifest.get("scenario_hash")))
        return {"shown": show(core_of(version), scenario, level, seed, words)}
    except (BundleError, EditionGone, UnknownKey, SourceError) as problem:
        return {"refused": str(problem)}


@login_required
@require_POST
def version_key(request: UserRequest, pk: int) -> HttpResponse:
    """A key that opens this version's decisions and nothing else; shown once."""
    version = get_object_or_404(_versions(request), pk=pk)
    _, secret = services.create_token(
        owner=request.user, name=f"{version} (decisions)"[: services.MAX_NAME], version=version
    )
    return _detail(request, version, key=secret)


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
