"""Evidence, the list of episodes, and the transcript."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from scenarios.pages import PER_PAGE
from training.evidence_page import evidence_context, failure_bars
from training.models import Run
from training.tests.portal import add_episode, agent, change, evidence
from training.tests.progress import MakeRun

ClientAs = Callable[[User], Client]


def test_evidence_shows_verdicts_agents_intervals_cost_and_failures(
    alice: User, client_as: ClientAs, make_run: MakeRun, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:  # fmt: skip
    run = change(make_run(), status=Run.Status.SUCCEEDED, evidence=evidence())
    client = client_as(alice)
    with django_assert_max_num_queries(3):
        html = client.get(f"/runs/{run.pk}/evidence/").content.decode()
    for words in (
        "1 of 2 success criteria met",
        "Missed",
        "Met",
        "at least 95.0 %",
        "at most 10.0 s",
        "95 % interval 88.0 to 92.0 %, n = 800",
        "Random valid calls",
        "pass^8",
        "target 95 %",
        "It never errs.",
        "$0.081",
        "small LLM: $0.15 in, $0.60 out per million tokens, as of 2026-11-01",
        "400 ms",
        "2.0 ms",
        "Wrong tool",
        "d" * 64,
        "held-out tasks",
    ):
        assert words in html, words


@pytest.mark.parametrize(
    ("status", "words"),
    [("running", "No evidence yet"), ("stopped", "this one ended early (stopped)")],
)
def test_without_evidence_the_page_says_why(
    alice: User, client_as: ClientAs, make_run: MakeRun, status: str, words: str
) -> None:
    run = change(make_run(), status=status)
    assert words in client_as(alice).get(f"/runs/{run.pk}/evidence/").content.decode()


def test_evidence_with_holes_still_renders(
    alice: User, client_as: ClientAs, make_run: MakeRun
) -> None:
    nothing = {"value": None, "low": None, "high": None, "n": 0}
    thin = agent("Own agent", 0.5) | {"tool_reliability": nothing, "pass_hat": {}}
    holes = {"scenario": "echo", "agents": {"own": thin, "trained": {"label": ""}}}
    run = change(make_run(), status=Run.Status.SUCCEEDED, evidence=holes)
    html = client_as(alice).get(f"/runs/{run.pk}/evidence/").content.decode()
    assert "Own agent" in html
    assert "No cost was computed" in html
    assert "It made no mistake" in html


def test_pictures_place_values_between_0_and_100_percent() -> None:
    context = evidence_context(evidence())
    assert [row["key"] for row in context["agents"]] == ["trained", "random", "oracle"]
    picture = context["pictures"][0]
    trained, random, oracle = picture["rows"]
    assert (trained["low"], trained["x"], trained["high"]) == (88.0, 90.0, 92.0)
    assert oracle["high"] == 100
    assert (trained["left_of"], random["left_of"]) == (True, False)
    assert picture["target_x"] == 95
    assert context["pictures"][1]["target_x"] is None


def test_failures_are_ranked_and_add_up() -> None:
    bars = failure_bars({"failures": {"order": 1, "wrong_tool": 3, "junk_call": 0}})
    assert [(bar["kind"], bar["share"]) for bar in bars] == [("wrong_tool", 0.75), ("order", 0.25)]
    assert failure_bars({}) == []


def test_no_episodes_says_what_will_be_kept(
    alice: User, client_as: ClientAs, make_run: MakeRun
) -> None:
    html = client_as(alice).get(f"/runs/{make_run().pk}/episodes/").content.decode()
    assert "No episodes yet" in html


def test_episodes_are_filtered_and_paged(
    alice: User, client_as: ClientAs, make_run: MakeRun, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:  # fmt: skip
    run = make_run()
    for seq in range(1, PER_PAGE + 2):
        add_episode(run, seq, success=seq != 2, reason="best" if seq == 3 else "periodic")
    client, base = client_as(alice), f"/runs/{run.pk}/episodes/"
    with django_assert_max_num_queries(6):
        html = client.get(base).content.decode()
    assert html.count("/episodes/") > PER_PAGE
    failed = client.get(f"{base}?outcome=failed").content.decode()
    assert f'href="{base}2/"' in failed
    assert f'href="{base}3/"' not in failed
    best = client.get(f"{base}?reason=best", headers={"HX-Request": "true"}).content.decode()
    assert best.strip().startswith('<div id="episode-table"')
    assert f'href="{base}3/"' in best
    assert "No episode matches" in client.get(f"{base}?reason=%00x&outcome=odd").content.decode()


def test_a_transcript_reads_like_a_conversation(
    alice: User, client_as: ClientAs, make_run: MakeRun, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:  # fmt: skip
    run = make_run()
    for seq in (4, 7, 9):
        add_episode(run, seq)
    client = client_as(alice)
    with django_assert_max_num_queries(6):
        html = client.get(f"/runs/{run.pk}/episodes/7/").content.decode()
    for words in (
        'id="step-1"',
        'href="#step-2"',
        "please shout &lt;pine&gt;",
        "&lt;b&gt;pine&lt;/b&gt;",
        "{&quot;said&quot;: &quot;pine&quot;}",
        "91 % sure",
        "whisper",
        "Asks the user",
        "I have told you everything.",
        "Wrong tool",
        "Tool fault",
        f'rel="prev" href="/runs/{run.pk}/episodes/4/"',
        f'rel="next" href="/runs/{run.pk}/episodes/9/"',
    ):
        assert words in html, words
    assert html.count("Which word?") == 1
    assert client.get(f"/runs/{run.pk}/episodes/5/").status_code == 404


def test_an_episode_belongs_to_its_run(alice: User, client_as: ClientAs, make_run: MakeRun) -> None:
    run, other = make_run(), make_run()
    add_episode(other, 1)
    assert client_as(alice).get(f"/runs/{run.pk}/episodes/1/").status_code == 404
