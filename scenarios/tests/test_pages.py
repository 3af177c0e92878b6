"""The frame of every page, and the catalogue's pages."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.template import Context, Template
from django.test import Client, RequestFactory
from django_htmx.middleware import HtmxDetails
from pytest_django import DjangoAssertNumQueries

from scenarios.models import Scenario
from scenarios.pages import wants_fragment
from scenarios.templatetags.portal import markdown
from scenarios.views import parameter_rows

ROOT = Path(__file__).resolve().parents[2]
VENDORED = (ROOT / "static" / "vendor", ROOT / "training" / "tests" / "vendor")
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
ClientAs = Callable[[User], Client]


@pytest.mark.parametrize("folder", VENDORED, ids=lambda folder: folder.parent.name)
def test_vendored_files_are_the_ones_that_vendor_json_names(folder: Path) -> None:
    packages = json.loads((folder / "vendor.json").read_text())
    named = {path: sha for package in packages for path, sha in package["files"].items()}
    present = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "vendor.json"
    }
    assert present == named
    for package in packages:
        assert package["origin"] == f"npm:{package['name']}@{package['version']}"
        assert package["licence"]
        assert f"{package['name']}-{package['version']}/LICENSE" in named


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_inline() -> None:
    for path in TEMPLATES:
        text = path.read_text()
        assert not re.search(r"""(src|href|action)=["'](https?:)?//""", text), path
        assert not re.search(r"<style|<script>|\sstyle=|\son[a-z]+=", text), path
        assert "{% comment" not in text, path
    for path in (*(ROOT / "static" / "css").iterdir(), *(ROOT / "static" / "js").iterdir()):
        assert not re.search(
            r"""(url\(|import |fetch\(|src = )["']?(https?:)?//""", path.read_text()
        ), path


def test_every_icon_that_is_used_is_in_the_sprite() -> None:
    sprite = next((ROOT / "static" / "vendor").glob("bootstrap-icons-*/sprite.svg")).read_text()
    there = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    text = "\n".join(path.read_text() for path in TEMPLATES)
    badges = (ROOT / "training" / "templatetags" / "runs.py").read_text()
    used = set(re.findall(r"""{% icon "([^"]+)" """, text))
    used |= set(re.findall(r"""{% nav_item "[^"]+" "[^"]+" "([^"]+)" """, text))
    used |= set(re.findall(r'\("[^"]+", "([a-z][a-z-]+)"[,)]', badges))
    used |= set(re.findall(r'\(status, "([^"]+)"\)', badges))
    used |= set(re.findall(r'"icon_name": "([^"]+)"', badges))
    assert {"gear", "bullseye", "question-circle", "x-circle-fill"} <= used
    assert used <= there


def test_scripts_are_small() -> None:
    for path in (ROOT / "static" / "js").iterdir():
        assert len(path.read_text().splitlines()) <= 180, path


@pytest.mark.parametrize(
    ("cookie", "shown", "chosen"),
    [
        ("", "light", "system"),
        ("light", "light", "light"),
        ("dark", "dark", "dark"),
        ("system-dark", "dark", "system"),
        ("system-light", "light", "system"),
        ('"><script>', "light", "system"),
    ],
)
def test_the_theme_is_rendered_by_the_server(
    db: None, cookie: str, shown: str, chosen: str
) -> None:
    client = Client()
    client.cookies["agentgym_theme"] = cookie
    html = client.get("/accounts/login/").content.decode()
    assert f'data-bs-theme="{shown}" data-theme="{chosen}"' in html


def test_the_navigation_marks_the_page(alice: User, client_as: ClientAs) -> None:
    html = client_as(alice).get("/scenarios/").content.decode()
    assert (
        len(re.findall(r'href="/scenarios/"\s+aria-current="page"', html)) == 2
    )  # sidebar and bottom bar
    assert not re.search(r'href="/"\s+aria-current="page"', html)
    assert "Administration" not in html


def test_only_staff_is_shown_the_administration(admin: User, client_as: ClientAs) -> None:
    assert b"Administration" in client_as(admin).get("/scenarios/").content


def test_markdown_shows_html_instead_of_running_it() -> None:
    html = markdown(
        "**bold** <script>alert(1)</script> [x](javascript:alert(1)) ![p](http://e.com/p.png)"
    )
    assert "<strong>bold</strong>" in html
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "<img" not in html


