"""Pause, resume and change in a browser; marks on the charts; and a page that sees its run go back to a checkpoint."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from training import changes, checkpoints, services
from training.models import Run
from training.tests.browser.test_live import advance, expect_all_points
from training.tests.progress import saved, step

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def run(person: User) -> Run:
    """A run that this test works on by hand."""
    made = services.create_run(owner=person, values={"scenario": "echo", "episodes": 1000})
    claimed = services.claim(made.pk, lease_owner="test")
    assert claimed is not None
    return claimed


def test_change_pause_and_resume(open_page: Callable[..., Page], run: Run) -> None:
    page = open_page()
    advance(run)
    page.goto(f"/runs/{run.pk}/")
    expect(page.locator("#live-badge")).to_have_text("Live")
    page.get_by_text("Change settings").click()
    form = page.locator("#change-form")
    form.get_by_label("Learning rate").fill("-1")
    form.get_by_role("button", name="Change").click()
    expect(form.locator("#change_learning_rate_error")).to_contain_text("Must be above 0")
    form.get_by_label("Learning rate").fill("0.25")
    form.get_by_role("button", name="Change").click()
    expect(form.get_by_role("status")).to_contain_text("takes effect at the next update")

    made = changes.waiting(run)
    services.record(run, step(60, total=1000), applied={60: made})
    mark = "Learning rate 0.0006 → 0.25, at 60 episodes, by alice"
    expect(page.locator("#marks li")).to_have_text(mark)
    page.reload()
    expect(page.locator("#marks li")).to_have_text(mark)

    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#run-status")).to_have_attribute("data-status", "pausing")
    services.pause(run)
    expect(page.locator("#run-status")).to_have_attribute("data-status", "paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#run-status")).to_have_attribute("data-status", "queued")


def test_a_page_follows_its_run_back_to_a_checkpoint(
    open_page: Callable[..., Page], run: Run
) -> None:
    page = open_page()
    advance(run, 4)
    progress = saved(45, total=1000)
    services.record(run, progress, checkpoint=checkpoints.write(run, progress))
    advance(run, 3)
    page.goto(f"/runs/{run.pk}/")
    expect_all_points(page, run)
    assert run.last_seq == 8
    page.context.set_offline(True)
    services.release(run, reason="The worker was shut down.")
    again = services.claim(run.pk, lease_owner="other")
    assert again is not None
    assert again.last_seq == 5
    advance(again, 6)  # past the last point that the page has
    page.context.set_offline(False)
    expect_all_points(page, again)
    assert again.points.count() == 11
