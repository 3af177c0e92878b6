"""The REST API of studies."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from models_registry.services import create_token
from training import studies_messages
from training.studies_models import Study
from training.tests.studying import PLAN, HandMade, carry_on, first_value, new_study, searched

pytestmark = pytest.mark.django_db(transaction=True)


class Api:
    """JSON over HTTP with a token."""

    def __init__(self, owner: User) -> None:
        self.client = Client()
        self.headers = {"authorization": f"Token {create_token(owner=owner, name='t')[1]}"}

    def get(self, path: str) -> tuple[int, Any]:
        answer = self.client.get(path, headers=self.headers)
        is_json = answer["content-type"].startswith("application/json")
        return answer.status_code, answer.json() if is_json else answer.content.decode()

    def post(self, path: str, body: Any = None) -> tuple[int, Any]:
        answer = self.client.post(
            path,
            {} if body is None else body,
            content_type="application/json",
            headers=self.headers,
        )
        return answer.status_code, answer.json()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Studies that workers were told about."""
    found: list[int] = []
    monkeypatch.setattr(studies_messages, "_send", found.append)
    return found


@pytest.fixture
def api(alice: User, sent: list[int]) -> Api:
    return Api(alice)


def test_a_study_from_start_to_model(api: Api, alice: User, sent: list[int], hand_made: HandMade) -> None:  # fmt: skip
    code, answer = api.post("/api/studies/", {**PLAN, "name": "first"})
    assert code == 202
    study = Study.objects.get()
    assert (answer["study_id"], answer["status"], answer["name"]) == (study.pk, "running", "first")
    assert sent == [study.pk]
    carry_on(study)
    code, answer = api.get(f"/api/studies/{study.pk}/")
    assert code == 200
    assert answer["status"] == "succeeded"
    assert answer["trials"] == {"running": 0, "complete": 4, "pruned": 0, "failed": 0}
    assert answer["front"] == [answer["verdict"]["winner"]]
    code, answer = api.post(f"/api/studies/{study.pk}/register/", {"name": "best of all"})
    assert (code, answer["name"], answer["number"]) == (200, "best of all", 1)
    assert api.get(f"/api/models/{answer['model_id']}/")[0] == 200
    assert api.get(f"/api/studies/{study.pk}/")[1]["model_id"] == answer["model_id"]


def test_bad_input_names_the_field(api: Api) -> None:
    assert api.post("/api/studies/", {})[1]["scenario"]
    code, answer = api.post(
        "/api/studies/",
        {"scenario": "echo", "space": {"learning_rate": {"low": 1, "high": 0.1}}, "trials": "many",
         "settings": {"episdes": 1}},
    )  # fmt: skip
    assert code == 400
    assert set(answer) == {"space.learning_rate", "trials", "settings.episdes"}
    assert api.post("/api/studies/", {"scenario": "echo", "name": 5})[0] == 400
    assert api.post("/api/studies/", [1])[0] == 400
    assert not Study.objects.exists()


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(api: Api, number: float) -> None:
    body = json.dumps({**PLAN, "timeout": number})
    answer = api.client.post(
        "/api/studies/", body, content_type="application/json", headers=api.headers
    )
    assert answer.status_code == 400


def test_pause_resume_extend_stop(api: Api, alice: User, sent: list[int], hand_made: HandMade) -> None:  # fmt: skip
    study = new_study(alice)
    carry_on(study, most=1)
    assert api.post(f"/api/studies/{study.pk}/pause/")[1]["status"] == "paused"
    assert api.post(f"/api/studies/{study.pk}/extend/", {"trials": 9})[1]["config"]["trials"] == 9
    assert api.post(f"/api/studies/{study.pk}/resume/")[1]["status"] == "running"
    code, answer = api.post(f"/api/studies/{study.pk}/resume/")
    assert (code, "only a paused one" in answer["detail"]) == (409, True)
    assert api.post(f"/api/studies/{study.pk}/extend/", {"sampler": "random"})[0] == 400
    assert api.post(f"/api/studies/{study.pk}/stop/")[1]["status"] == "stopping"
    carry_on(study)
    assert api.post(f"/api/studies/{study.pk}/register/")[0] == 409
    kinds = [entry["kind"] for entry in api.get(f"/api/studies/{study.pk}/")[1]["history"]]
    assert kinds == ["created", "paused", "extended", "resumed", "stopped"]
    assert sent.count(study.pk) >= 4


def test_trials_and_exports(api: Api, alice: User, hand_made: HandMade) -> None:
    study = new_study(alice, pruner="median")
    carry_on(study)
    code, answer = api.get(f"/api/studies/{study.pk}/trials/?limit=2")
    assert (code, len(answer["results"])) == (200, 2)
    first = searched(study)[0]
    assert answer["results"][0]["params"] == first.params
    assert answer["results"][0]["values"] == {"success": first_value(first)}
    _, document = api.get(f"/api/studies/{study.pk}/export/")
    assert len(document["all_trials"]) == study.trials.count()
    _, text = api.get(f"/api/studies/{study.pk}/export/?as=csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [int(row["trial"]) for row in rows] == [0, 1, 2, 3]
    assert float(rows[0]["success"]) == first_value(first)
    assert float(rows[0]["learning_rate"]) == first.params["learning_rate"]
    assert api.get(f"/api/studies/{study.pk}/export/?as=xml")[0] == 400


def test_lists_are_pages(api: Api, alice: User) -> None:
    for _ in range(3):
        new_study(alice)
    code, answer = api.get("/api/studies/?limit=2")
    assert (code, answer["count"], len(answer["results"])) == (200, 3, 2)
    assert answer["results"][0]["scenario"] == "echo"


@pytest.mark.parametrize("path", ["", "trials/", "export/"])
def test_other_people_s_studies_are_not_found(alice: User, bob: User, path: str) -> None:
    study, stranger = new_study(alice), Api(bob)
    assert stranger.get(f"/api/studies/{study.pk}/{path}")[0] == 404
    assert stranger.get("/api/studies/")[1]["count"] == 0


@pytest.mark.parametrize("action", ["pause", "resume", "stop", "extend", "register"])
def test_other_people_s_studies_cannot_be_steered(alice: User, bob: User, action: str) -> None:
    study = new_study(alice)
    assert Api(bob).post(f"/api/studies/{study.pk}/{action}/")[0] == 404
    assert Client().post(f"/api/studies/{study.pk}/{action}/").status_code == 401


def test_a_spreadsheet_gets_no_formula(alice: User, hand_made: HandMade) -> None:
    study = new_study(alice, trials=1, confirm_top=0)
    carry_on(study)
    study.trials.update(failure="=1+1")
    assert "'=1+1" in Api(alice).get(f"/api/studies/{study.pk}/export/?as=csv")[1]
