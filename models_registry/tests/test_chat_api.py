"""Versions over HTTP from the portal: the decision endpoint, OpenAI's protocol, keys of one version, the playground."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from models_registry import services
from models_registry.models import Usage, Version
from models_registry.policies.architecture import ARCHITECTURE, initial_weights
from models_registry.tests.adapters.over_http import listening
from models_registry.tests.adapters.test_openai import llm
from scenarios.library import library
from scenarios.models import Scenario

ClientAs = Callable[[User], Client]
HELLO = {"role": "user", "content": "Please shout pine."}


@pytest.fixture
def version(alice: User, settings: Any, tmp_path: Any) -> Version:
    settings.MODELS_DIR = tmp_path
    return registered(alice, "echo")


def registered(owner: User, key: str) -> Version:
    scenario = Scenario.objects.get(key=key)
    tools = [tool.as_json() for tool in library.get(key)().tools]
    manifest = {
        "architecture": ARCHITECTURE,
        "scenario": key,
        "scenario_hash": scenario.content_hash,
        "tools": tools,
        "config": {"difficulty": "easy"},
        "seed": 0,
    }
    return services.register_version(
        owner=owner,
        name=f"my {key}",
        scenario=scenario,
        weights=initial_weights(0),
        manifest=manifest,
        evidence=None,
    )


def tools_of(version: Version) -> list[dict[str, Any]]:
    return [{"type": "function", "function": tool} for tool in version.manifest["tools"]]


def post(client: Client, path: str, body: Any, key: str = "") -> Any:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return client.post(path, json.dumps(body), content_type="application/json", headers=headers)


def test_a_decision_has_confidence_alternatives_and_mask(
    client_as: ClientAs, alice: User, version: Version
) -> None:
    body = {"messages": [HELLO], "tools": tools_of(version)}
    found = post(client_as(alice), f"/api/models/{version.pk}/decide/", body).json()
    assert found["kind"] in ("tool", "final", "ask", "hand_over")
    assert 0 <= found["confidence"] <= 1
    assert len(found["alternatives"]) == 3
    assert "final" in found["mask"]
    assert version.usage.get().decided == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "messages"),
        ({"messages": [HELLO], "tools": [3]}, "tools[0]"),
        ({"messages": [HELLO], "tool_choice": "required"}, "no tools are offered"),
        ({"messages": [HELLO], "role": "boss"}, "no team"),
    ],
)
def test_a_bad_request_is_explained(
    client_as: ClientAs, alice: User, version: Version, body: Any, words: str
) -> None:
    answer = post(client_as(alice), f"/api/models/{version.pk}/decide/", body)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


def test_other_peoples_versions_are_not_there(
    client_as: ClientAs, bob: User, version: Version
) -> None:
    body = {"messages": [HELLO], "model": str(version.pk)}
    client = client_as(bob)
    assert post(client, f"/api/models/{version.pk}/decide/", body).status_code == 404
    assert post(client, "/v1/chat/completions", body).status_code == 404
    assert client.get("/v1/models").json()["data"] == []


def test_a_key_of_a_version_opens_its_decisions_and_nothing_else(
    client: Client, alice: User, version: Version
) -> None:
    other = registered(alice, "customer_support")
    _, key = services.create_token(owner=alice, name="shop", version=version)
    body = {"messages": [HELLO], "tools": tools_of(version)}
    assert post(client, "/v1/chat/completions", body, key).status_code == 200
    assert (
        post(client, "/v1/chat/completions", {**body, "model": "my echo:1"}, key).status_code == 200
    )
    assert (
        post(client, "/v1/chat/completions", {**body, "model": str(other.pk)}, key).status_code
        == 404
    )
    assert post(client, f"/api/models/{version.pk}/decide/", body, key).status_code == 200
    assert post(client, f"/api/models/{other.pk}/decide/", body, key).status_code == 404
    headers = {"Authorization": f"Bearer {key}"}
    assert [m["id"] for m in client.get("/v1/models", headers=headers).json()["data"]] == [
        "my echo:1"
    ]
    for path in ("/api/models/", "/api/scenarios/", "/api/training/status/?run_id=1"):
        refused = client.get(path, headers=headers)
        assert refused.status_code == 401
        assert "one model version only" in refused.json()["detail"]


def test_nobody_decides_without_logging_in(client: Client, db: None) -> None:
    assert post(client, "/v1/chat/completions", {"messages": [HELLO]}).status_code == 401
    assert client.get("/v1/models").status_code == 401


@pytest.mark.parametrize("name", ["my echo:1", "my echo", "id"])
def test_a_version_is_named_by_id_or_name(
    client_as: ClientAs, alice: User, version: Version, name: str
) -> None:
    body = {"messages": [HELLO], "model": str(version.pk) if name == "id" else name}
    found = post(client_as(alice), "/v1/chat/completions", body).json()
    assert found["object"] == "chat.completion"
    assert found["model"] == "my echo:1"


def test_a_stream_and_an_unknown_model(client_as: ClientAs, alice: User, version: Version) -> None:
    client = client_as(alice)
    stream = post(
        client, "/v1/chat/completions", {"messages": [HELLO], "model": "my echo", "stream": True}
    )
    assert stream.headers["Content-Type"].startswith("text/event-stream")
    assert stream.content.decode().endswith("data: [DONE]\n\n")
    missing = post(client, "/v1/chat/completions", {"messages": [HELLO], "model": "gpt-9\0"})
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "model_not_found"
    assert (
        post(client, "/v1/chat/completions", {"model": "my echo"}).json()["error"]["param"]
        == "messages"
    )


def test_the_sites_llm_is_asked_where_the_policy_is_unsure_and_tokens_are_counted(
    client_as: ClientAs, alice: User, version: Version, settings: Any
) -> None:
    app, asked = llm()
    settings.GATEWAY_MODEL, settings.GATEWAY_KEY, settings.GATEWAY_MIN_CONFIDENCE = "big", "s", 1.0
    with listening(app) as address:
        settings.GATEWAY_URL = f"{address}/v1"
        body = {"messages": [HELLO], "model": "my echo", "tools": tools_of(version)}
        found = post(client_as(alice), "/v1/chat/completions", body).json()
    assert found["choices"][0]["message"]["content"] == "from the LLM"
    assert asked[0]["model"] == "big"
    usage = Usage.objects.visible_to(alice).get()
    assert (usage.forwarded, usage.decided) == (1, 0)
    assert (usage.prompt_tokens, usage.completion_tokens) == (30, 12)
    page = client_as(alice).get(f"/models/{version.pk}/").content.decode()
    assert "Asked of an LLM" in page


def test_damaged_files_are_told(client_as: ClientAs, alice: User, version: Version) -> None:
    services.remove_files(version)
    body = {"messages": [HELLO], "model": "my echo"}
    assert post(client_as(alice), "/v1/chat/completions", body).status_code == 400


def test_a_key_is_shown_once(client_as: ClientAs, alice: User, bob: User, version: Version) -> None:
    client = client_as(alice)
    page = client.post(f"/models/{version.pk}/key/").content.decode()
    assert 'id="new-key"' in page
    assert version.keys.count() == 1
    assert 'id="new-key"' not in client.get(f"/models/{version.pk}/").content.decode()
    assert client_as(bob).post(f"/models/{version.pk}/key/").status_code == 404


def test_the_playground_shows_every_decision(
    client_as: ClientAs, alice: User, version: Version
) -> None:
    client = client_as(alice)
    page = client.get(f"/models/{version.pk}/playground/?task=3")
    text = page.content.decode()
    assert page.status_code == 200
    assert "sure" in text
    assert "Task solved" in text or "Task not solved" in text
    own = client.get(
        f"/models/{version.pk}/playground/?say=hello%00+there&task=x&difficulty=odd",
        headers={"HX-Request": "true"},
    ).content.decode()
    assert "hello there" in own
    assert "there is no verdict" in own
    assert "<html" not in own


def test_the_playground_of_a_team_says_why_not(
    client_as: ClientAs, alice: User, version: Version
) -> None:
    Version.objects.filter(pk=version.pk).update(manifest={**version.manifest, "roles": ["a", "b"]})
    page = client_as(alice).get(f"/models/{version.pk}/playground/")
    assert "is a team" in page.content.decode()
