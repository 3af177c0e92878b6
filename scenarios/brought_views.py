"""Pages for scenarios of one's own: write one, see an episode of it, keep it, take it out again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import ProtectedError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from scenarios import bringing, services
from scenarios.core.types import DIFFICULTIES, Difficulty
from scenarios.models import Scenario
from scenarios.pages import UserRequest, wants_fragment
from scenarios.sources.base import SourceError
from scenarios.sources.names import is_key
from scenarios.sources.spec import start

DEFAULT_KEY = "my_scenario"
MOST_SEED = 10_000


@login_required
@require_http_methods(["GET", "POST"])
def scenario_new(request: UserRequest) -> HttpResponse:
    """Begin a scenario: from the commented start, from a file, or from a list of tools."""
    text = ""
    mistakes: list[str] = []
    if request.method == "POST":
        if "text" in request.POST and not request.FILES:
            return _save(request, None)
        if "traces" in request.FILES:
            row, mistakes = _bring_traces(request)
            if row is not None:
                return redirect("scenarios:detail", row.key)
            context = {"text": start(DEFAULT_KEY), "mistakes": mistakes, "scenario": None}
            return render(
                request, "scenarios/scenario_edit.html", context | _choices(request), status=400
            )
        text, mistakes = _from_upload(request)
    context = {"text": text or start(DEFAULT_KEY), "mistakes": mistakes, "scenario": None}
    return render(request, "scenarios/scenario_edit.html", context | _choices(request))


@login_required
@require_http_methods(["GET", "POST"])
def scenario_edit(request: UserRequest, key: str) -> HttpResponse:
    """The text of an own scenario."""
    scenario = get_object_or_404(Scenario, key=key, owner=request.user, builtin=False)
    if request.method == "POST":
        return _save(request, scenario)
    context = {"text": scenario.source, "mistakes": [], "scenario": scenario}
    return render(request, "scenarios/scenario_edit.html", context | _choices(request))


def _bring_traces(request: UserRequest) -> tuple[Scenario | None, list[str]]:
    """A scenario from recorded conversations goes straight into the catalogue."""
    sent = request.POST
    document, said, mistakes = bringing.from_traces(
        request.FILES["traces"],
        sent.get("format", ""),
        sent.get("key", ""),
        sent.get("redact", ""),
        hold_out="all" not in sent,
    )
    if document is None:
        return None, mistakes
    try:
        row, _ = services.save_scenario(owner=request.user, document=document)
    except services.ScenarioTaken as taken:
        return None, [f"name: {taken}"]
    messages.success(request, f"{row.title} is in the catalogue. {said}")
    return row, []


def _from_upload(request: UserRequest) -> tuple[str, list[str]]:
    """What the editor shall begin with."""
    if (tools := request.FILES.get("tools")) is not None:
        key = request.POST.get("key", DEFAULT_KEY)
        if not is_key(key):
            return "", ["name: must be 2 to 60 lower-case letters, digits, - and _"]
        text, problems = bringing.uploaded_text(tools)
        if problems:
            return "", problems
        return bringing.start_from_tools(request.POST.get("format", ""), text.encode(), key)
    if (file := request.FILES.get("file")) is not None:
        text, problems = bringing.uploaded_text(file)
        return text.replace("\0", ""), problems or bringing.read(text).mistakes
    return "", ["Choose a file first."]


def _save(request: UserRequest, scenario: Scenario | None) -> HttpResponse:
    """Keep the text as a scenario, or show the editor again with every mistake; the text is never lost."""
    text = request.POST.get("text", "").replace("\r\n", "\n")
    found = bringing.read(text)
    mistakes = found.mistakes
    if (
        found.document is not None
        and scenario is not None
        and found.document["key"] != scenario.key
    ):
        mistakes = [f"key: is {scenario.key!r} for good; begin another scenario for another key"]
    elif found.document is not None:
        try:
            row, new = services.save_scenario(
                owner=request.user, document=found.document, source=text
            )
        except services.ScenarioTaken as taken:
            mistakes = [f"key: {taken}"]
        except SourceError as problem:
            mistakes = problem.mistakes
        else:
            what = "is in the catalogue" if new else "has a new edition"
            messages.success(request, f"{row.title} {what}.")
            return redirect("scenarios:detail", row.key)
    context = {"text": text, "mistakes": mistakes, "scenario": scenario}
    return render(request, "scenarios/scenario_edit.html", context | _choices(request), status=400)


@login_required
@require_POST
def scenario_preview(request: UserRequest) -> HttpResponse:
    """The mistakes of a text, or an episode of it as the oracle plays it."""
    chosen = _choices(request)
    found = bringing.read(request.POST.get("text", "").replace("\r\n", "\n"))
    context: dict[str, Any] = {**chosen, "mistakes": found.mistakes}
    if found.scenario is not None:
        try:
            opening, steps, success = bringing.preview(
                found.scenario, chosen["difficulty"], chosen["seed"]
            )
            context |= {"opening": opening, "steps": steps, "success": success}
            context["counts"] = found.scenario.as_json()
        except SourceError as problem:
            context["mistakes"] = problem.mistakes
    if wants_fragment(request):
        return render(request, "scenarios/_preview.html", context)
    # Without scripts the editor comes back with the preview in it.
    text = request.POST.get("text", "").replace("\r\n", "\n")
    key = (found.document or {}).get("key", "")
    own = Scenario.objects.filter(key=key, owner=request.user, builtin=False).first()
    return render(
        request, "scenarios/scenario_edit.html", context | {"text": text, "scenario": own}
    )


def _choices(request: UserRequest) -> dict[str, Any]:
    """Which episode the preview shows."""
    wanted = request.POST.get("difficulty", "easy")
    level: Difficulty = next((d for d in DIFFICULTIES if d == wanted), "easy")
    seed = request.POST.get("seed", "0")
    number = int(seed) if seed.isascii() and seed.isdecimal() and len(seed) < 6 else 0
    return {"difficulty": level, "seed": min(number, MOST_SEED), "difficulties": DIFFICULTIES}


@login_required
@require_POST
def scenario_delete(request: UserRequest, key: str) -> HttpResponse:
    """Take an own scenario out of the catalogue, unless runs or models need it."""
    scenario = get_object_or_404(Scenario, key=key, owner=request.user, builtin=False)
    try:
        services.delete_scenario(owner=request.user, key=key)
    except ProtectedError:
        messages.error(
            request, f"{scenario.title} stays: runs or models were trained on it, and they name it."
        )
        return redirect("scenarios:detail", key)
    messages.success(request, f"{scenario.title} is no longer in the catalogue.")
    return redirect("scenarios:list")
