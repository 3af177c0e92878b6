"""The live page's websocket: what was missed from the database, then what happens, as it happens."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.models import AnonymousUser, User

from training.hub import Inbox, hub
from training.live import MOST_POINTS, Mark, News, read_news
from training.models import Run

logger = logging.getLogger(__name__)

LOGGED_OUT, NOT_FOUND = 4401, 4404
ACCESS_SECONDS = 20.0
"""How often an open socket is asked whether it may still listen."""


class _Gone(Exception):
    """The browser left while a frame was on its way."""


class RunConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """`/ws/runs/<pk>/?since=SEQ&attempt=N`. Closes with 4401 without a login and 4404 where the run is not the user's."""

    run_id: int
    relay: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        # Accepted first, because a browser is told the code of a close, but not of a refusal.
        await self.accept()
        self.run_id = self.scope["url_route"]["kwargs"]["pk"]
        if (refusal := await self._refusal()) is not None:
            await self.close(code=refusal)
            return
        self.relay = asyncio.create_task(self._relay(), name=f"socket of run {self.run_id}")

    async def disconnect(self, code: int) -> None:
        if self.relay is not None:
            self.relay.cancel()
            with suppress(asyncio.CancelledError):
                await self.relay

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """A watcher has nothing to say."""

    async def _relay(self) -> None:
        try:
            mark = await self._catch_up(_mark(self.scope))
            with hub().watch(self.run_id, mark) as inbox:
                # Once more: something may have happened between the first read and the inbox.
                mark = await self._catch_up(mark)
                await self._follow(inbox, mark)
        except _Gone:
            # The disconnect itself follows.
            logger.debug("Run %s: a live page has gone", self.run_id)
        except Exception:
            logger.exception("Run %s: a live page lost its connection", self.run_id)
            await self.close(code=1011)

    async def _say(self, frame: str) -> None:
        try:
            await self.send(frame)
        except OSError as error:
            raise _Gone from error

    async def _follow(self, inbox: Inbox, mark: Mark) -> None:
        loop = asyncio.get_running_loop()
        check_at = loop.time() + ACCESS_SECONDS
        while True:
            with suppress(TimeoutError):
                news = await asyncio.wait_for(inbox.get(), max(0.0, check_at - loop.time()))
                mark = await self._tell(news, mark)
            if loop.time() >= check_at:
                if (refusal := await self._refusal()) is not None:
                    await self.close(code=refusal)
                    return
                check_at = loop.time() + ACCESS_SECONDS

    async def _tell(self, news: News, mark: Mark) -> Mark:
        if news.mark.attempt == mark.attempt and news.mark.seq < mark.seq:
            return mark  # read before this socket caught up
        if (frames := news.frames(mark)) is None:
            return await self._catch_up(mark)
        for frame in frames:
            await self._say(frame)
        return news.mark

    async def _catch_up(self, mark: Mark) -> Mark:
        """Send everything after the mark from the database; returns the new mark."""
        while (news := await database_sync_to_async(read_news)(self.run_id, mark)) is not None:
            for frame in news.frames(mark) or ():
                await self._say(frame)
            mark = news.mark
            if len(news.points) < MOST_POINTS:
                break
        return mark

    async def _refusal(self) -> int | None:
        """The close code for somebody who may not (any more) watch this run; None where all is well."""
        user = await get_user(self.scope) if "session" in self.scope else self.scope["user"]
        if not user.is_authenticated or not await database_sync_to_async(_session_lives)(
            self.scope
        ):
            return LOGGED_OUT
        return None if await database_sync_to_async(_visible)(user, self.run_id) else NOT_FOUND


def _visible(user: User | AnonymousUser, run_id: int) -> bool:
    return Run.objects.visible_to(user).filter(pk=run_id).exists()


def _session_lives(scope: dict[str, Any]) -> bool:
    """Whether the session has not been ended elsewhere; its data was read when the socket was opened."""
    session = scope.get("session")
    return session is None or bool(session.exists(session.session_key))


def _mark(scope: dict[str, Any]) -> Mark:
    """How far the browser has come: `?since=` in the start `?attempt=`; what is not a number counts as 0."""
    query = parse_qs(scope["query_string"].decode("latin-1"))
    texts = [query.get(name, ["0"])[0] for name in ("attempt", "since")]
    attempt, seq = (int(t) if t.isdecimal() and len(t) < 10 else 0 for t in texts)
    return Mark(attempt, seq)
