"""One port for everything: pages and API in WSGI threads, websockets through Channels.

Measured: Django's native ASGI side was 2 to 20 times slower with ordinary middleware.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from a2wsgi import WSGIMiddleware
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator

from agentgym_site.private_services import prepare_environment

prepare_environment()

from agentgym_site.wsgi import application as pages  # noqa: E402  (sets Django up)
from training.routing import websocket_urlpatterns  # noqa: E402  (needs Django set up)

Message = MutableMapping[str, Any]
_THREADS = 8


async def lifespan(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answer the server's start and stop questions; nothing to prepare, nothing to keep."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


application = ProtocolTypeRouter(
    {
        # The two packages describe the same WSGI callable with different types.
        "http": WSGIMiddleware(pages, workers=_THREADS),  # type: ignore[arg-type]
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        ),
        "lifespan": lifespan,
    }
)
