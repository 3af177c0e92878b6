"""The admin: everything can be looked at, nothing goes round the services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin as site
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from models_registry import services as registry
from models_registry.models import ApiToken, Price, Version
from scenarios import playing
from scenarios import services as catalogue
from scenarios.models import Scenario
from scenarios.tests.own import document
from training import services
from training.models import Checkpoint, Run
from training.studies_models import Trial, TrialRun
from training.tests.progress import WEIGHTS, sample, step
from training.tests.studying import new_study

ClientAs = Callable[[User], Client]
OURS = [
    model
    for app in ("scenarios", "models_registry", "training")
    for model in apps.get_app_config(app).get_models()
]


@pytest.fixture
def full(running: Run, alice: User) -> Run:
    """A row of every kind."""
    checkpoint = Checkpoint(run=running, name="one", sha256="0" * 64, update=1, episodes=1)
    services.record(running, step(1, samples=(sample(),)), checkpoint=checkpoint)
    services.request_change(run=running, actor=alice, values={"learning_rate": 0.5})
    registry.register_version(
        owner=alice,
        name="a",
        scenario=Scenario.objects.get(key="echo"),
        weights=WEIGHTS,
        manifest={},
        evidence={},
    )
    registry.create_token(owner=alice, name="t")
    registry.note_decision(version=Version.objects.get())
    catalogue.save_scenario(owner=alice, document=document())
    playing.begin(player=alice, row=Scenario.objects.get(key="echo"), difficulty="easy")
    trial = Trial.objects.create(study=new_study(alice), number=0)
    TrialRun.objects.create(trial=trial, run=running, place=0)
    Price.objects.get_or_create(
        model="small",
        defaults={"input_per_million": 1, "output_per_million": 1, "as_of": "2026-11-01"},
    )
    return running


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_model_has_a_list_and_a_page(
    full: Run, client_as: ClientAs, admin: User, model: Any
) -> None:
    assert site.site.is_registered(model)
    client, name = client_as(admin), f"admin:{model._meta.label_lower.replace('.', '_')}"
    assert client.get(reverse(f"{name}_changelist") + "?q=1").status_code == 200
    assert client.get(reverse(f"{name}_change", args=[model.objects.first().pk])).status_code == 200


@pytest.mark.parametrize(
    "model", [m for m in OURS if m is not Price], ids=lambda model: model.__name__
)
def test_only_prices_can_be_edited(full: Run, client_as: ClientAs, admin: User, model: Any) -> None:
    client, name = client_as(admin), f"admin:{model._meta.label_lower.replace('.', '_')}"
    pk = model.objects.first().pk
    assert client.get(reverse(f"{name}_add")).status_code == 403
    assert client.post(reverse(f"{name}_change", args=[pk]), {}).status_code == 403
    assert client.post(reverse(f"{name}_delete", args=[pk]), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=pk).exists()


def test_a_price_can_be_edited(full: Run, client_as: ClientAs, admin: User) -> None:
    price = Price.objects.first()
    assert price is not None
    values = {
        "model": "mine",
        "input_per_million": "3",
        "output_per_million": "4",
        "as_of": "2026-12-01",
    }
    path = reverse("admin:models_registry_price_change", args=[price.pk])
    assert client_as(admin).post(path, values).status_code == 302
    price.refresh_from_db()
    assert (price.model, price.is_reference) == ("mine", False)
    answer = client_as(admin).post(path, values | {"input_per_million": "-3"})
    assert "greater than or equal to 0" in answer.content.decode()


def test_tokens_can_be_revoked_and_their_digest_is_not_shown(
    full: Run, client_as: ClientAs, admin: User
) -> None:
    token, client = ApiToken.objects.get(), client_as(admin)
    page = client.get(
        reverse("admin:models_registry_apitoken_change", args=[token.pk])
    ).content.decode()
    assert token.digest not in page
    values = {"action": "revoke", "_selected_action": [token.pk]}
    assert (
        client.post(reverse("admin:models_registry_apitoken_changelist"), values).status_code == 302
    )
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_staff_finds_the_traceback_in_a_runs_events(
    running: Run, client_as: ClientAs, admin: User
) -> None:
    services.fail(running, failure="x", detail={"traceback": "Traceback of the failure"})
    page = (
        client_as(admin)
        .get(reverse("admin:training_run_change", args=[running.pk]))
        .content.decode()
    )
    assert "Traceback of the failure" in page
