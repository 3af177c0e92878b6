"""Home."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from models_registry import services as registry
from training.models import Run
from training.tests.portal import agent, change, evidence
from training.tests.progress import WEIGHTS, MakeRun

ClientAs = Callable[[User], Client]


def test_strangers_are_sent_to_the_login(db: None) -> None:
    assert Client().get("/")["Location"] == "/accounts/login/?next=/"


def test_the_first_visit_says_what_to_do(alice: User, client_as: ClientAs) -> None:
    html = client_as(alice).get("/").content.decode()
    assert "Train your first agent" in html
    assert "agentgym train customer_support" in html
    assert "curl -X POST http://testserver/api/training/start/" in html


def test_running_recent_and_best_are_shown(
    alice: User, bob: User, client_as: ClientAs, make_run: MakeRun, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:  # fmt: skip
    mine, ended, other = make_run(), make_run(), make_run(owner=bob)
    change(ended, status=Run.Status.SUCCEEDED, evidence=evidence())
    registry.register_version(
        owner=alice, name="best", scenario=ended.scenario, weights=WEIGHTS, manifest={}, evidence=evidence()
    )  # fmt: skip
    client = client_as(alice)
    with django_assert_max_num_queries(5):
        html = client.get("/").content.decode()
    assert f"/runs/{mine.pk}/" in html
    assert f"/runs/{ended.pk}/" in html
    assert f"/runs/{other.pk}/" not in html
    assert "best v1" in html
    assert "88.0 to 92.0 %" in html
    assert "held-out" in html


def test_the_polled_fragment_is_only_the_running_part(
    alice: User, client_as: ClientAs, make_run: MakeRun
) -> None:
    run = make_run()
    response = client_as(alice).get("/", headers={"HX-Request": "true"})
    html = response.content.decode()
    assert html.strip().startswith('<section id="running-runs"')
    assert f"Run {run.pk}" in html
    assert "<html" not in html
    assert "HX-Request" in response["Vary"]
    assert 'hx-trigger="every 2s"' in html


def test_polling_slows_down_when_nothing_runs(
    alice: User, client_as: ClientAs, make_run: MakeRun
) -> None:
    change(make_run(), status=Run.Status.STOPPED)
    assert 'hx-trigger="every 10s"' in client_as(alice).get("/").content.decode()


def test_staff_sees_whose_run_it_is(admin: User, client_as: ClientAs, make_run: MakeRun) -> None:
    make_run()
    assert "alice" in client_as(admin).get("/").content.decode()


def test_of_each_scenario_the_best_version_is_shown(
    alice: User, client_as: ClientAs, make_run: MakeRun
) -> None:
    scenario = make_run().scenario
    for name, rate in (("weak", 0.4), ("strong", 0.8), ("early", None)):
        agents = {"trained": agent("Trained policy", rate or 0.0)}
        proof = {"agents": agents, "difficulty": "easy"} if rate else None
        registry.register_version(
            owner=alice, name=name, scenario=scenario, weights=WEIGHTS, manifest={}, evidence=proof
        )
    html = client_as(alice).get("/").content.decode()
    assert "strong v1" in html
    assert "weak v1" not in html
    assert "early v1" not in html
