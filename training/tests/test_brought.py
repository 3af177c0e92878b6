"""Runs on scenarios that users brought: pinned to their edition, and in the way of deleting it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from scenarios import services as catalogue
from scenarios.models import Scenario
from scenarios.tests.own import KEY, document, text
from training import services
from training.rl.config import ConfigError

pytestmark = pytest.mark.django_db

ClientAs = Callable[[User], Client]


def brought(owner: User) -> Scenario:
    return catalogue.save_scenario(owner=owner, document=document(), source=text())[0]


def test_an_own_scenario_is_deleted_unless_runs_name_it(client_as: ClientAs, alice: User) -> None:
    client = client_as(alice)
    brought(alice)
    assert client.post(f"/scenarios/{KEY}/delete/").headers["Location"] == "/scenarios/"
    assert not Scenario.objects.filter(key=KEY).exists()
    brought(alice)
    services.create_run(owner=alice, values={"scenario": KEY})
    page = client.post(f"/scenarios/{KEY}/delete/", follow=True).content.decode()
    assert "Loan desk stays" in page
    assert client.delete(f"/api/scenarios/{KEY}/").status_code == 409
    assert Scenario.objects.filter(key=KEY).exists()


def test_a_run_is_pinned_to_the_edition_that_it_began_with(alice: User) -> None:
    first = brought(alice).content_hash
    run = services.create_run(owner=alice, values={"scenario": KEY})
    again = document(("seconds: 0.3", "seconds: 0.7"))
    catalogue.save_scenario(owner=alice, document=again)
    run.refresh_from_db()
    assert run.scenario_hash == first != run.scenario.content_hash


def test_nobody_trains_on_what_others_brought(alice: User, bob: User) -> None:
    brought(alice)
    with pytest.raises(ConfigError, match="not in the catalogue"):
        services.create_run(owner=bob, values={"scenario": KEY})


def test_a_name_that_is_nearly_right_gets_a_hint(alice: User) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'customer_support'"):
        services.create_run(owner=alice, values={"scenario": "custmer_support"})
