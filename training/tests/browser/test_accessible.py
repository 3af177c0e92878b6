"""Every page in both themes and on a phone: no axe violation, no sideways scrolling, theme kept by the server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from models_registry.services import register_version
from training import services
from training.models import Run
from training.tests.portal import add_episode, add_points, change, evidence
from training.tests.progress import WEIGHTS

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
AXE = next((Path(__file__).resolve().parents[1] / "vendor").glob("axe-core-*/axe.min.js"))
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 780},
    "is_mobile": True,
    "has_touch": True,
}
DARK: dict[str, Any] = {"color_scheme": "dark"}


@pytest.fixture
def paths(person: User) -> list[str]:
    """Addresses of every kind of page, with something on each."""
    running = services.create_run(owner=person, values={"scenario": "echo", "episodes": 1000})
    held = services.claim(running.pk, lease_owner="test")
    assert held is not None
    add_points(held, 30)
    add_episode(held)
    ended = services.create_run(owner=person, values={"scenario": "customer_support"})
    change(ended, status=Run.Status.SUCCEEDED, evidence=evidence(), phase="done")
    failed = services.create_run(owner=person, values={"scenario": "echo"})
    change(failed, status=Run.Status.FAILED, failure="The disk is full.")
    version = register_version(
        owner=person, name="best", scenario=ended.scenario, weights=WEIGHTS,
        manifest={"tools": [{"name": "shout"}]}, evidence=evidence(),
    )  # fmt: skip
    return [
        "/", "/runs/", "/runs/?status=paused", "/runs/new/", "/scenarios/", "/scenarios/customer_support/",
        f"/runs/{running.pk}/change/", f"/runs/{running.pk}/branch/",
        f"/runs/{running.pk}/", f"/runs/{running.pk}/stop/", f"/runs/{running.pk}/evidence/",
        f"/runs/{running.pk}/episodes/", f"/runs/{running.pk}/episodes/1/", f"/runs/{ended.pk}/evidence/",
        f"/runs/{failed.pk}/", "/models/", f"/models/{version.pk}/", f"/models/{version.pk}/delete/", "/tokens/",
    ]  # fmt: skip


def violations(page: Page) -> list[str]:
    """What axe finds on the page, with everything unfolded."""
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{page.url} {one['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("options", [{}, DARK, PHONE | DARK], ids=["light", "dark", "phone"])
def test_pages_are_accessible_and_fit(
    open_page: Callable[..., Page], paths: list[str], options: dict[str, Any]
) -> None:
    page = open_page(**options)
    found: list[str] = []
    for path in paths:
        page.goto(path)
        found += violations(page)
        width = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if width > 0:
            found.append(f"{path} is {width} pixels too wide")
    assert not found, "\n".join(found)


def test_login_and_errors_are_accessible(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.on("console", lambda _: None)
    page.get_by_role("button", name="alice").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert violations(page) == []


def test_the_chosen_theme_is_kept_by_the_server(open_page: Callable[..., Page]) -> None:
    page = open_page(color_scheme="dark")
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"  # like the system
    page.get_by_role("button", name="alice").click()
    page.get_by_role("button", name="Light", exact=True).click()
    assert page.locator("html").get_attribute("data-bs-theme") == "light"
    assert 'data-bs-theme="light"' in page.context.request.get(page.url).text()
    page.reload()
    assert page.locator("html").get_attribute("data-bs-theme") == "light"


def test_the_skip_link_comes_first(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/scenarios/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
