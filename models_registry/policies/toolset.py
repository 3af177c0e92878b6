"""A list of tools as the policy sees it: bags for names and descriptions, fast checks for parameter values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models_registry.policies.bags import Bag, bag, text_tokens
from models_registry.policies.candidates import Candidate, from_schema
from scenarios.core.schema import value_allowed
from scenarios.core.types import DecisionKind, Json, Tool

KINDS: tuple[tuple[DecisionKind, str], ...] = (
    ("final", "Answer the user and end the conversation; everything is done."),
    ("ask", "Ask the user for a detail that is missing."),
    ("hand_over", "Hand the conversation over to a person; no tool can serve it."),
)
"""The decisions that are not tool calls, described like tools so that one scorer ranks them all."""

_SIMPLE = {
    "type",
    "description",
    "enum",
    "default",
    "title",
    "pattern",
    "minimum",
    "maximum",
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
    allows: Callable[[Json], bool]
    offered: tuple[Candidate, ...]


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
        kinds = [ToolView(kind, kind, bag(_tool_tokens(kind, text, ()))) for kind, text in KINDS]
        self.views: tuple[ToolView, ...] = (*(_view(tool) for tool in tools), *kinds)
        self.index = {view.name: i for i, view in enumerate(self.views)}

    def __len__(self) -> int:
        return len(self.views)


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


def _view(tool: Tool) -> ToolView:
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
            checker(schema),
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


def checker(schema: Mapping[str, Json]) -> Callable[[Json], bool]:
    """Does one value satisfy the schema? Plain schemas are checked by hand, because a mask asks thousands of times."""
    kind = schema.get("type")
    if set(schema) <= _SIMPLE and isinstance(kind, str):
        return _simple_checker(schema, kind)
    return lambda value: value_allowed(schema, value)


def _simple_checker(schema: Mapping[str, Json], kind: str) -> Callable[[Json], bool]:
    if "enum" in schema:
        options = list(schema["enum"])
        return lambda value: any(value == o and type(value) is type(o) for o in options)
    if kind == "boolean":
        return lambda value: isinstance(value, bool)
    if kind in ("number", "integer"):
        return _number_checker(schema, whole=kind == "integer")
    if kind == "string":
        return _string_checker(schema)
    return lambda value: value_allowed(schema, value)


def _number_checker(schema: Mapping[str, Any], *, whole: bool) -> Callable[[Json], bool]:
    low, high = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))

    def check(value: Json) -> bool:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or (whole and value != int(value))
        ):
            return False
        return bool(low <= value <= high)

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
