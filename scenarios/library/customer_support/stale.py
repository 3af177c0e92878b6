"""Outdated copies of what a read returns: marked as stale, and wrong in what decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scenarios.core.types import Json

EARLIER: Mapping[str, Mapping[Json, Json]] = {
    "account_status": {"locked": "active"},
    "password_status": {"expired": "valid"},
    "unfamiliar_sign_in": {True: False},
    "refund_window": {"open": "closed", "closed": "open"},
    "needs_supervisor": {True: False, False: True},
    "status": {"refunded": "paid", "failed": "pending", "paid": "pending", "pending": "paid"},
    "failure_reason": {"card_expired": None, "processor_error": None},
    "minimum_term": {"running": "ended", "ended": "running"},
    "downgrade": {"blocked_by_usage": "available", "available": "blocked_by_usage"},
    "api_access": {"included": "not_included", "not_included": "included"},
    "key_status": {"expired": "active"},
    "service_status": {"outage": "normal", "degraded": "normal"},
    "hardware_check": {"failed": "passed"},
    "response_target": {"missed": "on_track"},
}
"""Field -> what an older copy said instead."""


def outdated(content: Any) -> Any:
    """The same result as an old copy would show it, with `stale` set."""
    if isinstance(content, list):
        return [outdated(item) for item in content]
    if not isinstance(content, dict):
        return content
    return {key: True if key == "stale" else _earlier(key, value) for key, value in content.items()}


def _earlier(key: str, value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return outdated(value)
    return EARLIER.get(key, {}).get(value, value)
