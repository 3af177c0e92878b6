"""The live page keeps every point: through a reload, a server that goes away, and without websockets."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, WebSocketRoute, expect

from training import services
from training.models import Run
from training.tests.browser.conftest import Server
from training.tests.progress import sample, step

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def run(person: User) -> Run:
    """A run that this test works on by hand."""
    made = services.create_run(owner=person, values={"scenario": "echo", "episodes": 1000})
    claimed = services.claim(made.pk, lease_owner="test")
    assert claimed is not None
    return claimed


def advance(run: Run, count: int = 5) -> None:
    """`count` more points, as the runner would write them."""
    start = run.last_seq
    metrics = {"reward": 0.1, "success": 0.5, "tool_reliability": 0.6, "tool_reliability_low": 0.5, "tool_reliability_high": 0.7}  # fmt: skip
    steps = [step(10 * (start + n), total=1000, metrics=metrics) for n in range(1, count)]
    last = step(10 * (start + count), total=1000, metrics=metrics, samples=(sample(),))
    services.record(run, *steps, last)


def expect_all_points(page: Page, run: Run) -> None:
    """Every point that the database holds is on the chart, once."""
    expect(page.locator("#live")).to_have_attribute("data-seq", str(run.last_seq))
    expect(page.locator("#live")).to_have_attribute("data-drawn", str(run.points.count()))


def test_no_point_is_lost_when_the_server_goes_away(
    open_page: Callable[..., Page], server: Server, run: Run
) -> None:
    page = open_page()
    advance(run)
    page.goto(f"/runs/{run.pk}/")
    expect(page.locator("#live-badge")).to_have_text("Live")
    expect_all_points(page, run)
    advance(run)
    expect_all_points(page, run)
    expect(page.locator("#run-status")).to_contain_text("100 of 1,000 episodes")
    expect(page.locator("#current-episode")).to_contain_text("please shout")

    page.reload()
    expect_all_points(page, run)

    server.stop()
    expect(page.locator("#live-badge")).to_have_text("Reconnecting")
    advance(run)
    server.start()
    expect(page.locator("#live-badge")).to_have_text("Live")
    advance(run)
    expect_all_points(page, run)
    assert run.last_seq == 20

    services.stop(run, reason="Enough.")
    expect(page.locator("#run-status")).to_have_attribute("data-status", "stopped")
    expect(page.locator("#announcer")).to_contain_text("Stopped")
    expect(page.locator("#live-badge")).to_be_hidden()


def test_without_websockets_the_page_polls(open_page: Callable[..., Page], run: Run) -> None:
    page = open_page()

    def refuse(route: WebSocketRoute) -> None:
        route.close(code=1011)

    page.route_web_socket("**/ws/**", refuse)
    advance(run)
    page.goto(f"/runs/{run.pk}/")
    advance(run)
    expect(page.locator("#live-badge")).to_have_text("Polling")
    expect_all_points(page, run)
    expect(page.locator("#run-status")).to_contain_text("100 of 1,000 episodes")


def test_a_run_that_begins_again_begins_its_chart_again(
    open_page: Callable[..., Page], run: Run
) -> None:
    page = open_page()
    advance(run, 8)
    page.goto(f"/runs/{run.pk}/")
    expect_all_points(page, run)
    services.release(run, reason="The worker was shut down.")
    again = services.claim(run.pk, lease_owner="other")
    assert again is not None
    advance(again, 3)
    expect_all_points(page, again)
    assert again.last_seq == 3


def test_the_charts_answer_to_keys_and_show_time(open_page: Callable[..., Page], run: Run) -> None:
    page = open_page()
    advance(run)
    page.goto(f"/runs/{run.pk}/")
    page.locator("#chart-reliability").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#reliability-summary")).to_contain_text("At ")
    page.get_by_role("button", name="Time", exact=True).click()
    expect(page.get_by_role("button", name="Time", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
