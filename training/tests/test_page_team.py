"""A team on the pages: its members, its hand-offs, its transcripts, its scenario."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from models_registry.policies.team import untrained
from scenarios.library import library
from scenarios.services import sync_builtin_scenarios
from training.models import Run
from training.rl.evaluation import Evaluated
from training.rl.exam import Exam
from training.rl.team.evaluation import evaluate
from training.team_page import team_context
from training.tests.portal import add_episode, change
from training.tests.progress import MakeRun

ClientAs = Callable[[User], Client]


@pytest.fixture(scope="module")
def examined() -> Evaluated:
    weights = untrained(("listener", "speaker"), 0, critic=False)
    *_, last = evaluate(weights, Exam(library.get("relay")(), "test", "easy", 12, 2))
    return last


def test_the_evidence_page_shows_the_members_and_their_hand_offs(
    alice: User, client_as: ClientAs, make_run: MakeRun, examined: Evaluated
) -> None:
    run = change(make_run(), status=Run.Status.SUCCEEDED, evidence=examined.evidence)
    html = client_as(alice).get(f"/runs/{run.pk}/evidence/").content.decode()
    for words in (
        "The team",
        "24 episodes",
        "Who hands work to whom",
        "Listener to Speaker",
        "Without speaker",
        "Speaker untrained",
        "if missing",
    ):
        assert words in html, words


def test_the_figures_of_the_team_are_those_of_the_evidence(examined: Evaluated) -> None:
    evidence = examined.evidence or {}
    team = team_context(evidence)
    assert team is not None
    [handed] = evidence["team"]["handoffs"]
    listener, speaker = team["matrix"]
    assert [cell["count"] for cell in speaker["cells"]] == [0, 0]
    assert listener["cells"][1]["count"] == handed["in_successes"] + handed["in_failures"]
    assert listener["cells"][1]["per_episode"] == handed["per_episode"]
    shares = [cell["share"] for row in team["moments"]["rows"] for cell in row["cells"]]
    counted = sum(pair["count"] for moment in evidence["team"]["moments"] for pair in moment)
    assert sum(shares) == pytest.approx(counted / 24)
    assert team["roles"][0]["without"] == evidence["agents"]["without_listener"]["success"]
    assert team_context({**evidence, "team": None}) is None


def test_a_transcript_says_who_decides_and_who_is_told(
    alice: User, client_as: ClientAs, make_run: MakeRun, examined: Evaluated
) -> None:
    told = next(r for r in examined.kept if any(step.to for step in r.steps))
    episode = add_episode(make_run(), steps=[step.as_json() for step in told.steps])
    html = client_as(alice).get(f"/runs/{episode.run_id}/episodes/{episode.seq}/").content.decode()
    assert '<span class="tag">Listener</span>' in html
    assert "To speaker" in html


def test_the_scenarios_page_shows_the_roles(alice: User, client_as: ClientAs) -> None:
    sync_builtin_scenarios()
    html = client_as(alice).get("/scenarios/team_support/").content.decode()
    assert "Talks to the customer, finds the order and assigns the case." in html
    assert '<code>assign</code> <span class="tag">to specialist</span>' in html
    html = client_as(alice).get("/scenarios/collaborative_coding/").content.decode()
    assert '<code>request_checks</code> <span class="tag">to reviewer and tester</span>' in html
    assert "<code>merge</code> <span" not in html
    assert "The team" not in client_as(alice).get("/scenarios/echo/").content.decode()
