"""Announcements: 'run 7 has news up to 120', on Redis, after commit. Nothing depends on one arriving."""

from __future__ import annotations

import json
import logging
import time
from functools import lru_cache

import redis
from django.conf import settings
from django.db import transaction

logger = logging.getLogger(__name__)

CHANNEL_PREFIX = "agentgym:run:"
_QUIET_SECONDS = 5.0
_quiet_until = 0.0


def channel(run_id: int) -> str:
    """The Redis channel of one run."""
    return f"{CHANNEL_PREFIX}{run_id}"


def announce_on_commit(run_id: int, seq: int) -> None:
    """Tell the web processes, once the transaction is committed, that a run has news."""
    transaction.on_commit(lambda: announce(run_id, seq))


def announce(run_id: int, seq: int) -> bool:
    """Publish; False where Redis is away, which costs watchers a few seconds and nothing else."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return False
    try:
        _client(settings.REDIS_URL).publish(
            channel(run_id), json.dumps({"run": run_id, "seq": seq})
        )
    except redis.RedisError as error:
        # A dead Redis must not slow every write of a training run down.
        _quiet_until = time.monotonic() + _QUIET_SECONDS
        logger.warning("Run %s: not announced, Redis is away (%s)", run_id, error)
        return False
    return True


@lru_cache(maxsize=2)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
