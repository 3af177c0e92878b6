"""The list of runs."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from scenarios.pages import PER_PAGE
from training.models import Run
from training.tests.portal import change, evidence
from training.tests.progress import MakeRun

ClientAs = Callable[[User], Client]


def shown(html: str) -> list[int]:
    """Numbers of the runs in the table, from top to bottom."""
    return [int(pk) for pk in re.findall(r'href="/runs/(\d+)/">Run', html)]


def test_strangers_are_sent_to_the_login(db: None) -> None:
    assert Client().get("/runs/").status_code == 302


def test_an_empty_list_says_what_to_do(alice: User, client_as: ClientAs) -> None:
    html = client_as(alice).get("/runs/").content.decode()
    assert "No runs yet" in html
    assert "/runs/new/" in html


def test_everybody_sees_their_own_and_staff_sees_all(
    alice: User, bob: User, admin: User, client_as: ClientAs, make_run: MakeRun
) -> None:
    mine, other = make_run(), make_run(owner=bob)
    assert shown(client_as(alice).get("/runs/").content.decode()) == [mine.pk]
    assert shown(client_as(admin).get("/runs/").content.decode()) == [other.pk, mine.pk]


def test_status_and_scenario_filter(alice: User, client_as: ClientAs, make_run: MakeRun) -> None:
    failed, queued = change(make_run(), status=Run.Status.FAILED), make_run()
    client = client_as(alice)
    assert shown(client.get("/runs/?status=failed").content.decode()) == [failed.pk]
    assert shown(client.get("/runs/?scenario=echo&status=queued").content.decode()) == [queued.pk]
    html = client.get("/runs/?scenario=customer_support").content.decode()
    assert "No run matches" in html
    assert "Show all runs" in html


@pytest.mark.parametrize(
    "query", ["status=nonsense", "sort=password", "page=999", "page=x", "page=%00", "scenario=%00", "page=%C2%B2"]
)  # fmt: skip
def test_strange_wishes_do_no_harm(
    alice: User, client_as: ClientAs, make_run: MakeRun, query: str
) -> None:
    make_run()
    assert client_as(alice).get(f"/runs/?{query}").status_code == 200


def test_sorting_stands_in_the_query_string_and_values_come_first(
    alice: User, client_as: ClientAs, make_run: MakeRun
) -> None:
    none, low, high = make_run(), make_run(), make_run()
    change(low, latest_metrics={"tool_reliability": 0.2})
    change(high, evidence=evidence(), latest_metrics={"tool_reliability": 0.1})
    client = client_as(alice)
    falling = client.get("/runs/?sort=-reliability").content.decode()
    assert shown(falling) == [high.pk, low.pk, none.pk]
    assert 'aria-sort="descending"' in falling
    assert shown(client.get("/runs/?sort=reliability").content.decode()) == [
        low.pk,
        high.pk,
        none.pk,
    ]


def test_pages_keep_the_filter(
    alice: User, client_as: ClientAs, make_run: MakeRun, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:  # fmt: skip
    for _ in range(PER_PAGE + 1):
        make_run()
    client = client_as(alice)
    with django_assert_max_num_queries(6):
        html = client.get("/runs/?status=queued").content.decode()
    assert len(shown(html)) == PER_PAGE
    assert "status=queued&amp;page=2" in html
    assert len(shown(client.get("/runs/?status=queued&page=2").content.decode())) == 1


def test_htmx_gets_the_table_and_history_gets_the_page(
    alice: User, client_as: ClientAs, make_run: MakeRun
) -> None:
    make_run()
    client = client_as(alice)
    fragment = client.get("/runs/", headers={"HX-Request": "true"})
    assert fragment.content.decode().strip().startswith('<div id="run-table"')
    assert "HX-Request" in fragment["Vary"]
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert b"<html" in client.get("/runs/", headers=headers).content
