"""Pausing, resuming, changing and branching on the portal's pages, and through the REST API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from models_registry.services import create_token
from training import checkpoints, live, series, services, tasks
from training.models import Change, Checkpoint, Run
from training.tests.portal import change
from training.tests.progress import MakeRun, saved, step
from training.tests.test_api import Api

ClientAs = Callable[[User], Client]
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def api(alice: User) -> Api:
    return Api(create_token(owner=alice, name="test")[1])


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Run ids that were sent to the workers."""
    found: list[int] = []
    monkeypatch.setattr(tasks, "launch", lambda run: found.append(run.pk))
    return found


@pytest.fixture
def checkpoint(running: Run) -> Checkpoint:
    """A checkpoint on disk, of alice's running run."""
    progress = saved(20)
    services.record(running, progress, checkpoint=checkpoints.write(running, progress))
    return running.checkpoints.get()


def test_pause_and_resume_by_button(
    alice: User, client_as: ClientAs, running: Run, sent: list[int]
) -> None:
    client, url = client_as(alice), f"/runs/{running.pk}/"
    page = client.get(url).content.decode()
    assert 'form="pause-form"' in page
    assert 'form="resume-form"' not in page
    page = client.post(f"{url}pause/", follow=True).content.decode()
    assert "pauses at its next update" in page
    assert 'form="resume-form"' in page
    services.pause(running)
    page = client.get(url).content.decode()
    assert "Paused after 0 of 40 episodes." in page
    page = client.post(f"{url}resume/", follow=True).content.decode()
    assert "goes on as soon as a worker is free" in page
    assert sent == [running.pk]
    change(running, status="stopping")
    page = client.post(f"{url}pause/", follow=True).content.decode()
    assert "is being stopped" in page


@pytest.mark.parametrize("path", ["pause", "resume", "change", "branch"])
def test_only_the_owner_steers_and_only_by_post(
    alice: User, bob: User, client_as: ClientAs, running: Run, path: str
) -> None:
    url = f"/runs/{running.pk}/{path}/"
    assert Client().post(url)["Location"] == f"/accounts/login/?next={url}"
    assert client_as(bob).post(url, {"learning_rate": "0.5"}).status_code == 404
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(url).status_code == 403
    if path in ("pause", "resume"):
        assert client_as(alice).get(url).status_code == 405
    running.refresh_from_db()
    assert (running.status, Change.objects.count(), Run.objects.count()) == ("running", 0, 1)


def test_settings_change_in_the_page(alice: User, client_as: ClientAs, running: Run) -> None:
    client, url = client_as(alice), f"/runs/{running.pk}/change/"
    given = {"learning_rate": "0.125", "episodes": "40", "curriculum": "off"}
    answer = client.post(url, given, **HTMX)  # type: ignore[arg-type]
    html = answer.content.decode()
    assert answer.status_code == 200
    assert html.strip().startswith("<form")
    assert "takes effect at the next update" in html
    assert "Learning rate 0.0006 → 0.125" in html
    assert 'value="0.125"' in html
    made = running.changes.get()
    assert (made.actor, made.after, made.update) == (alice, {"learning_rate": 0.125}, None)
    assert "Learning rate 0.0006 → 0.125" in client.get(f"/runs/{running.pk}/").content.decode()


@pytest.mark.parametrize("more", [{}, HTMX])
def test_a_bad_setting_is_named_and_nothing_is_lost(
    alice: User, client_as: ClientAs, running: Run, more: dict[str, Any]
) -> None:
    url = f"/runs/{running.pk}/change/"
    given = {"learning_rate": "-1", "curriculum": "easiest", "episodes": "77"}
    answer = client_as(alice).post(url, given, **more)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert ("<html" in html) is not bool(more)
    assert "Must be above 0" in html
    assert "A stage starts with easy" in html
    assert 'value="77"' in html
    assert not Change.objects.exists()


