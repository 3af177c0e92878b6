"""The catalogue of scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from scenarios.models import Scenario
from scenarios.pages import UserRequest

RECENT_RUNS = 5
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "matches {}",
    "format": "{}",
    "default": "default {}",
}


@login_required
@require_safe
def scenario_list(request: UserRequest) -> HttpResponse:
    """Every scenario, with what it asks for and how often it was trained."""
    own_runs = Count("runs", filter=Q(runs__owner=request.user))
    scenarios = Scenario.objects.visible_to(request.user).annotate(run_count=own_runs)
    return render(request, "scenarios/scenario_list.html", {"scenarios": scenarios})


@login_required
@require_safe
def scenario_detail(request: UserRequest, key: str) -> HttpResponse:
    """One scenario: its text, tools, rules, success criteria, dials, and the latest runs on it."""
    scenario = get_object_or_404(Scenario.objects.visible_to(request.user), key=key)
    runs = scenario.runs.visible_to(request.user).defer("config", "evidence")[:RECENT_RUNS]
    context = {
        "scenario": scenario,
        "tools": [{**tool, "rows": parameter_rows(tool)} for tool in scenario.tools],
        "dials": dials(scenario.card),
        "runs": runs,
        "own": not scenario.builtin and scenario.owner_id == request.user.pk,
    }
    return render(request, "scenarios/scenario_detail.html", context)


def parameter_rows(tool: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A tool's parameters for people: name, type, whether it is required, what it may hold."""
    schema = tool.get("parameters", {})
    required = schema.get("required", ())
    return [
        {
            "name": name,
            "type": _type(part),
            "required": name in required,
            "about": part.get("description", ""),
            "choices": part.get("enum", ()),
            "bounds": [text.format(part[key]) for key, text in _BOUNDS.items() if key in part],
        }
        for name, part in schema.get("properties", {}).items()
    ]


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        kind = " or ".join(kind)
    return f"list of {_type(schema['items'])}" if kind == "array" and "items" in schema else kind


def dials(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What each difficulty turns up: the step limit and the share of faulty tool calls."""
    steps, faults = card.get("max_steps", {}), card.get("fault_rate", {})
    return [
        {"difficulty": level, "max_steps": steps[level], "fault_rate": faults.get(level)}
        for level in ("easy", "medium", "hard")
        if level in steps
    ]
