"""Evidence, the list of episodes, and the transcript."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from scenarios.pages import PER_PAGE
from training.confidence_page import BOTTOM, LEFT, RIGHT, TOP, confidence_context
from training.evidence_page import evidence_context, failure_bars
from training.mistakes_page import MOST_LABELS, mistakes_context, parameters_context
from training.models import Run
from training.rl import calibration
from training.tests.portal import STEPS, add_episode, agent, change, evidence, examined
from training.tests.progress import MakeRun

ClientAs = Callable[[User], Client]


def test_evidence_shows_verdicts_agents_intervals_cost_and_failures(
    alice: User, client_as: ClientAs, make_run: MakeRun, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:  # fmt: skip
    run = change(make_run(), status=Run.Status.SUCCEEDED, evidence=evidence())
    client = client_as(alice)
    with django_assert_max_num_queries(4):
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
        "What it did instead",
        "10 wrong decisions",
        "<code>shout</code> was due, it chose <code>whisper</code>",
        "9 of 709",
        '<code class="wrap">shout.<wbr>word</code>',
        "1 parameter without an error",
        "Temperature 1.50, fitted on 400 decisions of 50 validation tasks",
        "by <strong>4.8 points</strong> in success",
        "At episode <strong>750</strong>",
        "train and test share 0 phrases and 0 names",
        "+80.0 points",
        "-6.0 to +4.0, no difference shown",
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


def test_a_cell_of_the_heat_map_leads_to_the_transcripts_that_show_it(
    alice: User, client_as: ClientAs, make_run: MakeRun
) -> None:
    run = change(make_run(), status=Run.Status.SUCCEEDED, evidence=evidence())
    for seq, (due, kind, name, right) in enumerate(
        [
            ("shout", "tool", "whisper", False),
            ("shout", "tool", "whisper", True),
            ("shout", "tool", "shout", False),
            ("ask", "final", None, False),
        ],
        1,
    ):
        call = {"name": name, "arguments": {}} if name else None
        step = {"decision": {"kind": kind, "call": call}, "due": due, "right": right}
        failure = None if right else "wrong_tool" if name else "stopped_early"
        add_episode(run, seq, reason="evidence", steps=[{**STEPS[0], **step, "failure": failure}])
    client, base = client_as(alice), f"/runs/{run.pk}/episodes/"
    page = client.get(f"/runs/{run.pk}/evidence/").content.decode()
    link = f"{base}?reason=evidence&amp;due=shout&amp;called=whisper"
    assert f'href="{link}"' in page
    assert "called=final" in page
    assert f"{base}?reason=evidence&amp;due=shout&amp;called=final" not in page, "no transcript"
    assert f"{base}?reason=evidence&amp;failure=wrong_tool" in page

    def listed(query: str) -> list[int]:
        html = client.get(f"{base}?{query}").content.decode()
        return [seq for seq in range(1, 5) if f'href="{base}{seq}/"' in html]

    assert listed("due=shout&called=whisper") == [1]
    assert listed("due=ask&called=final") == [4]
    assert listed("due=shout") == [1, 3]
    assert listed("failure=stopped_early") == [4]
    assert listed("failure=wrong_tool&called=shout") == [3]
    assert listed("reason=evidence") == [1, 2, 3, 4]
    assert listed("due=%00shout&called=whisper") == [1]
    html = client.get(f"{base}?due=shout&called=whisper").content.decode()
    assert "<code>shout</code> was due and it chose <code>whisper</code>" in html
    assert '<input type="hidden" name="due" value="shout">' in html
    assert "<code>ask" not in client.get(f"{base}4/").content.decode()
    assert "question to the user was due" in client.get(f"{base}4/").content.decode()


def test_evidence_of_an_older_version_has_no_new_parts_and_still_renders(
    alice: User, client_as: ClientAs, make_run: MakeRun
) -> None:
    older = {key: value for key, value in evidence().items() if key not in examined()}
    del older["agents"]["trained"]["confusion"], older["agents"]["trained"]["parameters"]
    run = change(make_run(), status=Run.Status.SUCCEEDED, evidence=older)
    html = client_as(alice).get(f"/runs/{run.pk}/evidence/").content.decode()
    assert "success criteria met" in html
    for part in ("mistakes", "parameters", "confidence", "limits", "differences"):
        assert f'id="{part}"' not in html


def test_no_convergence_and_a_leak_are_said_plainly(
    alice: User, client_as: ClientAs, make_run: MakeRun
) -> None:
    document = evidence()
    document["convergence"]["episode"] = None
    document["leaks"]["exact"][1]["wording"] = 3
    run = change(make_run(), status=Run.Status.SUCCEEDED, evidence=document)
    html = client_as(alice).get(f"/runs/{run.pk}/evidence/").content.decode()
    assert "Not by the end of training" in html
    assert "train and test share 3 phrases and 0 names" in html
    assert "Leak</span>" in html


def test_curves_stay_inside_their_frame_and_say_what_the_evidence_says() -> None:
    context = confidence_context(evidence())
    assert context is not None
    for series in context["reliability"]["series"]:
        for point in series["points"]:
            assert LEFT <= point["x"] <= RIGHT
            assert TOP <= point["high"] <= point["y"] <= point["low"] <= BOTTOM
    points = context["trade_off"]["points"]
    assert points[0]["x"] == RIGHT, "everything is kept at threshold 0"
    assert [p["x"] for p in points] == sorted((p["x"] for p in points), reverse=True)
    assert len(context["trade_off"]["line"].split()) == len(points) > 3
    assert confidence_context({}) is None
    nothing = calibration.section({"temperature": 1}, calibration.Decided(), 3)
    empty = confidence_context({"calibration": nothing})
    assert empty is not None
    assert empty["trade_off"]["points"] == []


def test_the_heat_map_is_bounded_and_says_what_it_leaves_out() -> None:
    labels = [f"tool_{i:02}" for i in range(40)]
    cells = [
        {"due": a, "called": b, "count": 40 - i, "failures": {"wrong_tool": 40 - i}}
        for i, (a, b) in enumerate(pairwise(labels))
    ]
    due = {label: {"right": 60, "wrong": 40} for label in labels}
    found = mistakes_context({"confusion": {"due": due, "cells": cells}})
    assert found is not None
    assert len(found["columns"]) <= MOST_LABELS
    assert found["left_out"] == found["total"] - sum(row["wrong"] for row in found["rows"]) > 0
    assert {len(row["cells"]) for row in found["rows"]} == {len(found["columns"])}
    warm = {cell["heat"] for row in found["rows"] for cell in row["cells"]}
    assert warm <= {0, 1, 2, 3, 4, 5}
    assert max(warm) == 5
    assert mistakes_context({}) is None
    assert parameters_context({"parameters": []}) is None
