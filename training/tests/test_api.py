"""The REST API of runs, as a stranger's program would use and misuse it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from models_registry.services import create_token, register_version
from training import live, services, tasks
from training.models import Run
from training.tests.progress import WEIGHTS, MakeRun, step


class Api:
    """JSON over HTTP with a token."""

    def __init__(self, token: str) -> None:
        self.client, self.headers = Client(), {"authorization": f"Token {token}"}

    def get(self, path: str) -> tuple[int, Any]:
        answer = self.client.get(path, headers=self.headers)
        return answer.status_code, answer.json()

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        answer = self.client.post(path, body, content_type="application/json", headers=self.headers)
        return answer.status_code, answer.json()


@pytest.fixture
def api(alice: User) -> Api:
    return Api(create_token(owner=alice, name="test")[1])


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Run ids that were sent to the workers."""
    found: list[int] = []
    monkeypatch.setattr(tasks, "_send", found.append)
    return found


def test_start_makes_a_queued_run_and_tells_a_worker(
    api: Api,
    alice: User,
    sent: list[int],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        code, answer = api.post(
            "/api/training/start/", {"scenario": "echo", "episodes": 50, "learning_rate": 0.01}
        )
    run = Run.objects.get()
    assert code == 202
    assert answer == {
        "run_id": run.pk,
        "status": "queued",
        "url": f"http://testserver/api/training/status/?run_id={run.pk}",
    }
    assert run.owner == alice
    assert run.config["episodes"] == 50
    assert sent == [run.pk]
    assert api.get(answer["url"].removeprefix("http://testserver"))[1]["status"] == "queued"


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"scenario": "ecco"}, "scenario", "Did you mean 'echo'"),
        ({"episodes": 5}, "scenario", "which scenario"),
        ({"scenario": "echo", "episodes": 0}, "episodes", "at least 1"),
        ({"scenario": "echo", "episodes": -1}, "episodes", "at least 1"),
        ({"scenario": "echo", "episodes": 10**12}, "episodes", "at most 10,000,000"),
        ({"scenario": "echo", "learning_rate": "abc"}, "learning_rate", "must be a number"),
        ({"scenario": "echo", "learning_rate": "NaN"}, "learning_rate", "finite"),
        ({"scenario": "echo", "episods": 5}, "episods", "did you mean 'episodes'"),
        ({"scenario": "e\0"}, "scenario", "must be text"),
        ({"scenario": ["echo"]}, "scenario", "must be text"),
        ({"scenario": "echo", "episodes": None}, "episodes", "must be a number"),
        ({"scenario": "echo", "episodes": {}}, "episodes", "must be a number"),
    ],
)
def test_a_bad_setting_is_named_with_the_fix(api: Api, body: Any, field: str, words: str) -> None:
    code, answer = api.post("/api/training/start/", body)
    assert (code, list(answer)) == (400, [field])
    assert words in answer[field][0]
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "",
        '{"scenario": NaN}',
        "[1]",
        '"echo"',
        "null",
        "\xff",
        "[" * 100_000,
        "1" * 10_000,
        '{"a": 1e999}',
    ],
)
@pytest.mark.parametrize("path", ["/api/training/start/", "/api/training/stop/"])
def test_a_body_that_is_no_json_object_is_400(api: Api, path: str, text: str) -> None:
    code, answer = api.post(path, text.encode("latin-1"))
    assert code == 400
    assert answer
    assert not Run.objects.exists()


def test_stop_stops_a_queued_run_at_once(api: Api, make_run: MakeRun) -> None:
    code, answer = api.post("/api/training/stop/", {"run_id": make_run().pk})
    assert (code, answer["status"]) == (202, "stopped")


def test_stop_asks_a_running_run_and_asking_twice_is_harmless(api: Api, running: Run) -> None:
    for _ in range(2):
        code, answer = api.post("/api/training/stop/", {"run_id": running.pk})
        assert (code, answer["status"]) == (202, "stopping")


def test_stopping_a_finished_run_is_a_conflict_in_words(api: Api, running: Run) -> None:
    services.finish(running, version=None, evidence=None)
    code, answer = api.post("/api/training/stop/", {"run_id": running.pk})
    assert code == 409
    assert "already ended (succeeded)" in answer["detail"]


@pytest.mark.parametrize("run_id", ["abc", None, 0, -1, 10**30])
def test_a_strange_run_id_is_400_and_named(api: Api, run_id: Any) -> None:
    code, answer = api.post("/api/training/stop/", {"run_id": run_id})
    assert (code, list(answer)) == (400, ["run_id"])


def test_status_tells_everything_about_a_run(api: Api, running: Run) -> None:
    services.record(running, step(10))
    code, answer = api.get(f"/api/training/status/?run_id={running.pk}")
    assert code == 200
    assert answer["status"] == "running"
    assert (answer["episodes_done"], answer["total_episodes"]) == (10, 40)
    assert answer["metrics"] == {"reward": 0.25}
    assert answer["seconds_left"] == pytest.approx(3.0)
    assert answer["config"]["scenario"] == "echo"
    assert answer["model_id"] is None


