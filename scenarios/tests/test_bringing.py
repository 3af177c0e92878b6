"""Bringing a scenario: services, pages and API; what is kept, and who may change it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from scenarios import services
from scenarios.models import Document, Scenario
from scenarios.sources import catalogue
from scenarios.tests.own import KEY, document, text

pytestmark = pytest.mark.django_db

ClientAs = Callable[[User], Client]
RENEWED = ("seconds: 0.3", "seconds: 0.7")


def brought(owner: User) -> Scenario:
    return services.save_scenario(owner=owner, document=document(), source=text())[0]


def test_a_brought_scenario_is_a_row_with_its_text_and_card(alice: User) -> None:
    row = brought(alice)
    assert (row.title, row.builtin, row.owner) == ("Loan desk", False, alice)
    assert row.source == text()
    assert row.tools[0]["name"] == "find_member"


def test_an_edition_keeps_the_row_and_the_old_document(alice: User) -> None:
    first = brought(alice)
    again, new = services.save_scenario(owner=alice, document=document(RENEWED), source="")
    assert (again.pk, new) == (first.pk, False)
    assert again.content_hash != first.content_hash
    assert Document.objects.count() == 2
    assert services.document_of(first.content_hash) == document()


def test_the_order_of_keys_survives_the_database(alice: User) -> None:
    row = brought(alice)
    kept = services.document_of(row.content_hash)
    assert json.dumps(kept) == json.dumps(document())


def test_a_process_finds_the_edition_that_it_was_given(alice: User) -> None:
    first = brought(alice)
    services.save_scenario(owner=alice, document=document(RENEWED))
    services.provide(KEY, first.content_hash)
    assert catalogue.find(KEY).content_hash() == first.content_hash


def test_names_of_others_are_not_taken_over(alice: User, bob: User) -> None:
    brought(alice)
    with pytest.raises(services.ScenarioTaken, match="somebody else"):
        services.save_scenario(owner=bob, document=document())
    with pytest.raises(services.ScenarioTaken, match="built-in"):
        services.save_scenario(owner=bob, document={**document(), "key": "echo"})


def test_only_its_owner_and_staff_see_it(alice: User, bob: User, admin: User) -> None:
    brought(alice)
    seen = [
        Scenario.objects.visible_to(user).filter(key=KEY).exists() for user in (alice, bob, admin)
    ]
    assert seen == [True, False, True]


def test_the_page_begins_with_a_start_that_is_good(client_as: ClientAs, alice: User) -> None:
    page = client_as(alice).get("/scenarios/new/")
    assert page.status_code == 200
    assert "kind: spec" in page.context["text"]
    assert catalogue.compiled(services_read(page.context["text"])).key == "my_scenario"


def services_read(yaml: str) -> dict[str, Any]:
    from scenarios.sources.yaml_text import read_yaml

    value: dict[str, Any] = read_yaml(yaml).value
    return value


def test_saving_leads_to_the_catalogue(client_as: ClientAs, alice: User) -> None:
    client = client_as(alice)
    answer = client.post("/scenarios/new/", {"text": text().replace("\n", "\r\n")})
    assert answer.headers["Location"] == f"/scenarios/{KEY}/"
    page = client.get(f"/scenarios/{KEY}/").content.decode()
    assert "Brought by" in page
    assert f"/scenarios/{KEY}/edit/" in page
    assert client.get(f"/scenarios/{KEY}/edit/").context["text"] == text()


def test_mistakes_are_listed_and_the_text_is_not_lost(client_as: ClientAs, alice: User) -> None:
    bad = text(("find: loans", "find: loan"))
    answer = client_as(alice).post("/scenarios/new/", {"text": bad})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "there is no table &#x27;loan&#x27;" in page
    assert "line " in page
    assert answer.context["text"] == bad
    assert not Scenario.objects.filter(key=KEY).exists()


def test_an_edition_may_not_change_its_key(client_as: ClientAs, alice: User) -> None:
    brought(alice)
    other = text(("key: loan_desk", "key: other_desk"))
    answer = client_as(alice).post(f"/scenarios/{KEY}/edit/", {"text": other})
    assert answer.status_code == 400
    assert "for good" in answer.content.decode()


def test_nobody_edits_or_deletes_what_others_brought(
    client_as: ClientAs, alice: User, bob: User
) -> None:
    brought(alice)
    client = client_as(bob)
    assert client.get(f"/scenarios/{KEY}/").status_code == 404
    assert client.get(f"/scenarios/{KEY}/edit/").status_code == 404
    assert client.post(f"/scenarios/{KEY}/delete/").status_code == 404
    assert client.get("/scenarios/echo/edit/").status_code == 404


@pytest.mark.parametrize("asks_htmx", [True, False])
def test_the_preview_plays_an_episode(client_as: ClientAs, alice: User, asks_htmx: bool) -> None:
    headers = {"HX-Request": "true"} if asks_htmx else {}
    sent = {"text": text(), "difficulty": "hard", "seed": "3"}
    answer = client_as(alice).post("/scenarios/preview/", sent, headers=headers)
    page = answer.content.decode()
    assert "The reference path succeeds" in page
    assert ("<textarea" in page) is not asks_htmx
    assert not Scenario.objects.filter(key=KEY).exists()


def test_the_preview_lists_mistakes(client_as: ClientAs, alice: User) -> None:
    for bad in ("", "a: [", "- 1", text(("find: loans", "find: loan"))):
        answer = client_as(alice).post(
            "/scenarios/preview/", {"text": bad, "seed": "x"}, headers={"HX-Request": "true"}
        )
        assert "To be put right" in answer.content.decode()


def test_a_file_opens_in_the_editor(client_as: ClientAs, alice: User) -> None:
    upload = SimpleUploadedFile("desk.yaml", text().encode())
    answer = client_as(alice).post("/scenarios/new/", {"file": upload})
    assert answer.context["text"] == text()
    assert not answer.context["mistakes"]


def test_a_list_of_tools_becomes_a_start(client_as: ClientAs, alice: User) -> None:
    tools = [{"name": "add_row", "description": "Add a row.", "parameters": {"properties": {"name": {"type": "string"}}, "required": ["name"]}}]  # fmt: skip
    upload = SimpleUploadedFile("tools.json", json.dumps(tools).encode())
    sent = {"tools": upload, "format": "openai", "key": "rows"}
    answer = client_as(alice).post("/scenarios/new/", sent)
    assert catalogue.compiled(services_read(answer.context["text"])).key == "rows"


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "Choose a file"),
        ({"file": b"\xff\xfe\x00"}, "not UTF-8"),
        ({"file": b"x" * 2_000_001}, "larger than 2 MB"),
        ({"file": b"a: ["}, "line "),
        ({"tools": b"[]", "format": "openai", "key": "rows"}, "no tool"),
        ({"tools": b"[]", "format": "soap", "key": "rows"}, "the kind of list"),
        ({"tools": b"[]", "format": "openai", "key": "Rows!"}, "name: must be"),
        ({"tools": b"\xff", "format": "openai", "key": "rows"}, "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used_is_explained(
    client_as: ClientAs, alice: User, sent: dict[str, Any], words: str
) -> None:
    form = {
        name: SimpleUploadedFile("f", value) if isinstance(value, bytes) else value
        for name, value in sent.items()
    }
    answer = client_as(alice).post("/scenarios/new/", form)
    assert any(words in mistake for mistake in answer.context["mistakes"])


def test_the_api_takes_the_text_and_gives_mistakes_back(client_as: ClientAs, alice: User) -> None:
    client = client_as(alice)

    def post(body: Any) -> Any:
        return client.post("/api/scenarios/", json.dumps(body), content_type="application/json")

    first = post({"yaml": text()})
    assert (first.status_code, first.json()["name"], first.json()["new"]) == (201, KEY, True)
    assert post({"yaml": text(RENEWED)}).status_code == 200
    bad = post({"yaml": text(("find: loans", "find: loan"))})
    assert bad.status_code == 400
    assert "no table 'loan'" in bad.json()["yaml"][0]
    assert "yaml" in post({"yaml": 3}).json()
    assert post({"yaml": text(("key: loan_desk", "key: echo"))}).status_code == 400
    assert client.get(f"/api/scenarios/{KEY}/").json()["builtin"] is False
    assert client.delete(f"/api/scenarios/{KEY}/").status_code == 204
    assert client.delete(f"/api/scenarios/{KEY}/").status_code == 404
    assert client.delete("/api/scenarios/echo/").status_code == 404


def test_recorded_conversations_go_into_the_catalogue(client_as: ClientAs, alice: User) -> None:
    file = Path(__file__).resolve().parents[2] / "examples" / "own_traces" / "parcels.jsonl"
    sent = {"format": "openai_chat", "key": "parcels", "redact": "arguments.nothing\n"}
    client = client_as(alice)
    upload = SimpleUploadedFile("parcels.jsonl", file.read_bytes())
    page = client.post("/scenarios/new/", {**sent, "traces": upload}, follow=True).content.decode()
    assert "150 of 150 rows were used" in page
    assert "/scenarios/parcels/edit/" not in page  # there is no text to edit
    row = Scenario.objects.get(key="parcels")
    assert services.document_of(row.content_hash)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": "No!"}, "name: must be"),
        ({"format": "soap"}, "format: "),
        ({"redact": "]["}, "redact"),
        ({"traces": b"{"}, "no conversation could be used"),
        ({"key": "echo"}, "built-in"),
    ],
)
def test_recorded_conversations_that_cannot_be_used_are_explained(
    client_as: ClientAs, alice: User, change: dict[str, Any], words: str
) -> None:
    file = Path(__file__).resolve().parents[2] / "examples" / "own_traces" / "parcels.jsonl"
    sent = {"format": "openai_chat", "key": "parcels", "traces": file.read_bytes(), **change}
    sent["traces"] = SimpleUploadedFile("t.jsonl", sent["traces"])
    answer = client_as(alice).post("/scenarios/new/", sent)
    assert answer.status_code == 400
    assert any(words in mistake for mistake in answer.context["mistakes"])