@pytest.mark.parametrize(
    ("headers", "fragment"),
    [
        ({}, False),
        ({"HX-Request": "true"}, True),
        ({"HX-Request": "true", "HX-Boosted": "true"}, False),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, False),
    ],
)
def test_only_a_plain_htmx_request_gets_a_fragment(headers: dict[str, str], fragment: bool) -> None:
    request = RequestFactory().get("/", headers=headers)
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]  # what the middleware does
    assert wants_fragment(request) is fragment  # type: ignore[arg-type]  # as above


def test_a_request_is_no_matter_for_a_template_without_one() -> None:
    template = Template(
        "{% load portal %}{% theme %} {% shown_theme %} {% icon 'gear' 'Settings' %}"
    )
    html = template.render(Context())
    assert html.startswith("system light")
    assert 'aria-label="Settings"' in html


@pytest.mark.parametrize("path", ["/scenarios/", "/scenarios/echo/"])
def test_strangers_are_sent_to_the_login(db: None, path: str) -> None:
    response = Client().get(path)
    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={path}"


def test_the_list_names_every_scenario(
    alice: User, client_as: ClientAs, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_as(alice)
    with django_assert_max_num_queries(4):
        html = client.get("/scenarios/").content.decode()
    for title in Scenario.objects.values_list("title", flat=True):
        assert title in html
    assert "/runs/new/?scenario=echo" in html


def test_an_empty_catalogue_says_what_to_do(alice: User, client_as: ClientAs) -> None:
    Scenario.objects.all().delete()
    assert b"make manage ARGS=migrate" in client_as(alice).get("/scenarios/").content


def test_a_scenario_shows_tools_rules_criteria_and_dials(alice: User, client_as: ClientAs) -> None:
    html = client_as(alice).get("/scenarios/customer_support/").content.decode()
    scenario = Scenario.objects.get(key="customer_support")
    for tool in scenario.tools:
        assert f'id="tool-{tool["name"]}"' in html
    assert "Company policy" in html
    assert "at least 95 %" in html
    assert "Step limit" in html
    assert "Nobody has trained on it yet" in html


def test_a_scenario_s_tools_may_have_no_parameters(alice: User, client_as: ClientAs) -> None:
    Scenario.objects.create(
        key="bare", title="Bare", card={"tools": [{"name": "ping", "description": "Ping."}]}
    )
    html = client_as(alice).get("/scenarios/bare/").content.decode()
    assert "Takes no parameters" in html


def test_an_unknown_scenario_is_not_found(alice: User, client_as: ClientAs) -> None:
    response = client_as(alice).get("/scenarios/nonsense/")
    assert response.status_code == 404
    assert b"There is no such page" in response.content


def test_parameters_read_like_sentences() -> None:
    properties = {
        "amount": {"type": "number", "minimum": 0, "maximum": 5, "description": "Dollars."},
        "kinds": {"type": "array", "items": {"type": "string"}},
        "note": {"type": ["string", "null"], "enum": ["a", None]},
    }
    rows = parameter_rows({"parameters": {"properties": properties, "required": ["amount"]}})
    assert rows[0]["bounds"] == ["at least 0", "at most 5"]
    assert [row["required"] for row in rows] == [True, False, False]
    assert [row["type"] for row in rows] == ["number", "list of string", "string or null"]


def test_posting_to_a_page_is_refused(alice: User, client_as: ClientAs) -> None:
    assert client_as(alice).post("/scenarios/").status_code == 405


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_error_pages_need_nothing_and_say_what_to_do(name: str) -> None:
    from django.template.loader import render_to_string

    html = render_to_string(name)
    assert '<html lang="en"' in html
    assert 'href="/"' in html


def test_a_form_without_its_token_gets_the_page_that_explains_it(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    response = client.post("/runs/new/", {"scenario": "echo"})
    assert response.status_code == 403
    assert b"The form had expired" in response.content


def test_a_wrong_password_is_told_and_the_name_is_kept(alice: User) -> None:
    response = Client().post("/accounts/login/", {"username": "alice", "password": "no"})
    html = response.content.decode()
    assert 'role="alert"' in html
    assert 'value="alice"' in html