@pytest.mark.parametrize(
    "query", ["", "?run_id=", "?run_id=abc", "?run_id=-1", "?run_id=" + "9" * 40]
)
def test_status_without_a_run_id_says_what_to_give(api: Api, query: str) -> None:
    code, answer = api.get(f"/api/training/status/{query}")
    assert (code, list(answer)) == (400, ["run_id"])


def test_metrics_come_in_pieces(api: Api, running: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    services.record(
        running, *(step(n, metrics={"reward": float("nan"), "success": 0.5}) for n in range(1, 6))
    )
    monkeypatch.setattr(live, "MOST_POINTS", 2)
    monkeypatch.setattr(live.points_after, "__kwdefaults__", {"limit": 2})
    code, answer = api.get(f"/api/metrics/{running.pk}/?since=1")
    assert code == 200
    assert [point["seq"] for point in answer["points"]] == [2, 3]
    assert answer["points"][0]["values"] == {"reward": None, "success": 0.5}
    assert answer["last_seq"] == 5
    assert answer["next"] == f"http://testserver/api/metrics/{running.pk}/?since=3"
    assert api.get(f"/api/metrics/{running.pk}/?since=4")[1]["next"] is None


@pytest.mark.parametrize("since", ["abc", "-1", "1" * 30, "1.5"])
def test_a_strange_since_is_named(api: Api, running: Run, since: str) -> None:
    code, answer = api.get(f"/api/metrics/{running.pk}/?since={since}")
    assert (code, list(answer)) == (400, ["since"])


def test_other_peoples_runs_are_not_found(bob: User, running: Run) -> None:
    stranger = Api(create_token(owner=bob, name="test")[1])
    assert stranger.get(f"/api/training/status/?run_id={running.pk}")[0] == 404
    assert stranger.get(f"/api/metrics/{running.pk}/")[0] == 404
    assert stranger.post("/api/training/stop/", {"run_id": running.pk})[0] == 404
    running.refresh_from_db()
    assert running.status == "running"


def test_a_run_outlives_the_version_that_it_made(api: Api, alice: User, running: Run) -> None:
    version = register_version(
        owner=alice,
        name="a",
        scenario=running.scenario,
        weights=WEIGHTS,
        manifest={},
        evidence={"x": 1},
    )
    services.finish(running, version=version, evidence={"x": 1})
    assert api.get(f"/api/training/status/?run_id={running.pk}")[1]["model_id"] == version.pk
    assert api.client.delete(f"/api/models/{version.pk}/", headers=api.headers).status_code == 204
    _, status = api.get(f"/api/training/status/?run_id={running.pk}")
    assert (status["model_id"], status["evidence"]) == (None, {"x": 1})


def test_staff_sees_all_runs(admin: User, running: Run) -> None:
    assert Api(create_token(owner=admin, name="t")[1]).get(f"/api/metrics/{running.pk}/")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api/training/status/?run_id=1",
        "/api/metrics/1/",
        "/api/models/",
        "/api/scenarios/",
        "/api/models/1/",
    ],
)
def test_nobody_gets_in_without_a_login(db: None, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 401
    assert answer.json()["detail"]


@pytest.mark.django_db(transaction=True)
def test_with_redis_down_the_run_is_queued_and_told_later(api: Api, settings: Settings) -> None:
    from celery import current_app

    before = current_app.conf.broker_url
    current_app.conf.broker_url = "redis+socket:///nowhere/redis.sock"
    current_app.amqp._producer_pool = None
    try:
        code, _ = api.post("/api/training/start/", {"scenario": "echo"})
    finally:
        current_app.conf.broker_url = before
        current_app.amqp._producer_pool = None
    run = Run.objects.get()
    assert (code, run.status, run.woken_at) == (202, "queued", None)
    assert services.queued_without_message() == [run.pk]


def test_the_schema_documents_every_endpoint_without_warnings(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    from drf_spectacular.generators import SchemaGenerator
    from drf_spectacular.validation import validate_schema

    generator: Any = SchemaGenerator
    validate: Any = validate_schema
    schema = generator().get_schema(request=None, public=True)
    validate(schema)
    assert "Warning" not in capsys.readouterr().err
    assert set(schema["paths"]) >= {
        "/api/scenarios/", "/api/scenarios/{name}/", "/api/training/start/", "/api/training/stop/",
        "/api/training/status/", "/api/models/", "/api/models/{id}/", "/api/metrics/{run_id}/",
    }  # fmt: skip
    start = schema["paths"]["/api/training/start/"]["post"]
    assert set(start["responses"]) == {"202", "400", "401"}
    assert set(schema["components"]["schemas"]["StartRequest"]["properties"]) >= {
        "scenario",
        "episodes",
        "seed",
    }


@pytest.mark.parametrize("path", ["/api/", "/api/trainings/start/"])
def test_an_unknown_address_is_answered_in_json(api: Api, path: str) -> None:
    code, answer = api.get(path)
    assert code == 404
    assert "/api/docs/" in answer["detail"]