def test_without_scripts_the_form_is_a_page(alice: User, client_as: ClientAs, running: Run) -> None:
    client, url = client_as(alice), f"/runs/{running.pk}/change/"
    assert "Change run" in client.get(url).content.decode()
    page = client.post(url, {"episodes": "99"}, follow=True).content.decode()
    assert "takes effect at the next update" in page
    answer = client.post(url, {"episodes": "99"})
    assert answer.status_code == 422
    assert "Nothing would change" in answer.content.decode()
    services.record(running, step(40, phase="evidence", metrics={}))
    assert "final test" in client.post(url, {"episodes": "50"}).content.decode()
    assert 'id="change-form"' not in client.get(f"/runs/{running.pk}/").content.decode()


def test_a_branch_by_form(
    alice: User, client_as: ClientAs, running: Run, checkpoint: Checkpoint, sent: list[int]
) -> None:
    client, url = client_as(alice), f"/runs/{running.pk}/branch/"
    assert f"?checkpoint={checkpoint.pk}" in client.get(f"/runs/{running.pk}/").content.decode()
    page = client.get(f"{url}?checkpoint={checkpoint.pk}").content.decode()
    assert "20 episodes" in page
    given = {"checkpoint": str(checkpoint.pk), "learning_rate": "0.5", "max_seconds": "60"}
    answer = client.post(url, given)
    branch = Run.objects.exclude(pk=running.pk).get()
    assert answer["Location"] == f"/runs/{branch.pk}/"
    assert (branch.parent_id, branch.max_seconds, sent) == (running.pk, 60.0, [branch.pk])
    assert branch.changes.get().after == {"learning_rate": 0.5}
    page = client.get(f"/runs/{branch.pk}/").content.decode()
    assert f'Branched off from <a href="/runs/{running.pk}/">' in page
    for bad in ({"max_cost": "x"}, {"checkpoint": "999999"}, {"episodes": "0"}):
        answer = client.post(url, given | bad)
        assert answer.status_code == 422, bad
    folder = Path(settings.RUNS_DIR) / str(running.pk) / "checkpoints"
    for file in folder.rglob("state.safetensors"):
        file.unlink()
    answer = client.post(url, given)
    assert (answer.status_code, b"choose another one" in answer.content) == (422, True)
    assert Run.objects.count() == 2


def test_a_branch_has_the_settings_of_its_form_whatever_held_at_the_checkpoint(
    alice: User, client_as: ClientAs, running: Run, checkpoint: Checkpoint
) -> None:
    made = services.request_change(run=running, actor=alice, values={"learning_rate": 0.5})
    services.record(running, step(21), applied={21: [made]})
    client, url = client_as(alice), f"/runs/{running.pk}/branch/"
    assert 'value="0.5"' in client.get(url).content.decode()
    client.post(url, {"checkpoint": str(checkpoint.pk), "learning_rate": "0.5"})
    branch = Run.objects.latest("pk")
    assert branch.config["learning_rate"] == 0.0006
    assert branch.changes.get().after == {"learning_rate": 0.5}


def test_a_run_without_a_checkpoint_has_nothing_to_branch_from(
    alice: User, client_as: ClientAs, running: Run
) -> None:
    client = client_as(alice)
    page = client.get(f"/runs/{running.pk}/branch/?checkpoint=9x").content.decode()
    assert "no checkpoint yet" in page


def test_marks_go_to_the_page_and_to_live_watchers(
    alice: User, client_as: ClientAs, running: Run
) -> None:
    made = services.request_change(run=running, actor=alice, values={"learning_rate": 0.5})
    services.record(running, step(1), step(2), applied={2: [made]})
    mark = {"kind": "change", "text": "Learning rate 0.0006 → 0.5", "by": "alice"}
    assert series.marks_of(running) == [{"episodes": 2, "seconds": 0.2, **mark}]
    assert [p["marks"] for p in live.points_after(running.pk, 0)] == [[], [mark]]
    assert [p["marks"] for p in series.points_since(running, 0)["points"]] == [[], [mark]]
    page = client_as(alice).get(f"/runs/{running.pk}/").content.decode()
    assert "Learning rate 0.0006 → 0.5, at 2 episodes, by alice" in page


