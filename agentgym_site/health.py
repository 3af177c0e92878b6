"""Two questions that machines ask: are you alive, and can you work?"""

from __future__ import annotations

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

_REDIS_PATIENCE_S = 2.0


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: no input or output, so a dead database never gets the web process killed."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: 200 when PostgreSQL and Redis answer, else 503 with the part that does not."""
    parts = {"database": _database_answers(), "redis": _redis_answers()}
    return JsonResponse(
        {name: "ok" if works else "down" for name, works in parts.items()},
        status=200 if all(parts.values()) else 503,
    )


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _redis_answers() -> bool:
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=_REDIS_PATIENCE_S,
        socket_connect_timeout=_REDIS_PATIENCE_S,
    )
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
