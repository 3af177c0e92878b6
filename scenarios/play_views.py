"""The page on which a person is the agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from scenarios import playing
from scenarios.core.types import DIFFICULTIES, Difficulty, Json, Tool
from scenarios.forms import typed_value
from scenarios.models import Play, Scenario
from scenarios.pages import UserRequest, render_page

LONGEST = 4_000


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def scenario_play(request: UserRequest, key: str) -> HttpResponse:
    """The episode as it stands; a POST is the next decision."""
    scenario = get_object_or_404(Scenario.objects.visible_to(request.user), key=key)
    wanted = request.GET.get("difficulty", "easy")
    difficulty: Difficulty = next((d for d in DIFFICULTIES if d == wanted), "easy")
    context: dict[str, Any] = {
        "scenario": scenario,
        "difficulty": difficulty,
        "difficulties": DIFFICULTIES,
    }
    try:
        if request.method == "POST":
            play = _decide(request, context)
        else:
            play = playing.begin(player=request.user, row=scenario, difficulty=difficulty)
    except playing.CannotPlay as problem:
        context["refused"] = str(problem)
        return render_page(request, "scenarios/play.html", "scenarios/_play.html", context)
    return _shown(request, play, context)


def _decide(request: UserRequest, context: dict[str, Any]) -> Play:
    number = request.POST.get("play", "")
    after = request.POST.get("after", "")
    if not all(text.isascii() and text.isdecimal() and len(text) < 10 for text in (number, after)):
        raise Http404
    play = get_object_or_404(
        Play.objects.visible_to(request.user).select_related("scenario"), pk=int(number)
    )
    context["difficulty"] = play.difficulty
    tools = {tool.name: tool for tool in playing.playable(play.scenario, play.content_hash).tools}
    try:
        return playing.decide(
            play_id=play.pk,
            player=request.user,
            made=_made(request.POST, tools),
            after=int(after),
        )
    except playing.Moved as problem:
        context["note"] = str(problem)
        return Play.objects.select_related("scenario").get(pk=play.pk)


def _made(sent: Mapping[str, Any], tools: Mapping[str, Tool]) -> dict[str, Json]:
    """The decision that a form describes. Raises `CannotPlay`."""
    kind = sent.get("kind", "")
    if kind != "tool":
        return {"kind": kind, "text": _clean(sent.get("text", ""))}
    tool = tools.get(sent.get("tool", ""))
    if tool is None:
        raise playing.CannotPlay("There is no such tool.")
    arguments: dict[str, Json] = {}
    for name, schema in tool.properties.items():
        text = _clean(sent.get(f"arg-{name}", ""))
        if text or name in tool.required:
            arguments[name] = typed_value(text, schema)
    return {"kind": "tool", "tool": tool.name, "arguments": arguments}


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()[:LONGEST]


def _shown(request: UserRequest, play: Play, context: dict[str, Any]) -> HttpResponse:
    episode = playing.replay(play)
    tools = playing.playable(play.scenario, play.content_hash).tools
    context |= {
        "play": play,
        "episode": episode,
        "turns": episode.turns,
        "left": episode.limit - episode.steps,
        "breaches": episode.world.breaches if episode.over else (),
        "tools": [_fields(tool) for tool in tools],
        "score": playing.human_score(play.scenario, play.content_hash, play.difficulty),
        "latest": request.POST.get("tool", ""),
    }
    return render_page(request, "scenarios/play.html", "scenarios/_play.html", context)


def _fields(tool: Tool) -> dict[str, Any]:
    """A tool as a form: its name, what it does, and a field per parameter."""
    return {
        "name": tool.name,
        "description": tool.description,
        "fields": [
            {
                "name": name,
                "about": schema.get("description", ""),
                "choices": _choices(schema),
                "required": name in tool.required,
            }
            for name, schema in tool.properties.items()
        ],
    }


def _choices(schema: Mapping[str, Any]) -> list[str]:
    if schema.get("type") == "boolean":
        return ["true", "false"]
    return [str(choice) for choice in schema.get("enum", ())]
