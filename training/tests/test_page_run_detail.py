"""The live page, its fragments, its points, and stopping."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from training import series
from training.models import Run
from training.tests.portal import add_episode, add_points, change
from training.tests.progress import MakeRun

ClientAs = Callable[[User], Client]
PATHS = ("", "status/", "points/", "stop/", "evidence/", "episodes/", "episodes/1/")


def embedded(html: str) -> dict[str, Any]:
    """The data that the page hands to its charts."""
    found = re.search(r'<script id="run-data" type="application/json">(.*?)</script>', html, re.S)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


@pytest.mark.parametrize("path", PATHS)
def test_strangers_and_other_people_get_nothing(
    bob: User, client_as: ClientAs, running: Run, path: str
) -> None:
    add_episode(running)
    url = f"/runs/{running.pk}/{path}"
    assert Client().get(url)["Location"] == f"/accounts/login/?next={url}"
    assert client_as(bob).get(url).status_code == 404
    assert client_as(bob).post(f"/runs/{running.pk}/stop/").status_code == 404
    running.refresh_from_db()
    assert running.status == "running"


@pytest.mark.parametrize("path", PATHS)
def test_staff_may_look(admin: User, client_as: ClientAs, running: Run, path: str) -> None:
    add_episode(running)
    assert client_as(admin).get(f"/runs/{running.pk}/{path}").status_code == 200


def test_a_fresh_run_waits_in_words(alice: User, client_as: ClientAs, make_run: MakeRun) -> None:
    html = client_as(alice).get(f"/runs/{make_run().pk}/").content.decode()
    assert "Waiting for a free worker" in html
    assert "The first episode appears here" in html
    assert "No points yet" in html


def test_the_page_holds_every_point_and_setting(
    alice: User, client_as: ClientAs, running: Run, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:  # fmt: skip
    add_points(running, 45)
    add_episode(running)
    client = client_as(alice)
    with django_assert_max_num_queries(11):
        html = client.get(f"/runs/{running.pk}/").content.decode()
    data = embedded(html)
    assert data["attempt"] == 1
    columns = data["columns"]
    assert list(columns) == list(series.COLUMNS)
    assert columns["seq"] == list(range(1, 46))
    assert columns["tool_reliability"] == [0.5] * 45
    assert columns["success"] == [None] * 45
    assert "every 1th" not in html
    assert 'data-target="0.95"' in html
    assert "<strong>40</strong>" in html  # not the usual number of episodes
    assert 'data-bs-target="#stop-dialog"' in html
    assert "Created" in html
    assert "no-store" in client.get(f"/runs/{running.pk}/")["Cache-Control"]


def test_a_long_run_is_thinned_out_with_its_newest_point(
    alice: User, client_as: ClientAs, running: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "EMBEDDED", 10)
    add_points(running, 95)
    html = client_as(alice).get(f"/runs/{running.pk}/").content.decode()
    assert embedded(html)["columns"]["seq"] == [*range(10, 91, 10), 95]
    assert "every 10th" in html


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"status": "running", "phase": "training", "episodes_done": 10, "train_seconds": 60}, "10 of 40 episodes (25 %), about 3 min 0 s left."),
        ({"status": "running", "phase": "evidence", "phase_fraction": 0.5}, "final test on held-out tasks is 50 % done"),
        ({"status": "stopping"}, "Stopping; what it has learned is being kept"),
        ({"status": "failed", "failure": "The disk is full."}, "The disk is full."),
        ({"status": "stopped", "stop_reason": "Stopped on request."}, "Stopped on request."),
        ({"status": "succeeded", "episodes_done": 40}, "Succeeded, 40 episodes trained."),
    ],
)  # fmt: skip
def test_the_status_fragment_says_where_the_run_stands(
    make_run: MakeRun, values: dict[str, object], words: str
) -> None:
    run = change(make_run(), **values)
    html = render_to_string("training/_run_status.html", {"run": run})
    assert html.strip().startswith('<div id="run-status"')
    assert words in html
    assert ("stop-button" in html) is (values["status"] == "running")


def test_both_fragments_come_one_by_one(alice: User, client_as: ClientAs, running: Run) -> None:
    add_episode(running, 3, success=False)
    client = client_as(alice)
    status = client.get(f"/runs/{running.pk}/status/").content.decode()
    episode = client.get(f"/runs/{running.pk}/status/?part=episode").content.decode()
    assert status.strip().startswith('<div id="run-status"')
    assert episode.strip().startswith('<div id="current-episode"')
    assert "please shout &lt;pine&gt;" in episode
    assert "Wrong tool" in episode
    assert f"/runs/{running.pk}/episodes/3/" in episode
    assert client.get(f"/runs/{running.pk}/status/?part=nonsense").status_code == 404


def test_points_come_after_the_asked_number_and_in_pieces(
    alice: User, client_as: ClientAs, running: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_points(running, 7)
    monkeypatch.setattr(series, "BATCH", 4)
    client = client_as(alice)
    first = client.get(f"/runs/{running.pk}/points/").json()
    assert [point["seq"] for point in first["points"]] == [1, 2, 3, 4]
    assert (first["more"], first["seq"], first["active"], first["attempt"]) == (True, 4, True, 1)
    rest = client.get(f"/runs/{running.pk}/points/?since=4").json()
    assert [point["seq"] for point in rest["points"]] == [5, 6, 7]
    assert not rest["more"]
    assert set(rest["points"][0]["values"]) == set(series.SHOWN)
    nothing = client.get(f"/runs/{running.pk}/points/?since=7").json()
    assert (nothing["points"], nothing["seq"]) == ([], 7)


@pytest.mark.parametrize("since", ["-1", "x", "1.5", "", "%C2%B2", "9" * 30])
def test_a_strange_since_is_named(
    alice: User, client_as: ClientAs, running: Run, since: str
) -> None:
    response = client_as(alice).get(f"/runs/{running.pk}/points/?since={since}")
    assert response.status_code == 400
    assert "whole number" in response.json()["since"][0]


def test_stopping_asks_first_and_then_says_what_happens(
    alice: User, client_as: ClientAs, running: Run, make_run: MakeRun
) -> None:
    client = client_as(alice)
    assert b"Keep training" in client.get(f"/runs/{running.pk}/stop/").content
    running.refresh_from_db()
    assert running.status == "running"
    html = client.post(f"/runs/{running.pk}/stop/", follow=True).content.decode()
    assert "is stopping. What it has learned so far is kept" in html
    queued = make_run()
    html = client.post(f"/runs/{queued.pk}/stop/", follow=True).content.decode()
    assert "was stopped before it started" in html


def test_stopping_a_finished_run_is_refused_in_words(
    alice: User, client_as: ClientAs, make_run: MakeRun
) -> None:
    run = change(make_run(), status=Run.Status.SUCCEEDED)
    html = client_as(alice).post(f"/runs/{run.pk}/stop/", follow=True).content.decode()
    assert "has already ended" in html
    assert "notice-error" in html
