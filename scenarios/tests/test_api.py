"""The REST API of the catalogue."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from scenarios.library import library

ClientAs = Callable[[User], Client]


def test_the_list_shows_every_scenario(client_as: ClientAs, alice: User) -> None:
    answer = client_as(alice).get("/api/scenarios/").json()
    assert answer["count"] == len(library.keys())
    echo = next(entry for entry in answer["results"] if entry["name"] == "echo")
    assert set(echo) == {"name", "title", "version", "builtin", "content_hash"}


def test_the_list_has_pages(
    client_as: ClientAs, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_as(alice)
    with django_assert_num_queries(4):  # session, user, count, rows
        answer = client.get("/api/scenarios/?limit=1").json()
    assert len(answer["results"]) == 1
    assert "offset=1" in answer["next"]


def test_strange_pages_are_harmless(client_as: ClientAs, alice: User) -> None:
    client = client_as(alice)
    for query in (
        "limit=abc",
        "limit=-1",
        "limit=99999999999999999999",
        "offset=-3",
        "offset=99999999999999999999",
    ):
        assert client.get(f"/api/scenarios/?{query}").status_code == 200


def test_one_scenario_with_its_tools(client_as: ClientAs, alice: User) -> None:
    answer = client_as(alice).get("/api/scenarios/echo/").json()
    assert answer["card"]["criteria"]["tool_reliability"] == 0.95
    assert [tool["name"] for tool in answer["card"]["tools"]] == ["whisper", "shout"]


def test_an_unknown_scenario_is_404_and_names_the_known_ones(
    client_as: ClientAs, alice: User
) -> None:
    answer = client_as(alice).get("/api/scenarios/ecco/")
    assert answer.status_code == 404
    assert "echo" in answer.json()["detail"]


def test_a_nul_byte_in_the_name_is_not_found(client_as: ClientAs, alice: User) -> None:
    assert client_as(alice).get("/api/scenarios/e%00/").status_code == 404
