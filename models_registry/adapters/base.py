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
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast, runtime_checkable

from models_registry.policies.runtime import PolicyRuntime
from scenarios.core.types import Decision, Json, Tool, Turn

if TYPE_CHECKING:
    from models_registry.adapters._environment import AgentTask
    from models_registry.adapters._livetools import LiveTool
    from scenarios.core.env import ToolEnv

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


@dataclass(frozen=True, slots=True)
class FrameworkInfo:
    """What an adapter is for. versions: of the installed distributions. kinds: of agent that `wrap_agent` makes."""

    key: str
    title: str
    versions: Mapping[str, str]
    missing: tuple[str, ...]
    kinds: tuple[str, ...]


class Adapter(ABC):
    """One framework: a policy as its agent, and its agents as something to train on."""

    requires: ClassVar[tuple[str, ...]] = ()
    """Distributions to install; `missing` says which are not there."""
    modules: ClassVar[tuple[str, ...]] = ()
    """What to import of each of them, in the same order."""
    kinds: ClassVar[tuple[str, ...]] = ()
    """Kinds of agent that `wrap_agent` makes; the first is the default."""

    @abstractmethod
    def wrap_agent(
        self,
        policy: Policy | Path | str,
        tools: Sequence[Any],
        *,
        max_steps: int = DEFAULT_MAX_STEPS,
        **options: Any,
    ) -> Any:
        """The framework's own agent over its own tools; the policy (or the bundle in a folder) decides.

        Raises `BundleError` for a damaged bundle.
        """

    @abstractmethod
    def live_tools(self, agent: Any) -> list[LiveTool]:
        """The tools of an agent (or of a list) of the framework, ready to be run. Raises `TypeError` for other things."""

    @abstractmethod
    def turns(self, record: Any) -> list[Turn]:
        """What an agent of the framework did, as canonical turns; `record` is what its run gave back."""

    def problems(self, agent: Any) -> list[str]:
        """What in the agent's own settings will hurt; see `validate_agent`."""
        return []

    def extract_tools(self, agent: Any) -> list[Tool]:
        """The canonical specs of an agent's tools."""
        return [tool.spec for tool in self.live_tools(agent)]

    def create_environment(self, agent: Any, tasks: Sequence[AgentTask], **options: Any) -> ToolEnv:
        """A Gymnasium environment over the agent's tools; see `models_registry.adapters._environment.environment`."""
        from models_registry.adapters._environment import environment  # noqa: PLC0415

        return environment(self.live_tools(agent), tasks, **options)

    def validate_agent(self, agent: Any) -> tuple[str, ...]:
        """What stands in the way of training on the agent or of replacing it; empty where nothing does."""
        try:
            tools = self.extract_tools(agent)
        except TypeError as problem:
            return (str(problem),)
        return (*tool_problems(tools), *self.problems(agent))

    @classmethod
    def get_framework_info(cls) -> FrameworkInfo:
        """Name, installed versions and what is missing; loads nothing of the framework."""
        absent = cls.missing()
        versions = {name: metadata.version(name) for name in cls.requires if name not in absent}
        key = cls.__module__.rsplit(".", 1)[-1]
        return FrameworkInfo(key, cls.__name__, versions, absent, cls.kinds)

    @classmethod
    def missing(cls) -> tuple[str, ...]:
        """The distributions of `requires` that are not installed."""
        pairs = zip(cls.requires, cls.modules, strict=True)
        return tuple(name for name, module in pairs if importlib.util.find_spec(module) is None)


def tool_problems(tools: Sequence[Tool]) -> list[str]:
    """What a policy cannot do with these tools."""
    if not tools:
        return ["the agent has no tools, and tool use is all that is trained"]
    found = []
    names = Counter(tool.name for tool in tools)
    found += [f"{count} tools are called {name!r}" for name, count in names.items() if count > 1]
    for tool in tools:
        if not tool.description.strip():
            found.append(
                f"{tool.name}: has no description, and tools are told apart by their words"
            )
        if tool.parameters.get("type") != "object":
            found.append(f"{tool.name}: its parameters are no JSON Schema of type object")
        undeclared = set(tool.required) - set(tool.properties)
        found += [f"{tool.name}: requires {name}, which it does not declare" for name in undeclared]
    return found


def load_policy(source: Policy | Path | str, role: str = "") -> Policy:
    """The policy itself, or the one in a bundle's folder (`role`: which member of a team's). Raises `BundleError`."""
    if isinstance(source, str | Path):
        return PolicyRuntime.load(Path(source), role)
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
