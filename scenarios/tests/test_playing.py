"""A person as the agent: the episode goes on from decision to decision, and the score is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import escape

from scenarios import playing, services
from scenarios.forms import typed_value
from scenarios.models import Play, Scenario
from scenarios.tests.own import document

pytestmark = pytest.mark.django_db

ClientAs = Callable[[User], Client]


def echo() -> Scenario:
    return Scenario.objects.get(key="echo")


def made_by_the_oracle(play: Play) -> dict[str, Any]:
    decision = playing.replay(play).world.oracle()
    if decision.call is None:
        return {"kind": decision.kind, "text": "Done."}
    return {
        "kind": "tool",
        "tool": decision.call.name,
        "arguments": dict(decision.call.arguments),
    }


def played_well(player: User, row: Scenario) -> Play:
    play = playing.begin(player=player, row=row, difficulty="easy")
    while play.success is None:
        made = made_by_the_oracle(play)
        play = playing.decide(play_id=play.pk, player=player, made=made, after=len(play.decisions))
    return play


def test_whoever_follows_the_reference_path_succeeds(alice: User) -> None:
    play = played_well(alice, echo())
    assert play.success is True
    assert play.right_calls == play.calls > 0
    assert play.ended_at is not None


def test_tasks_are_of_the_test_split_and_none_that_an_exam_uses(alice: User) -> None:
    play = playing.begin(player=alice, row=echo(), difficulty="easy")
    assert play.task_seed >= playing.FIRST_SEED
    assert playing.replay(play).world.task.split == "test"


def test_an_open_episode_goes_on_and_the_next_one_is_another_task(alice: User) -> None:
    first = playing.begin(player=alice, row=echo(), difficulty="easy")
    assert playing.begin(player=alice, row=echo(), difficulty="easy") == first
    played_well(alice, echo())
    assert playing.begin(player=alice, row=echo(), difficulty="easy").task_seed > first.task_seed


def test_what_was_sent_twice_counts_once(alice: User) -> None:
    play = playing.begin(player=alice, row=echo(), difficulty="easy")
    made = made_by_the_oracle(play)
    playing.decide(play_id=play.pk, player=alice, made=made, after=0)
    with pytest.raises(playing.Moved):
        playing.decide(play_id=play.pk, player=alice, made=made, after=0)
    play.refresh_from_db()
    assert len(play.decisions) == 1


def test_the_step_limit_ends_it(alice: User) -> None:
    play = playing.begin(player=alice, row=echo(), difficulty="easy")
    while play.success is None:
        made = {"kind": "ask", "text": "What?"}
        play = playing.decide(play_id=play.pk, player=alice, made=made, after=len(play.decisions))
    assert play.success is False
    assert playing.replay(play).truncated


def test_an_edition_is_played_to_its_end_as_it_began(alice: User) -> None:
    row, _ = services.save_scenario(owner=alice, document=document())
    play = playing.begin(player=alice, row=row, difficulty="easy")
    words = playing.replay(play).turns[0].content
    new = document(("I would like to borrow", "I want to borrow"))
    row, _ = services.save_scenario(owner=alice, document=new)
    assert (
        playing.replay(Play.objects.select_related("scenario").get(pk=play.pk)).turns[0].content
        == words
    )
    assert playing.begin(player=alice, row=row, difficulty="easy") != play


def test_a_built_in_scenario_that_has_changed_is_not_gone_on_with(alice: User) -> None:
    play = playing.begin(player=alice, row=echo(), difficulty="easy")
    Play.objects.filter(pk=play.pk).update(content_hash="of another time")
    with pytest.raises(playing.CannotPlay, match="has changed since then"):
        playing.decide(play_id=play.pk, player=alice, made={"kind": "final"}, after=0)


def test_the_score_is_of_everybody_and_of_this_very_edition(alice: User, bob: User) -> None:
    played_well(alice, echo())
    play = playing.begin(player=bob, row=echo(), difficulty="easy")
    playing.decide(play_id=play.pk, player=bob, made={"kind": "final"}, after=0)
    score = playing.human_score(echo(), echo().content_hash, "easy")
    assert score is not None
    assert (score["episodes"], score["wins"], score["players"]) == (2, 1, 2)
    assert playing.human_score(echo(), "another", "easy") is None
    assert playing.human_score(echo(), echo().content_hash, "hard") is None


def test_a_team_has_no_single_seat(client_as: ClientAs, alice: User) -> None:
    page = client_as(alice).get("/scenarios/relay/play/")
    assert "played by a team" in page.content.decode()


def test_the_page_takes_a_call_and_an_ending(client_as: ClientAs, alice: User) -> None:
    client = client_as(alice)
    page = client.get("/scenarios/echo/play/?difficulty=easy")
    play = page.context["play"]
    assert escape(page.context["turns"][0].content) in page.content.decode()
    sent = {"play": play.pk, "after": 0, "kind": "tool", "tool": "shout", "arg-word": "pine"}
    fragment = client.post("/scenarios/echo/play/", sent, headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode()
    assert "<code>shout</code>" in fragment.content.decode()
    again = client.post("/scenarios/echo/play/", sent)
    assert "another window" in again.content.decode()
    end = client.post(
        "/scenarios/echo/play/", {"play": play.pk, "after": 1, "kind": "final", "text": "x\0y"}
    )
    assert "olved" in end.content.decode()
    assert Play.objects.get(pk=play.pk).decisions[-1]["text"] == "xy"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"kind": "tool", "tool": "nothing"}, 200),
        ({"kind": "fly"}, 200),
        ({"play": "x", "kind": "final"}, 404),
        ({"play": "99999", "kind": "final"}, 404),
        ({"after": "-1", "kind": "final"}, 404),
    ],
)
def test_odd_posts_change_nothing(
    client_as: ClientAs, alice: User, sent: dict[str, str], status: int
) -> None:
    play = playing.begin(player=alice, row=echo(), difficulty="easy")
    body = {"play": str(play.pk), "after": "0", **sent}
    assert client_as(alice).post("/scenarios/echo/play/", body).status_code == status
    play.refresh_from_db()
    assert play.decisions == []


def test_nobody_plays_for_somebody_else(client_as: ClientAs, alice: User, bob: User) -> None:
    play = playing.begin(player=alice, row=echo(), difficulty="easy")
    body = {"play": play.pk, "after": 0, "kind": "final"}
    assert client_as(bob).post("/scenarios/echo/play/", body).status_code == 404


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("7", {"type": "integer"}, 7),
        ("2.5", {"type": "number"}, 2.5),
        ("true", {"type": "boolean"}, True),
        ("7", {"type": "string"}, "7"),
        ("2", {"enum": [1, 2]}, 2),
        ("seven", {"type": "integer"}, "seven"),
        ("NaN", {"type": "number"}, "NaN"),
        ("[" * 3000, {"type": "array"}, "[" * 3000),
        ("9" * 40, {"type": "integer"}, "9" * 40),
    ],
)
def test_what_people_type_becomes_the_schemas_type(
    text: str, schema: dict[str, Any], value: Any
) -> None:
    assert typed_value(text, schema) == value
