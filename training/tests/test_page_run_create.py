"""The start form."""

from __future__ import annotations

import re
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from training import tasks
from training.models import Run
from training.rl.config import SPECS, TrainConfig
from training.tests.progress import MakeRun

ClientAs = Callable[[User], Client]


@pytest.fixture(autouse=True)
def launched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Runs that a worker was told about; nobody works in these tests."""
    told: list[int] = []
    monkeypatch.setattr(tasks, "launch", lambda run: told.append(run.pk))
    return told


def test_strangers_are_sent_to_the_login(db: None) -> None:
    assert Client().get("/runs/new/").status_code == 302
    assert Client().post("/runs/new/", {"scenario": "echo"}).status_code == 302
    assert not Run.objects.exists()


def test_every_setting_of_the_trainer_has_a_field_with_help(
    alice: User, client_as: ClientAs
) -> None:
    html = client_as(alice).get("/runs/new/").content.decode()
    for name, spec in SPECS.items():
        assert f'name="{name}"' in html
        assert f'id="id_{name}_helptext"' in html
        assert spec.label in html
    assert f'value="{TrainConfig().episodes}"' in html


def test_the_form_starts_with_what_the_address_asks_for(
    alice: User, bob: User, client_as: ClientAs, make_run: MakeRun
) -> None:
    client = client_as(alice)
    html = client.get("/runs/new/?scenario=echo&difficulty=hard").content.decode()
    assert '<option value="echo" selected>' in html
    assert '<option value="hard" selected>' in html
    run = make_run(episodes=777)
    assert 'value="777"' in client.get(f"/runs/new/?from={run.pk}").content.decode()
    for earlier in (make_run(owner=bob, episodes=888).pk, "x", "", 10**30):
        assert 'value="888"' not in client.get(f"/runs/new/?from={earlier}").content.decode()


def test_a_good_form_starts_a_run(alice: User, client_as: ClientAs, launched: list[int]) -> None:
    response = client_as(alice).post(
        "/runs/new/", {"scenario": "echo", "episodes": "64", "seed": ""}
    )
    run = Run.objects.get()
    assert response["Location"] == f"/runs/{run.pk}/"
    assert (run.owner, run.status, run.config["episodes"], run.config["seed"]) == (
        alice,
        "queued",
        64,
        0,
    )
    assert launched == [run.pk]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"episodes": "0"}, "Must be at least 1"),
        ({"episodes": "-1"}, "Must be at least 1"),
        ({"episodes": "1000000000000"}, "at most"),
        ({"episodes": "1.5"}, "whole number"),
        ({"learning_rate": "abc"}, "Must be a number"),
        ({"learning_rate": "NaN"}, "finite number"),
        ({"learning_rate": "0"}, "Must be above 0"),
        ({"scenario": "customer_suport"}, "Did you mean"),
        ({"difficulty": "meduim"}, "did you mean"),
        ({"algorithm": "a\0b"}, "Null characters are not allowed"),
        ({"episodes": "9" * 40}, "at most 30 characters"),
    ],
)
def test_a_bad_value_is_named_with_the_fix_and_nothing_is_lost(
    alice: User, client_as: ClientAs, values: dict[str, str], words: str
) -> None:
    response = client_as(alice).post(
        "/runs/new/", {"scenario": "echo", "batch_size": "333", **values}
    )
    html = response.content.decode()
    assert response.status_code == 422
    assert not Run.objects.exists()
    name = next(iter(values))
    assert words.replace("'", "&#x27;") in html
    assert re.search(rf'id="id_{name}_error"', html)
    assert f'href="#id_{name}"' in html  # the summary leads to the field
    assert 'role="alert" tabindex="-1" data-focus' in html
    assert 'value="333"' in html


def test_an_error_among_the_advanced_settings_opens_them(alice: User, client_as: ClientAs) -> None:
    client = client_as(alice)
    assert "<details open>" not in client.get("/runs/new/").content.decode()
    html = client.post("/runs/new/", {"scenario": "echo", "clip_range": "7"}).content.decode()
    assert "<details open>" in html


def test_what_the_service_refuses_is_shown_too(
    alice: User, client_as: ClientAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import services
    from training.rl.config import ConfigError

    def refuse(**_: Any) -> Run:
        raise ConfigError({"scenario": "is not in the catalogue", "quota": "is used up"})

    monkeypatch.setattr(services, "create_run", refuse)
    html = client_as(alice).post("/runs/new/", {"scenario": "echo"}).content.decode()
    assert "Is not in the catalogue" in html
    assert "is used up" in html


def test_a_form_that_is_sent_twice_starts_one_run(alice: User, client_as: ClientAs) -> None:
    client = client_as(alice)
    values = {"scenario": "echo", "submission": "abc"}
    first, second = client.post("/runs/new/", values), client.post("/runs/new/", values)
    assert first["Location"] == second["Location"]
    assert (
        client.post("/runs/new/", values | {"submission": "def"})["Location"] != first["Location"]
    )
    assert Run.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_start_one_run(alice: User, client_as: ClientAs) -> None:
    session = client_as(alice).cookies["agentgym_session"].value
    barrier, places = Barrier(2), []

    def click() -> None:
        client = Client()
        client.cookies["agentgym_session"] = session
        barrier.wait()
        places.append(
            client.post("/runs/new/", {"scenario": "echo", "submission": "x"})["Location"]
        )
        connection.close()

    threads = [Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert places[0] == places[1]
    assert Run.objects.count() == 1
