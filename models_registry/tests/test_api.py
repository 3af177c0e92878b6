"""The REST API of the registry, and who may use it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from models_registry import services
from models_registry.models import ApiToken, Model, Price, Version

MakeVersion = Callable[..., Version]
ClientAs = Callable[[User], Client]


def test_the_list_shows_own_versions_in_few_queries(
    make_version: MakeVersion,
    client_as: ClientAs,
    alice: User,
    bob: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    versions = [make_version() for _ in range(3)]
    make_version(owner=bob)
    client = client_as(alice)
    with django_assert_num_queries(4):  # session, user, count, rows
        answer = client.get("/api/models/").json()
    assert answer["count"] == 3
    newest = answer["results"][0]
    assert set(newest) == {
        "id",
        "name",
        "version",
        "scenario",
        "owner",
        "sha256",
        "size_bytes",
        "created_at",
    }
    assert (newest["id"], newest["name"], newest["scenario"]) == (versions[2].pk, "echo", "echo")


def test_one_version_with_manifest_and_evidence(
    make_version: MakeVersion, client_as: ClientAs, alice: User
) -> None:
    answer = client_as(alice).get(f"/api/models/{make_version().pk}/").json()
    assert answer["evidence"] == {"scenario": "echo"}
    assert answer["manifest"]["sha256"] == answer["sha256"]
    assert answer["owner"] == "alice"


def test_delete_is_204_and_then_404(
    make_version: MakeVersion, client_as: ClientAs, alice: User
) -> None:
    client, path = client_as(alice), f"/api/models/{make_version().pk}/"
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404
    assert client.get(path).status_code == 404


def test_other_peoples_versions_are_not_found(
    make_version: MakeVersion, client_as: ClientAs, bob: User
) -> None:
    version = make_version()
    client, path = client_as(bob), f"/api/models/{version.pk}/"
    assert client.get(path).status_code == 404
    assert client.delete(path).status_code == 404
    version.refresh_from_db()
    assert version.deleted_at is None


def test_an_id_beyond_the_database_is_not_found(client_as: ClientAs, alice: User) -> None:
    assert client_as(alice).get(f"/api/models/{10**30}/").status_code == 404


def test_a_session_needs_the_csrf_token_to_delete(make_version: MakeVersion, alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.delete(f"/api/models/{make_version().pk}/").status_code == 403


@pytest.mark.parametrize("word", ["Token", "Bearer", "token"])
def test_a_token_logs_in(alice: User, word: str) -> None:
    token, secret = services.create_token(owner=alice, name="t")
    answer = Client().get("/api/models/", headers={"authorization": f"{word} {secret}"})
    assert answer.status_code == 200
    token.refresh_from_db()
    assert token.last_used_at is not None


def test_a_token_needs_no_csrf_token(make_version: MakeVersion, alice: User) -> None:
    _, secret = services.create_token(owner=alice, name="t")
    client = Client(enforce_csrf_checks=True)
    path = f"/api/models/{make_version().pk}/"
    assert client.delete(path, headers={"authorization": f"Token {secret}"}).status_code == 204


@pytest.mark.parametrize(
    "header", ["Token ag_wrong", "Token", "Token a b", "Token \xff", "Bearer x"]
)
def test_a_wrong_token_is_401_even_with_a_session(
    client_as: ClientAs, alice: User, header: str
) -> None:
    answer = client_as(alice).get("/api/models/", headers={"authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Token"
    assert answer.json()["detail"]


def test_a_revoked_token_is_401(alice: User) -> None:
    token, secret = services.create_token(owner=alice, name="t")
    services.revoke_token(token=token)
    assert (
        Client().get("/api/models/", headers={"authorization": f"Token {secret}"}).status_code
        == 401
    )


def test_another_scheme_is_left_to_others(client_as: ClientAs, alice: User) -> None:
    assert (
        client_as(alice).get("/api/models/", headers={"authorization": "Basic eDp5"}).status_code
        == 200
    )


def test_nobody_sees_nothing_and_staff_sees_all(
    make_version: MakeVersion, admin: User, bob: User
) -> None:
    make_version()
    services.create_token(owner=bob, name="t")
    nobody = AnonymousUser()
    for kind in (Model, Version, Price, ApiToken):
        assert not kind.objects.visible_to(nobody).exists()
        assert kind.objects.visible_to(admin).exists()
    assert not Model.objects.visible_to(bob).exists()
    assert ApiToken.objects.visible_to(bob).count() == 1
