"""One version behind OpenAI's protocol, without Django or a database: what `agentgym serve` runs."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from models_registry.adapters._core import ToolChoiceError
from models_registry.adapters._gateway import Gateway, UpstreamError
from models_registry.adapters._openai_chat import (
    BadRequest,
    decision_json,
    error_body,
    events,
    listed,
    read,
)
from scenarios.core.types import Json

MOST_BYTES = 4_000_000
Answer = tuple[int, Any]


class _Json(Response):
    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, default=str)


def application(gateway: Gateway, key: str = "") -> Starlette:
    """The ASGI application. key: what clients have to send as a bearer token; empty for an open server."""
    server = _Server(gateway, key)
    return Starlette(
        routes=[
            Route("/healthz", server.health),
            Route("/usage", server.usage),
            Route("/v1/models", server.models),
            Route("/v1/chat/completions", server.chat, methods=["POST"]),
            Route("/decide", server.decide, methods=["POST"]),
        ]
    )


class _Server:
    def __init__(self, gateway: Gateway, key: str) -> None:
        self.gateway, self.key = gateway, key.encode()

    async def health(self, request: Request) -> Response:
        return _Json({"status": "ok", "model": self.gateway.name})

    async def usage(self, request: Request) -> Response:
        return self._refused(request) or _Json(self.gateway.ledger.as_json())

    async def models(self, request: Request) -> Response:
        return self._refused(request) or _Json(listed([self.gateway.name]))

    async def chat(self, request: Request) -> Response:
        return self._refused(request) or await self._answered(request, self._chat)

    async def decide(self, request: Request) -> Response:
        return self._refused(request) or await self._answered(request, self._decide)

    def _refused(self, request: Request) -> Response | None:
        if not self.key:
            return None
        sent = request.headers.get("authorization", "").encode()
        if hmac.compare_digest(sent, b"Bearer " + self.key):
            return None
        return _Json(error_body("the key is wrong or missing", code="invalid_api_key"), 401)

    async def _answered(
        self, request: Request, serve: Callable[[Mapping[str, Json]], Response]
    ) -> Response:
        if int(request.headers.get("content-length") or 0) > MOST_BYTES:
            return _Json(error_body("the body is too large"), 413)
        try:
            raw = await _body(request)
            body = orjson.loads(raw)
        except _TooLarge:
            return _Json(error_body("the body is too large"), 413)
        except orjson.JSONDecodeError as problem:
            return _Json(error_body(f"the body is no JSON: {problem}", "body"), 400)
        try:
            # A decision takes less than a thread's hop; an upstream takes seconds.
            if self.gateway.upstream is None:
                return serve(body)
            return await run_in_threadpool(serve, body)
        except BadRequest as problem:
            return _Json(error_body(str(problem), problem.param), 400)
        except ToolChoiceError as problem:
            return _Json(error_body(str(problem), "tool_choice"), 400)
        except UpstreamError as problem:
            return _Json(error_body(str(problem), code="upstream_error"), problem.status)

    def _chat(self, body: Mapping[str, Json]) -> Response:
        chat = read(body)
        found = self.gateway.answer(chat, body)
        if chat.stream:
            text = "".join(events(found, with_usage=chat.with_usage))
            return Response(text, media_type="text/event-stream")
        return _Json(found)

    def _decide(self, body: Mapping[str, Json]) -> Response:
        chat = read(body)
        core = self.gateway.core
        reply = core.decide(chat.turns, chat.tools, chat.choice)
        self.gateway.ledger.note_decided()
        return _Json(decision_json(reply, core.fillable(chat.turns, chat.tools)))


class _TooLarge(Exception):
    pass


async def _body(request: Request) -> bytes:
    """The body, counted while it comes in: a length that is not told is no reason to read for ever."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise _TooLarge
        parts.append(part)
    return b"".join(parts)