def test_pause_and_resume_by_api(api: Api, running: Run, sent: list[int]) -> None:
    body = {"run_id": running.pk}
    for _ in range(2):
        code, answer = api.post("/api/training/pause/", body)
        assert (code, answer["status"]) == (202, "pausing")
    services.pause(running)
    code, answer = api.post("/api/training/resume/", body)
    assert (code, answer["status"], sent) == (202, "queued", [running.pk])
    change(running, status="succeeded")
    assert api.post("/api/training/pause/", body)[0] == 409
    assert "already ended" in api.post("/api/training/resume/", body)[1]["detail"]


def test_change_by_api(api: Api, running: Run) -> None:
    url = "/api/training/change/"
    code, answer = api.post(url, {"run_id": running.pk, "learning_rate": 0.5, "curriculum": "on"})
    assert code == 202
    entry = answer["changes"][0]
    assert (entry["by"], entry["update"]) == ("alice", None)
    assert entry["before"] == {"learning_rate": 0.0006, "curriculum": "off"}
    assert entry["after"] == {"learning_rate": 0.5, "curriculum": "on"}
    code, answer = api.post(url, {"run_id": running.pk, "learning_rate": -1, "seed": 3})
    assert code == 400
    assert set(answer) <= {"learning_rate", "seed"}
    assert api.post(url, {"run_id": running.pk})[1]["changes"][0].startswith("nothing would")
    assert api.post(url, {"learning_rate": 1})[0] == 400
    change(running, phase="evidence")
    assert api.post(url, {"run_id": running.pk, "episodes": 7})[0] == 409


def test_branch_by_api(api: Api, running: Run, checkpoint: Checkpoint, sent: list[int]) -> None:
    url = "/api/training/branch/"
    entry = api.get(f"/api/training/status/?run_id={running.pk}")[1]["checkpoints"][0]
    assert (entry["id"], entry["episodes"]) == (checkpoint.pk, 20)
    body = {"run_id": running.pk, "checkpoint": checkpoint.pk, "learning_rate": 0.5, "max_cost": 2}
    code, answer = api.post(url, body)
    assert (code, answer["parent_id"], answer["max_cost"]) == (202, running.pk, 2.0)
    assert sent == [answer["run_id"]]
    assert api.post(url, {"run_id": running.pk})[0] == 202  # the newest one, nothing changed
    for bad in ({"checkpoint": "x"}, {"checkpoint": True}, {"max_cost": -1}, {"episodes": 0}):
        assert api.post(url, body | bad)[0] == 400, bad
    assert api.post(url, body | {"checkpoint": 10**9})[0] == 404
    assert Run.objects.count() == 3


@pytest.mark.parametrize("path", ["pause", "resume", "change", "branch"])
def test_other_peoples_runs_do_not_exist(bob: User, running: Run, path: str) -> None:
    stranger = Api(create_token(owner=bob, name="test")[1])
    body = {"run_id": running.pk, "learning_rate": 0.5}
    assert stranger.post(f"/api/training/{path}/", body)[0] == 404


def test_a_budget_by_form_and_api(
    api: Api, alice: User, client_as: ClientAs, make_run: MakeRun
) -> None:
    code, answer = api.post("/api/training/start/", {"scenario": "echo", "max_cost": -3})
    assert (code, list(answer)) == (400, ["max_cost"])
    code, answer = api.post("/api/training/start/", {"scenario": "echo", "max_seconds": 90})
    assert Run.objects.get(pk=answer["run_id"]).max_seconds == 90.0
    client = client_as(alice)
    answer = client.post("/runs/new/", {"scenario": "echo", "max_seconds": "soon"})
    assert answer.status_code == 422
    assert "must be a number of at least 1" in answer.content.decode()
    client.post("/runs/new/", {"scenario": "echo", "max_cost": "0.5"})
    assert Run.objects.latest("pk").max_cost == 0.5
    page = client.get(f"/runs/{Run.objects.latest('pk').pk}/").content.decode()
    assert "0.0000 of 0.5 USD" in page
