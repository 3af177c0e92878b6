"""What every adapter shares: the policy's interface, and text from a framework turned back into turns.

The same tool answers with different text in each framework: a Python repr here, JSON there, a sentence for an error.
A policy was trained on the canonical form, so an adapter has to restore it, or the policy meets inputs that it has
never seen.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

from models_registry.policies.runtime import PolicyRuntime
from scenarios.core.types import Decision, Json, Tool, Turn

DEFAULT_MAX_STEPS = 20
"""Tool calls in answer to one message of the user, unless the caller says otherwise."""

MAX_PARSED_CHARACTERS = 200_000
"""A longer answer of a tool stays text: parsing it could stall an agent for seconds."""

ErrorTable = Sequence[tuple[re.Pattern[str], str]]
"""(pattern, error code) pairs. A group `message` is kept as the message, a group `tool` names a tool that is not there."""


class Policy(Protocol):
    """What an adapter drives. `act` must be thread-safe: frameworks call it from threads of their own."""

    def act(self, turns: Sequence[Turn], tools: Sequence[Tool]) -> Decision:
        """The next decision, from the conversation so far and the tools on offer."""
        ...


@runtime_checkable
class CallingPolicy(Protocol):
    """A policy that can also be told that only a tool call will do."""

    def call(self, turns: Sequence[Turn], tools: Sequence[Tool]) -> Decision:
        """The most likely tool call; `tools` is not empty. May still end the talk if no tool can be filled."""
        ...


class Adapter(ABC):
    """Turns a policy into an agent object of one framework."""

    requires: ClassVar[tuple[str, ...]] = ()
    """Distributions to install; `missing` says which are not there."""
    modules: ClassVar[tuple[str, ...]] = ()
    """What to import of each of them, in the same order."""

    @abstractmethod
    def wrap_agent(
        self,
        policy: Policy | Path | str,
        tools: Sequence[Any],
        *,
        max_steps: int = DEFAULT_MAX_STEPS,
    ) -> Any:
        """The framework's own agent over its own tools; the policy (or the bundle in a folder) decides.

        Raises `BundleError` for a damaged bundle.
        """

    @classmethod
    def missing(cls) -> tuple[str, ...]:
        """The distributions of `requires` that are not installed."""
        pairs = zip(cls.requires, cls.modules, strict=True)
        return tuple(name for name, module in pairs if importlib.util.find_spec(module) is None)


def load_policy(source: Policy | Path | str) -> Policy:
    """The policy itself, or the one in a bundle's folder. Raises `BundleError`."""
    if isinstance(source, str | Path):
        return PolicyRuntime.load(Path(source))
    return source


def manifest_of(policy: Policy) -> Mapping[str, Any]:
    """The manifest that came with the policy; empty where there is none."""
    return cast("Mapping[str, Any]", getattr(policy, "manifest", {}))


def stored_tools(policy: Policy) -> tuple[Tool, ...]:
    """The canonical tool specs that the policy was trained with."""
    found = manifest_of(policy).get("tools") or ()
    return tuple(Tool(t["name"], t["description"], t["parameters"]) for t in found)


def canonical_content(text: str) -> Json:
    """A tool's answer as the JSON value that it stands for: JSON, else a Python literal, else the text itself."""
    stripped = text.strip()
    if not stripped or len(stripped) > MAX_PARSED_CHARACTERS:
        return text
    try:
        return _plain(json.loads(stripped, parse_constant=_refuse))
    except (ValueError, RecursionError):
        pass
    if stripped[0] not in "{[('\"" and stripped not in {"None", "True", "False"}:
        return text
    try:
        return _plain(ast.literal_eval(stripped))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def canonical_result(text: str, *, flagged: bool, table: ErrorTable) -> tuple[Json, bool]:
    """Content and error flag of a tool turn, as the policy saw them in training.

    flagged: the framework says that this is an error. table: the framework's own wordings of errors.
    """
    content = canonical_content(text)
    if is_error_content(content):
        return content, True
    if not flagged:
        return content, False
    for pattern, code in table:
        if match := pattern.search(text):
            groups = match.groupdict()
            if tool := groups.get("tool"):
                return unknown_tool(tool), True
            return error_content(code, groups.get("message") or text), True
    return error_content("failed", text), True


def is_error_content(content: Json) -> bool:
    """Whether a value has the canonical shape of an error."""
    return isinstance(content, dict) and set(content) == {"error", "message"}


def error_content(code: str, message: str) -> dict[str, Json]:
    """The canonical shape of an error, its message cut to one short line."""
    lines = message.strip().splitlines() or [""]
    return {"error": code, "message": lines[0].strip()[:300]}


def unknown_tool(name: str) -> dict[str, Json]:
    """The error of a call to a tool that is not there, worded as in the simulated worlds."""
    return error_content("unknown_tool", f"there is no tool {name!r}")


def exception_content(problem: Exception) -> dict[str, Json]:
    """The error that stands for a tool that raised. Codes are those of the simulated faults where they mean the same."""
    if isinstance(problem, TimeoutError):
        return error_content("timeout", "the service did not answer in time")
    if isinstance(problem, ConnectionError):
        return error_content("unavailable", str(problem) or "the service cannot be reached")
    return error_content("failed", str(problem) or type(problem).__name__)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _plain(value: Any) -> Json:
    """A Python literal as JSON. Raises `ValueError` for what JSON cannot say."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not finite")
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError(f"{type(value).__name__} is not JSON")
