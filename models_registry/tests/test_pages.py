"""Pages of the registry: models, versions, API tokens."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from models_registry import services
from models_registry.models import ApiToken, Version

ClientAs = Callable[[User], Client]
MakeVersion = Callable[..., Version]
RATE = {"value": 0.97, "low": 0.95, "high": 0.98, "n": 800}
EVIDENCE = {
    "agents": {"trained": {"tool_reliability": RATE, "success": RATE}},
    "cost": {"reduction": RATE},
}


@pytest.mark.parametrize("path", ["/models/", "/models/1/", "/models/1/delete/", "/tokens/"])
def test_strangers_are_sent_to_the_login(db: None, path: str) -> None:
    assert Client().get(path)["Location"] == f"/accounts/login/?next={path}"


def test_no_models_says_what_to_do(alice: User, client_as: ClientAs) -> None:
    html = client_as(alice).get("/models/").content.decode()
    assert "No models yet" in html
    assert "/runs/new/" in html


def test_the_list_shows_own_versions_with_what_they_reached(
    alice: User, bob: User, client_as: ClientAs, make_version: MakeVersion,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    good, early = make_version(evidence=EVIDENCE), make_version(evidence=None)
    other = make_version(owner=bob)
    client = client_as(alice)
    with django_assert_max_num_queries(4):
        html = client.get("/models/").content.decode()
    assert f"/models/{good.pk}/" in html
    assert f"/models/{early.pk}/" in html
    assert f"/models/{other.pk}/" not in html
    assert "97.0 %" in html
    assert "95.0 to 98.0 %" in html
    assert "no evidence" in html


def test_a_version_shows_what_it_is_and_how_to_use_it(
    alice: User, client_as: ClientAs, make_version: MakeVersion
) -> None:
    manifest = {"scenario": "echo", "seed": 3, "tools": [{"name": "shout"}]}
    version = make_version(evidence=EVIDENCE, manifest=manifest)
    html = client_as(alice).get(f"/models/{version.pk}/").content.decode()
    for words in (
        version.sha256,
        f"wrap_agent(&quot;{version.path}&quot;, tools=my_tools)".replace("&quot;", '"'),
        f"agentgym evaluate {version.pk}",
        f"http://testserver/api/models/{version.pk}/",
        "<code>shout</code>",
        "95.0 to 98.0 %, n = 800",
    ):
        assert words in html, words


def test_a_version_of_a_stopped_run_says_so(
    alice: User, client_as: ClientAs, make_version: MakeVersion
) -> None:
    version = make_version(evidence=None, manifest={"scenario": "echo", "stopped": True})
    html = client_as(alice).get(f"/models/{version.pk}/").content.decode()
    assert "the training was stopped early" in html
    assert "This version has no evidence" in html


def test_other_people_s_and_deleted_versions_are_not_found(
    alice: User, bob: User, admin: User, client_as: ClientAs, make_version: MakeVersion
) -> None:
    version = make_version()
    for path in ("", "delete/"):
        assert client_as(bob).get(f"/models/{version.pk}/{path}").status_code == 404
    assert client_as(bob).post(f"/models/{version.pk}/delete/").status_code == 404
    assert client_as(admin).get(f"/models/{version.pk}/").status_code == 200
    assert version.path.exists()
    services.delete_version(version=version)
    assert client_as(alice).get(f"/models/{version.pk}/").status_code == 404


def test_deleting_asks_first(
    alice: User, client_as: ClientAs, make_version: MakeVersion, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:  # fmt: skip
    version, client = make_version(), client_as(alice)
    assert b"Keep it" in client.get(f"/models/{version.pk}/delete/").content
    assert Version.objects.get().deleted_at is None
    html = client.post(f"/models/{version.pk}/delete/", follow=True).content.decode()
    assert "echo v1 was deleted" in html
    assert Version.objects.get().deleted_at is not None


def test_deleting_what_somebody_else_just_deleted_is_told(
    alice: User, client_as: ClientAs, make_version: MakeVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make_version()
    monkeypatch.setattr(services, "delete_version", lambda **_: False)
    html = client_as(alice).post(f"/models/{version.pk}/delete/", follow=True).content.decode()
    assert "had already been deleted" in html


def test_a_token_is_shown_once_and_works(alice: User, client_as: ClientAs) -> None:
    client = client_as(alice)
    response = client.post("/tokens/", {"name": "build server"})
    html = response.content.decode()
    found = re.search(r"ag_[\w-]{30,}", html)
    assert found
    assert f"Authorization: Token {found[0]}" in html
    assert "no-store" in response["Cache-Control"]
    api = Client().get("/api/models/", headers={"Authorization": f"Token {found[0]}"})
    assert api.status_code == 200
    again = client.get("/tokens/").content.decode()
    assert found[0] not in again
    assert f"ag_{ApiToken.objects.get().prefix}" in again
    assert "build server" in again


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\0b"])
def test_a_bad_name_makes_no_token(alice: User, client_as: ClientAs, name: str) -> None:
    response = client_as(alice).post("/tokens/", {"name": name})
    assert response.status_code == 422
    assert 'id="id_name_error"' in response.content.decode()
    assert not ApiToken.objects.exists()


def test_a_revoked_token_opens_nothing(alice: User, bob: User, client_as: ClientAs) -> None:
    token, secret = services.create_token(owner=alice, name="old")
    assert client_as(bob).post(f"/tokens/{token.pk}/revoke/").status_code == 404
    client = client_as(alice)
    assert client.get(f"/tokens/{token.pk}/revoke/").status_code == 405
    assert "was revoked" in client.post(f"/tokens/{token.pk}/revoke/", follow=True).content.decode()
    again = client.post(f"/tokens/{token.pk}/revoke/", follow=True).content.decode()
    assert "had already been revoked" in again
    api = Client().get("/api/models/", headers={"Authorization": f"Token {secret}"})
    assert api.status_code == 401


def test_nobody_sees_other_people_s_tokens(admin: User, alice: User, client_as: ClientAs) -> None:
    services.create_token(owner=alice, name="alice's secret helper")
    assert "helper" not in client_as(admin).get("/tokens/").content.decode()
