"""A policy in front of an LLM: what it is sure of it decides itself, the rest goes on to an upstream that speaks the
same protocol. One place counts tokens and money.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from models_registry.adapters._core import Core
from models_registry.adapters._openai_chat import Chat, completion
from scenarios.core.types import Decision, Json

SECONDS = 120.0


class UpstreamError(RuntimeError):
    """The upstream cannot be reached, or refuses; `status` is what to answer."""

    def __init__(self, message: str, status: int = 502) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Upstream:
    """An LLM behind an OpenAI-compatible address (`https://host/v1`). Prices in USD per million tokens."""

    url: str
    model: str
    key: str = ""
    input_price: float = 0.0
    output_price: float = 0.0

    def _request(self, body: Mapping[str, Json]) -> tuple[str, dict[str, Json], dict[str, str]]:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        sent = {key: value for key, value in body.items() if key != "stream"}
        return f"{self.url.rstrip('/')}/chat/completions", {**sent, "model": self.model}, headers

    def ask(self, body: Mapping[str, Json]) -> dict[str, Any]:
        """The upstream's completion of this very request. Raises `UpstreamError`.

        Asked without streaming also where the client wants a stream: it gets the answer in one chunk.
        """
        url, sent, headers = self._request(body)
        sent.pop("stream_options", None)
        try:
            answer = httpx.post(url, json=sent, headers=headers, timeout=SECONDS)
        except httpx.HTTPError as problem:
            raise UpstreamError(
                f"the upstream cannot be used: {type(problem).__name__}"
            ) from problem
        if answer.status_code != httpx.codes.OK:
            raise UpstreamError(f"the upstream answered {answer.status_code}", _passed_on(answer))
        try:
            found: dict[str, Any] = answer.json()
            _ = found["choices"][0]["message"]
        except (ValueError, LookupError, TypeError) as problem:
            raise UpstreamError("the upstream's answer is no chat completion") from problem
        return found


def _passed_on(answer: httpx.Response) -> int:
    """429 is the client's to wait for; anything else is this gateway's trouble."""
    return 429 if answer.status_code == httpx.codes.TOO_MANY_REQUESTS else 502


@dataclass(slots=True)
class Ledger:
    """What was decided here and what was asked of the upstream, in tokens and in USD. Thread-safe."""

    decided: int = 0
    forwarded: int = 0
    shadowed: int = 0
    """Requests on which the policy was only compared with the upstream."""
    agreed: int = 0
    """Of these, how often both wanted the same call, or none."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note_decided(self) -> None:
        with self._lock:
            self.decided += 1

    def note_forwarded(self, usage: Mapping[str, Any], upstream: Upstream) -> None:
        prompt, made = (_count(usage.get(key)) for key in ("prompt_tokens", "completion_tokens"))
        with self._lock:
            self.forwarded += 1
            self.prompt_tokens += prompt
            self.completion_tokens += made
            self.usd += (prompt * upstream.input_price + made * upstream.output_price) / 1e6

    def note_shadow(self, *, agreed: bool) -> None:
        with self._lock:
            self.shadowed += 1
            self.agreed += agreed

    def as_json(self) -> dict[str, Json]:
        total = self.decided + self.forwarded
        return {
            "decided": self.decided,
            "forwarded": self.forwarded,
            "share_decided": self.decided / total if total else None,
            "shadowed": self.shadowed,
            "agreed": self.agreed,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "usd": self.usd,
        }


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


@dataclass(frozen=True)
class Gateway:
    """A policy with its name, and where there is one, the upstream for what it is not sure of.

    shadow: the upstream answers everything, and it is only noted whether the policy would have done the same.
    """

    core: Core
    name: str
    upstream: Upstream | None = None
    ledger: Ledger = field(default_factory=Ledger)
    shadow: bool = False

    def answer(self, chat: Chat, body: Mapping[str, Json]) -> dict[str, Any]:
        """The completion of a request. Raises `ToolChoiceError`, `UpstreamError`."""
        reply = self.core.decide(
            chat.turns, chat.tools, chat.choice, has_fallback=self.upstream is not None
        )
        if self.upstream is None or not (reply.deferred or self.shadow):
            self.ledger.note_decided()
            return completion(reply, self.name)
        found = self.upstream.ask(body)
        if self.shadow:
            self.ledger.note_shadow(agreed=same_call(reply.decision, found))
        usage = found.get("usage")
        self.ledger.note_forwarded(usage if isinstance(usage, Mapping) else {}, self.upstream)
        return {
            **found,
            "agentgym": {"source": "upstream", "confidence": reply.decision.confidence},
        }


def same_call(decision: Decision, answer: Mapping[str, Any]) -> bool:
    """Whether a completion makes the very call that the policy wants, or none where it wants none."""
    made = answer["choices"][0]["message"].get("tool_calls") or []
    if decision.call is None or len(made) != 1:
        return decision.call is None and not made
    function = made[0].get("function", {})
    try:
        arguments = json.loads(function.get("arguments") or "{}")
    except (TypeError, ValueError):
        return False
    return bool(
        function.get("name") == decision.call.name and arguments == dict(decision.call.arguments)
    )
