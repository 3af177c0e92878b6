"""The main job in a browser, with a real server, a real worker and real training."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from training.models import Run

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PATIENCE = 120_000


def start(page: Page, **values: str) -> Run:
    """Start a run on `echo` through the form."""
    page.goto("/")
    page.get_by_role("link", name="Start a run").first.click()
    page.get_by_label("Scenario").select_option("echo")
    for name, value in values.items():
        field = page.locator(f"#id_{name}")
        if not field.is_visible():
            page.get_by_text("Advanced").click()
        field.fill(value)
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile(r"/runs/\d+/$"))
    return Run.objects.latest("pk")


def drawn(page: Page) -> int:
    return int(page.locator("#live").get_attribute("data-drawn") or 0)


def test_log_in_start_watch_stop_and_read_the_evidence(
    worker: None, open_page: Callable[..., Page]
) -> None:
    page = open_page()

    page.goto("/runs/new/")
    page.locator("#id_episodes").fill("0")
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("Episodes: must be at least 1")

    endless = start(page, episodes="1000000", environments="16", seed="7")
    learning = start(
        page,
        episodes="1200",
        environments="8",
        rollout_steps="16",
        evaluation_tasks="10",
        evaluation_attempts="8",
    )

    assert drawn(page) == 0
    expect(page.locator("#live-badge")).to_have_text("Live", timeout=PATIENCE)
    live = page.locator("#live")
    expect(live).to_have_attribute("data-drawn", re.compile(r"^([2-9]|\d\d+)$"), timeout=PATIENCE)
    expect(page.locator("#chart-reliability canvas")).to_be_visible()
    expect(page.locator("#reliability-summary")).to_contain_text("episodes: reliability")
    expect(page.locator("#current-episode")).to_contain_text("sure")

    page.goto(f"/runs/{endless.pk}/")
    page.get_by_role("button", name="Stop").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Stop run {endless.pk}?")
    dialog.get_by_role("button", name="Stop the run").click()
    expect(page.get_by_text("is stopping")).to_be_visible()
    expect(page.locator("#run-status")).to_have_attribute(
        "data-status", "stopped", timeout=PATIENCE
    )

    page.goto(f"/runs/{learning.pk}/")
    expect(page.locator("#run-status")).to_have_attribute(
        "data-status", "succeeded", timeout=PATIENCE
    )
    learning.refresh_from_db()
    assert drawn(page) == learning.points.count() > 0

    page.get_by_role("link", name="See the evidence").click()
    expect(page.get_by_text("success criteria met")).to_be_visible()
    expect(
        page.get_by_role("img", name=re.compile("Tool reliability. Trained policy"))
    ).to_be_visible()

    page.get_by_label(f"Run {learning.pk}").get_by_role("link", name="Episodes").click()
    page.get_by_label("Why it was kept").select_option("periodic")
    page.wait_for_url(re.compile("reason=periodic"))
    page.get_by_role("link", name=re.compile(r"^#\d+$")).first.click()
    page.wait_for_url(re.compile(r"/episodes/\d+/$"))
    page.keyboard.press("j")
    expect(page.locator("#step-1")).to_be_focused()
    assert page.url.endswith("#step-1")

    page.get_by_role("link", name="Models").first.click()
    page.get_by_role("link", name="echo v").first.click()
    expect(
        page.get_by_text("from models_registry.adapters.langchain import wrap_agent")
    ).to_be_visible()
