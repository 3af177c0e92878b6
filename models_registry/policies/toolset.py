"""A list of tools as the policy sees it: bags for names and descriptions, fast checks for parameter values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models_registry.policies.bags import Bag, bag, text_tokens
from models_registry.policies.candidates import Candidate, from_schema
from scenarios.core.schema import schema_text, value_allowed
from scenarios.core.types import DecisionKind, Json, Tool

KINDS: tuple[tuple[DecisionKind, str], ...] = (
    ("final", "Answer the user and end the conversation; everything is done."),
    ("ask", "Ask the user for a detail that is missing."),
    ("hand_over", "Hand the conversation over to a person; no tool can serve it."),
)
"""The decisions that are not tool calls, described like tools so that one scorer ranks them all."""

DYNAMICS = 12
"""Width of what is told of each tool's past; see `Conversation.observe`."""

_SIMPLE = {
    "type",
    "description",
    "default",
    "title",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a tool: its bag, whether a call needs it, its check, and what its schema itself offers."""

    name: str
    required: bool
    bag: Bag
    words: frozenset[str]
    check: int
    """The bit of the check that a value has to pass; 0 where the schema offers every value itself."""
    closed: bool
    """Whether only the offered values are possible (an enum, a boolean)."""
    offered: tuple[Candidate, ...]


class _Checks:
    """The distinct schemas of a tool set's parameters, numbered, with the answers remembered per value."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._checkers: list[Callable[[Json], bool]] = []
        self._known: dict[tuple[type, Json], int] = {}

    def number(self, schema: Mapping[str, Json]) -> int:
        bare = {
            key: value
            for key, value in schema.items()
            if key not in ("description", "title", "default")
        }
        text = schema_text(bare)
        if text not in self._numbers:
            self._numbers[text] = len(self._checkers)
            self._checkers.append(checker(schema))
        return self._numbers[text]

    def passed(self, value: Json) -> int:
        key = (type(value), value)
        bits = self._known.get(key)
        if bits is None:
            if len(self._known) > 50_000:
                self._known.clear()
            bits = sum(1 << i for i, check in enumerate(self._checkers) if check(value))
            self._known[key] = bits
        return bits


@dataclass(frozen=True, slots=True)
class ToolView:
    """One tool (or kind of decision) as the policy sees it."""

    name: str
    kind: DecisionKind
    bag: Bag
    parameters: tuple[Parameter, ...] = ()


class ToolSet:
    """All decisions that a list of tools allows: the tools in order, then the kinds that are not calls."""

    def __init__(self, tools: tuple[Tool, ...]) -> None:
        self.tools = tools
        self.checks = _Checks()
        kinds = [ToolView(kind, kind, bag(_tool_tokens(kind, text, ()))) for kind, text in KINDS]
        self.views: tuple[ToolView, ...] = (*(_view(tool, self.checks) for tool in tools), *kinds)
        self.needs = [
            sum({p.check for p in view.parameters if p.required and not p.closed})
            for view in self.views
        ]
        self.dynamics = np.zeros((len(self.views), DYNAMICS), dtype=np.float32)
        self.dynamics[:, 0] = 1.0
        self.dynamics[:, 8] = [view.kind == "tool" for view in self.views]
        self.dynamics[:, 9] = [len(view.parameters) / 4 for view in self.views]
        self.index = {view.name: i for i, view in enumerate(self.views)}

    def __len__(self) -> int:
        return len(self.views)

    def passed(self, value: Json) -> int:
        """Bit set of the checks that a value passes."""
        return self.checks.passed(value)


_cache: dict[int, tuple[tuple[Tool, ...], ToolSet]] = {}


def toolset(tools: tuple[Tool, ...]) -> ToolSet:
    """The (cached) view of a tuple of tools."""
    kept = _cache.get(id(tools))
    if kept is None or kept[0] is not tools:
        if len(_cache) > 256:
            _cache.clear()
        kept = _cache[id(tools)] = (tools, ToolSet(tools))
    return kept[1]


def _tool_tokens(name: str, description: str, parameters: tuple[str, ...]) -> tuple[str, ...]:
    return (
        f"tool:{name}",
        *(f"tp:{p}" for p in parameters),
        *text_tokens(f"{name.replace('_', ' ')} {description}", "t:"),
    )


def _view(tool: Tool, checks: _Checks) -> ToolView:
    required = set(tool.required)
    parameters = tuple(
        Parameter(
            name,
            name in required,
            bag(
                (
                    f"arg:{tool.name}.{name}",
                    f"arg:{name}",
                    *text_tokens(f"{name} {schema.get('description', '')}", "p:"),
                )
            ),
            frozenset(re.split(r"[_.\[\]]+", name.lower())),
            0 if is_closed(schema) else 1 << checks.number(schema),
            is_closed(schema),
            tuple(from_schema(name, schema)),
        )
        for name, schema in tool.properties.items()
    )
    return ToolView(
        tool.name,
        "tool",
        bag(_tool_tokens(tool.name, tool.description, tuple(tool.properties))),
        parameters,
    )


def is_closed(schema: Mapping[str, Json]) -> bool:
    """Whether the schema lists all of its values."""
    return "enum" in schema or schema.get("type") == "boolean"


def checker(schema: Mapping[str, Json]) -> Callable[[Json], bool]:
    """Does one value satisfy the schema? Plain schemas are checked by hand, because a mask asks thousands of times."""
    kind = schema.get("type")
    if set(schema) <= _SIMPLE and isinstance(kind, str):
        return _simple_checker(schema, kind)
    return lambda value: value_allowed(schema, value)


def _simple_checker(schema: Mapping[str, Json], kind: str) -> Callable[[Json], bool]:
    if kind in ("number", "integer"):
        return _number_checker(schema, whole=kind == "integer")
    if kind == "string":
        return _string_checker(schema)
    return lambda value: value_allowed(schema, value)


def _number_checker(schema: Mapping[str, Any], *, whole: bool) -> Callable[[Json], bool]:
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    above, below = (
        schema.get("exclusiveMinimum", -math.inf),
        schema.get("exclusiveMaximum", math.inf),
    )

    def check(value: Json) -> bool:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or (whole and value != int(value))
        ):
            return False
        return bool(low <= value <= high and above < value < below)

    return check


def _string_checker(schema: Mapping[str, Any]) -> Callable[[Json], bool]:
    pattern = re.compile(schema["pattern"]) if "pattern" in schema else None
    low, high = schema.get("minLength", 0), schema.get("maxLength", 1 << 30)

    def check(value: Json) -> bool:
        return (
            isinstance(value, str)
            and low <= len(value) <= high
            and (pattern is None or bool(pattern.search(value)))
        )

    return check
