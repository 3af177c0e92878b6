"""The live page's websocket: access, catching up, news, and a Redis that goes away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from django.contrib.auth.models import AnonymousUser, User
from django.db import connections
from django.test import Client
from pytest_django.fixtures import Settings

from training import consumers, events, hub, live, services
from training.models import Run
from training.routing import websocket_urlpatterns
from training.tests.progress import MakeRun, step

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_server", "fragments"),
]


@pytest.fixture
def fragments(tmp_path: Path, settings: Settings) -> None:
    """Plain fragments, so that these tests do not depend on the page's looks."""
    folder = tmp_path / "templates" / "training"
    folder.mkdir(parents=True)
    (folder / "_run_status.html").write_text("<p>{{ run.status }} {{ run.episodes_done }}</p>")
    (folder / "_current_episode.html").write_text("<p>{{ run.latest_episode.task_id }}</p>")
    template = settings.TEMPLATES[0]
    settings.TEMPLATES = [template | {"DIRS": [str(folder.parent)]}]


@pytest.fixture(autouse=True)
async def _no_connection_left(fragments: None) -> AsyncIterator[None]:
    """Async code reads in a thread, whose connection would keep the test database from being dropped."""
    yield
    await database_sync_to_async(connections.close_all)()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(hub, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(events, "_quiet_until", 0.0)


class Page:
    """A browser's socket. (Channels' own test client needs the daphne server.)"""

    def __init__(
        self, run: Run | int, user: User | AnonymousUser, query: str, **scope: Any
    ) -> None:
        path = f"/ws/runs/{run if isinstance(run, int) else run.pk}/"
        about = {"type": "websocket", "path": path, "query_string": query.encode(), "headers": []}
        make: Any = ApplicationCommunicator
        self.app = make(URLRouter(websocket_urlpatterns), {**about, "user": user, **scope})

    async def connect(self) -> None:
        await self.app.send_input({"type": "websocket.connect"})
        assert (await self.app.receive_output(timeout=5))["type"] == "websocket.accept"

    async def say(self, text: str) -> None:
        await self.app.send_input({"type": "websocket.receive", "text": text})

    async def receive(self, timeout: float) -> str:
        return str((await self.app.receive_output(timeout))["text"])

    async def closed(self) -> int:
        """The code with which the server closes the socket."""
        message = await self.app.receive_output(timeout=5)
        assert message["type"] == "websocket.close"
        return int(message["code"])

    async def disconnect(self) -> None:
        await self.app.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.app.wait()


def socket(run: Run | int, user: User | AnonymousUser, query: str = "", **scope: Any) -> Page:
    """The socket of a page that `user` opens."""
    return Page(run, user, query, **scope)


async def frames(page: Page, *, until: str, timeout: float = 5.0) -> list[dict[str, Any]]:
    """Frames up to the first one whose text holds `until`."""
    found = []
    async with asyncio.timeout(timeout):
        while True:
            text = await page.receive(timeout)
            found.append(json.loads(text))
            if until in text:
                return found


@pytest.fixture
async def page(running: Run, alice: User) -> AsyncIterator[Page]:
    """Alice watches her run."""
    opened = socket(running, alice)
    await opened.connect()
    yield opened
    await opened.disconnect()


record = database_sync_to_async(services.record)


@pytest.mark.parametrize(("who", "code"), [("nobody", 4401), ("bob", 4404)])
async def test_who_may_not_watch_is_told_why(running: Run, bob: User, who: str, code: int) -> None:
    page = socket(running, AnonymousUser() if who == "nobody" else bob)
    await page.connect()
    assert await page.closed() == code


async def test_a_run_that_does_not_exist_is_not_found(alice: User) -> None:
    page = socket(999, alice)
    await page.connect()
    assert await page.closed() == 4404


async def test_a_page_gets_what_it_missed_and_then_the_news(running: Run, alice: User) -> None:
    await record(running, step(1), step(2), step(3))
    page = socket(running, alice, "since=1")
    await page.connect()
    first = await frames(page, until='"episode"')
    assert [point["seq"] for point in first[0]["points"]] == [2, 3]
    assert first[0]["attempt"] == 1
    assert first[0]["points"][0]["values"] == {"reward": 2 / 40}
    assert "running 3" in first[1]["html"]
    await record(running, step(4))
    news = await frames(page, until="running 4")
    assert [point["seq"] for point in news[0]["points"]] == [4]
    await page.disconnect()


async def test_a_page_of_an_earlier_start_begins_from_the_beginning(
    running: Run, alice: User
) -> None:
    await record(running, step(1), step(2), step(3))
    await database_sync_to_async(services.release)(running, reason="Restart.")
    again = await database_sync_to_async(services.claim)(running.pk, lease_owner="other")
    assert again is not None
    await record(again, *(step(n) for n in range(1, 6)))
    for query, expected in (("since=3&attempt=1", [1, 2, 3, 4, 5]), ("since=3&attempt=2", [4, 5])):
        page = socket(running, alice, query)
        await page.connect()
        first = (await frames(page, until='"points"'))[-1]
        assert (first["attempt"], [p["seq"] for p in first["points"]]) == (2, expected)
        await page.disconnect()


async def test_news_come_merged_and_complete(running: Run, page: Page) -> None:
    for episodes in range(1, 41):
        await record(running, step(episodes))
    found = await frames(page, until="running 40")
    points = [
        point["seq"] for frame in found if frame["type"] == "points" for point in frame["points"]
    ]
    assert points == list(range(1, 41))
    assert len(found) < 40


async def test_a_stop_is_shown(running: Run, page: Page) -> None:
    await frames(page, until="running")
    await database_sync_to_async(services.request_stop)(run=running, actor=None)
    await frames(page, until="stopping")


async def test_a_new_attempt_starts_from_the_beginning(running: Run, page: Page) -> None:
    await record(running, step(1), step(2))
    await frames(page, until="running 2")
    await database_sync_to_async(services.release)(running, reason="worker gone")
    again = await database_sync_to_async(services.claim)(running.pk, lease_owner="other")
    assert again is not None
    await record(again, step(1))
    found = await frames(page, until="running 1")
    last = [frame for frame in found if frame["type"] == "points"][-1]
    assert (last["attempt"], last["seq"]) == (2, 1)


async def test_without_redis_the_page_polls(
    running: Run, alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "POLL_SECONDS", 0.1)
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    page = socket(running, alice)
    await page.connect()
    await record(running, step(7))
    await frames(page, until="running 7")
    await page.disconnect()


async def test_the_subscription_comes_back_with_redis(
    running: Run,
    page: Page,
    redis_server: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await record(running, step(1))
    await frames(page, until="running 1")
    for client in redis_server.client_list(_type="pubsub"):
        redis_server.client_kill_filter(_id=client["id"])
    await asyncio.sleep(0.3)
    await record(running, step(2))
    await frames(page, until="running 2", timeout=2)


async def test_two_pages_share_one_feed_and_the_last_one_closes_it(
    running: Run, alice: User
) -> None:
    pages = [socket(running, alice) for _ in range(2)]
    for page in pages:
        await page.connect()
        await frames(page, until='"episode"')
    assert len(hub.hub()._feeds) == 1
    await record(running, step(1))
    for page in pages:
        await frames(page, until="running 1")
        await page.disconnect()
    assert not hub.hub()._feeds
    assert hub.hub()._listener is None


async def test_a_slow_page_reads_what_was_dropped_from_the_database(
    running: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MOST_WAITING", 1)
    monkeypatch.setattr(hub, "FRAME_SECONDS", 0.0)
    mark = live.Mark()
    with hub.hub().watch(running.pk, mark) as inbox:
        for episodes in (1, 2, 3):
            await record(running, step(episodes))
            await asyncio.sleep(0.2)
        news = inbox.get_nowait()
        assert inbox.empty()
        assert news.mark.seq == 3
        assert news.frames(live.Mark(1, 1)) is None


async def test_a_logged_out_page_is_closed(
    running: Run, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "ACCESS_SECONDS", 0.2)
    page = socket(running, alice)
    await page.connect()
    await frames(page, until='"episode"')
    await page.say("whatever a stranger says")
    await database_sync_to_async(Run.objects.filter(pk=running.pk).delete)()
    assert await page.closed() == 4404


async def test_a_broken_database_read_does_not_end_the_feed(
    running: Run, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    await frames(page, until='"episode"')
    calls = []

    def flaky(run_id: int, mark: live.Mark) -> live.News | None:
        calls.append(mark)
        if len(calls) == 1:
            raise OSError("away")
        return live.read_news(run_id, mark)

    monkeypatch.setattr(hub, "read_news", flaky)
    monkeypatch.setattr(hub, "POLL_SECONDS", 0.2)
    await record(running, step(5))
    await frames(page, until="running 5")
    assert len(calls) > 1


async def test_a_session_that_was_ended_elsewhere_closes_the_page(
    running: Run, alice: User, client_as: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "ACCESS_SECONDS", 0.2)
    client = await database_sync_to_async(client_as)(alice)
    page = socket(running, AnonymousUser(), session=client.session)
    await page.connect()
    await frames(page, until='"episode"')
    await database_sync_to_async(client.logout)()
    assert await page.closed() == 4401


async def test_a_page_whose_reads_fail_is_closed_and_may_come_again(
    running: Run, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("away")

    monkeypatch.setattr(consumers, "read_news", broken)
    page = socket(running, alice)
    await page.connect()
    assert await page.closed() == 1011


async def test_a_browser_that_leaves_in_the_middle_is_no_error(
    running: Run, alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def gone(*_: object, **__: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(consumers.RunConsumer, "send", gone)
    page = socket(running, alice)
    with caplog.at_level("DEBUG", logger="training.consumers"):
        await page.connect()
        for _ in range(100):
            if "has gone" in caplog.text:
                break
            await asyncio.sleep(0.05)
    assert "has gone" in caplog.text
    assert "ERROR" not in caplog.text
    await page.disconnect()


async def test_long_histories_come_in_pieces(
    running: Run, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (live, consumers, hub):
        monkeypatch.setattr(module, "MOST_POINTS", 2)
    monkeypatch.setattr(live.points_after, "__kwdefaults__", {"limit": 2})
    page = socket(running, alice)
    await page.connect()
    await record(running, *(step(n) for n in range(1, 6)))
    found = await frames(page, until='"seq": 5')
    pieces = [frame["points"] for frame in found if frame["type"] == "points"]
    assert [point["seq"] for piece in pieces for point in piece] == [1, 2, 3, 4, 5]
    assert max(map(len, pieces)) <= 2
    await page.disconnect()


async def test_older_news_than_the_page_shows_are_skipped(running: Run, alice: User) -> None:
    page = consumers.RunConsumer()
    shown = live.Mark(1, 5, "new", "")
    assert (
        await page._tell(live.News(running.pk, live.Mark(1, 1), live.Mark(1, 3, "old", "")), shown)
        is shown
    )


async def test_a_page_that_lacks_points_reads_them_from_the_database(running: Run) -> None:
    await record(running, step(1), step(2), step(3))
    page, said = consumers.RunConsumer(), list[str]()
    page.run_id = running.pk

    async def send(text: str) -> None:
        said.append(text)

    page.send = send
    mark = await page._tell(
        live.News(running.pk, live.Mark(1, 2), live.Mark(1, 3)), live.Mark(1, 0)
    )
    assert mark.seq == 3
    assert [point["seq"] for point in json.loads(said[0])["points"]] == [1, 2, 3]


@pytest.mark.parametrize(
    "query", ["since=abc", "since=-1", "since=99999999999", "", "attempt=x&since=-"]
)
async def test_a_strange_since_means_from_the_beginning(
    running: Run, alice: User, query: str
) -> None:
    await record(running, step(1))
    page = socket(running, alice, query)
    await page.connect()
    assert (await frames(page, until='"points"'))[0]["seq"] == 1
    await page.disconnect()


def test_an_announcement_is_dropped_quietly_without_redis(
    make_run: MakeRun, settings: Settings
) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    assert events.announce(1, 1) is False
    settings.REDIS_URL = "unix:///elsewhere/redis.sock"
    assert events.announce(1, 1) is False
