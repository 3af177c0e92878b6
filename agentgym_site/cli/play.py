"""`agentgym scenario play`: a person as the agent, in the terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentgym_site.cli.exits import USAGE, CommandError, bad_option
from agentgym_site.cli.scenario import add
from agentgym_site.cli.site import open_site, owner
from scenarios.core.types import DIFFICULTIES, Difficulty, Tool, Turn
from scenarios.forms import typed_value

if TYPE_CHECKING:
    from scenarios.core.episode import Episode
    from scenarios.models import Play, Scenario

_ENDINGS = {
    "a": ("final", "answer and end"),
    "u": ("ask", "ask the user"),
    "h": ("hand_over", "hand over and end"),
}


def play(name: str, difficulty: str, seed: int | None) -> None:
    """Play one episode. Raises `CommandError`; Ctrl-C or the end of input leaves it, and it goes on there next time."""
    if difficulty not in DIFFICULTIES:
        raise bad_option(
            "--difficulty", f"must be one of {', '.join(DIFFICULTIES)}, not {difficulty!r}"
        )
    row = _row(name)
    from scenarios import playing  # noqa: PLC0415

    try:
        episode = playing.begin(player=owner(), row=row, difficulty=_level(difficulty), seed=seed)
    except playing.CannotPlay as problem:
        raise CommandError(str(problem), USAGE) from problem
    try:
        _go_on(row, episode)
    except EOFError:
        sys.stdout.write("\nLeft; the episode goes on here next time.\n")


def _level(text: str) -> Difficulty:
    return next(level for level in DIFFICULTIES if level == text)


def _row(name: str) -> Scenario:
    path = Path(name)
    if path.suffix in (".yaml", ".yml", ".json") and path.is_file():
        from agentgym_site.cli.scenario import opened  # noqa: PLC0415

        name = opened(path)[0].key
        add(path, as_json=False)
    open_site()
    from scenarios.models import Scenario  # noqa: PLC0415
    from scenarios.services import nearest  # noqa: PLC0415

    row = Scenario.objects.visible_to(owner()).filter(key=name.replace("\0", "")).first()
    if row is None:
        raise CommandError(nearest(name, owner()), USAGE)
    return row


def _go_on(row: Scenario, play: Play) -> None:
    from scenarios import playing  # noqa: PLC0415

    shown = 0
    while True:
        episode = playing.replay(play)
        for turn in episode.turns[shown:]:
            _show(turn)
        shown = len(episode.turns)
        if play.success is not None:
            break
        tools = playing.playable(row, play.content_hash).tools
        made = _ask(tools, episode)
        play = playing.decide(play_id=play.pk, player=owner(), made=made, after=len(play.decisions))
    said = "Solved" if play.success else "Not solved"
    sys.stdout.write(f"\n{said}: {play.right_calls} of {play.calls} calls were right.\n")
    score = playing.human_score(row, play.content_hash, play.difficulty)
    if score:
        sys.stdout.write(
            f"People so far ({play.difficulty}): {score['wins']} of {score['episodes']} episodes solved, "
            f"{score['right']} of {score['calls']} calls right.\n"
        )


def _show(turn: Turn) -> None:
    if turn.call is not None and turn.role == "assistant":
        arguments = ", ".join(f"{k}={json.dumps(v)}" for k, v in turn.call.arguments.items())
        text = f"you   > {turn.call.name}({arguments})"
    elif turn.role == "tool":
        text = f"tool  > {json.dumps(turn.content, ensure_ascii=False)}"
    else:
        text = f"{'user' if turn.role == 'user' else 'you':<5} > {turn.content}"
    sys.stdout.write(f"{text}\n")


def _ask(tools: tuple[Tool, ...], episode: Episode) -> dict[str, Any]:
    """The person's next decision."""
    sys.stdout.write(f"\nStep {episode.steps + 1} of at most {episode.limit}. Tools:\n")
    for number, tool in enumerate(tools, 1):
        sys.stdout.write(
            f"  {number:>2}  {tool.name}({', '.join(tool.properties)}): {tool.description}\n"
        )
    for letter, (_, about) in _ENDINGS.items():
        sys.stdout.write(f"   {letter}  {about}\n")
    while True:
        chosen = input("> ").strip().lower()
        if chosen in _ENDINGS:
            kind = _ENDINGS[chosen][0]
            return {"kind": kind, "text": input("your words: ") if kind != "hand_over" else ""}
        if chosen.isdecimal() and 0 < int(chosen) <= len(tools):
            tool = tools[int(chosen) - 1]
            return {"kind": "tool", "tool": tool.name, "arguments": _arguments(tool)}
        sys.stdout.write("A tool's number, or a, u or h.\n")


def _arguments(tool: Tool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, schema in tool.properties.items():
        needed = "" if name in tool.required else ", empty to leave out"
        choices = f" ({' | '.join(map(str, schema['enum']))})" if "enum" in schema else ""
        text = input(f"  {name}{choices}{needed}: ").strip()
        if text or name in tool.required:
            found[name] = typed_value(text, schema)
    return found
