"""A person as the agent: the same observation and the same tools; the score is kept beside the trained agents'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from scenarios import services
from scenarios.core.episode import Episode
from scenarios.core.scenario import Scenario as Playable
from scenarios.core.stage import Stage
from scenarios.core.team import TeamScenario
from scenarios.core.types import Decision, Difficulty, Json, ToolCall
from scenarios.models import Play, Scenario
from scenarios.sources.base import SourceError

FIRST_SEED = 1_000_000
"""Test tasks that no exam uses: as hard and as new as those of the evidence, but not the same."""


class CannotPlay(ValueError):
    """Why this scenario, or this decision, cannot be played."""


class Moved(CannotPlay):
    """The episode has gone on meanwhile, in another window."""


def playable(row: Scenario, content_hash: str = "") -> Playable:
    """The scenario of a row, as it was when it had this hash. Raises `CannotPlay` for a team's."""
    try:
        scenario = services.edition(row, content_hash or row.content_hash)
    except (services.EditionGone, SourceError) as problem:
        raise CannotPlay(f"{problem} Begin another task.") from problem
    if isinstance(scenario, TeamScenario):
        raise CannotPlay(
            "This scenario is played by a team; one person cannot sit at all its desks."
        )
    return scenario


def begin(*, player: User, row: Scenario, difficulty: Difficulty, seed: int | None = None) -> Play:
    """The player's open episode of this difficulty, or the next task. Raises `CannotPlay`."""
    playable(row)
    mine = Play.objects.filter(
        scenario=row, player=player, difficulty=difficulty, content_hash=row.content_hash
    )
    if seed is None:
        if going := mine.filter(success=None).first():
            return going
        last = mine.aggregate(last=Max("task_seed"))["last"]
        seed = FIRST_SEED if last is None else max(FIRST_SEED, last + 1)
    play, _ = Play.objects.get_or_create(
        scenario=row,
        player=player,
        difficulty=difficulty,
        content_hash=row.content_hash,
        task_seed=seed,
    )
    return play


def replay(play: Play) -> Episode:
    """The episode as far as it has got."""
    scenario = playable(play.scenario, play.content_hash)
    stage = Stage(play.difficulty)  # type: ignore[arg-type]  # a column holds any text
    episode = Episode(scenario, "test", stage, play.task_seed)
    for decision in play.decisions:
        episode.step(decision_of(decision))
    return episode


@transaction.atomic
def decide(*, play_id: int, player: User, made: Mapping[str, Json], after: int) -> Play:
    """Carry out the player's next decision. after: decisions that the player has seen.

    Raises `Play.DoesNotExist`, `Moved` where there are more by now, `CannotPlay` for a decision that is none.
    """
    play = (
        Play.objects.select_for_update(of=("self",))
        .select_related("scenario")
        .get(pk=play_id, player=player)
    )
    if play.success is not None or len(play.decisions) != after:
        raise Moved("This episode has gone on in another window; here is where it stands.")
    episode = replay(play)
    outcome = episode.step(decision_of(made))
    play.decisions = [*play.decisions, dict(made)]
    if made.get("kind") == "tool":
        play.calls += 1
        play.right_calls += outcome.verdict.right
    if episode.over:
        play.success, play.ended_at = episode.succeeded, timezone.now()
    play.save()
    return play


def decision_of(made: Mapping[str, Json]) -> Decision:
    """A stored or sent decision. Raises `CannotPlay`."""
    kind = made.get("kind")
    if kind == "tool":
        name, arguments = made.get("tool"), made.get("arguments")
        if not isinstance(name, str) or not isinstance(arguments, dict):
            raise CannotPlay("A call needs a tool and its arguments.")
        return Decision("tool", ToolCall(name, arguments))
    if kind not in ("final", "ask", "hand_over"):
        raise CannotPlay(f"A decision is tool, final, ask or hand_over, not {kind!r}.")
    return Decision(kind, text=str(made.get("text", ""))[:4000])


def human_score(row: Scenario, content_hash: str, difficulty: str) -> dict[str, Any] | None:
    """What people have reached on this very scenario: episodes, successes, calls, right calls, players; None: nobody."""
    ended = Play.objects.filter(
        scenario=row, content_hash=content_hash, difficulty=difficulty, success__isnull=False
    )
    found = ended.aggregate(
        episodes=Count("pk"),
        wins=Count("pk", filter=Q(success=True)),
        calls=Sum("calls", default=0),
        right=Sum("right_calls", default=0),
        players=Count("player", distinct=True),
    )
    return found if found["episodes"] else None
