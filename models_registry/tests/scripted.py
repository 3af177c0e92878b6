"""A policy that decides what it was told to, and remembers what it saw."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from scenarios.core.types import Decision, Tool, ToolCall, Turn


def calls(tool_name: str, confidence: float = 0.9, **arguments: Any) -> Decision:
    """The decision to call a tool."""
    alternatives = ((tool_name, confidence), ("final", 1 - confidence))
    return Decision("tool", ToolCall(tool_name, arguments), "", confidence, alternatives)


class Scripted:
    """Hands out its decisions one by one; `seen` holds turns and tools of every question."""

    def __init__(self, *decisions: Decision, manifest: dict[str, Any] | None = None) -> None:
        self.decisions = list(decisions)
        self.manifest = manifest or {}
        self.seen: list[tuple[list[Turn], list[Tool]]] = []
        self._lock = threading.Lock()

    def act(self, turns: Sequence[Turn], tools: Sequence[Tool]) -> Decision:
        with self._lock:
            self.seen.append((list(turns), list(tools)))
            return self.decisions.pop(0)


class Repeating(Scripted):
    """Decides the same thing for ever."""

    def act(self, turns: Sequence[Turn], tools: Sequence[Tool]) -> Decision:
        with self._lock:
            self.seen.append((list(turns), list(tools)))
            return self.decisions[0]


class Obedient(Scripted):
    """Wants to end, but calls the first tool when it must."""

    def act(self, turns: Sequence[Turn], tools: Sequence[Tool]) -> Decision:
        self.seen.append((list(turns), list(tools)))
        return Decision("final", text="Done.")

    def call(self, turns: Sequence[Turn], tools: Sequence[Tool]) -> Decision:
        arguments = dict.fromkeys(tools[0].required, "x")
        return Decision("tool", ToolCall(tools[0].name, arguments))
