"""Tools that no trace states, inferred from how they were called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scenarios.core.types import Json, Tool
from scenarios.sources.formats._tools import SHAPES, in_words
from scenarios.sources.formats.base import Recorded

MAX_OPTIONS = 12
"""Distinct values of an inferred enum."""
REPEATED, WORDS_REPEATED = 3, 2
"""How often the values of an enum must occur on average; single words, which a policy cannot point at in a text, less."""
ENOUGH = 5
"""Different values from which the shape of all of them is inferred."""
_OPTION = re.compile(r"[A-Za-z][A-Za-z_/-]*(?: [A-Za-z_/-]+){0,2}")

Arguments = Mapping[str, Json]


def stated(conversations: Iterable[Recorded]) -> dict[str, Tool]:
    """The tools that rows state; of several versions of one the latest."""
    found: dict[str, Tool] = {}
    for conversation in conversations:
        for tool in conversation.tools:
            found[tool.name] = tool
    return found


def tools_of_calls(conversations: Iterable[Recorded], known: Iterable[str]) -> dict[str, Tool]:
    """A tool for every name that was called and is not known, in order of first call.

    Learned from the calls that were answered without an error, where there are any.
    """
    good: dict[str, list[Arguments]] = {}
    all_: dict[str, list[Arguments]] = {}
    for conversation in conversations:
        for event in conversation.calls:
            call = event.turn.call
            if call is not None and call.name not in known:
                all_.setdefault(call.name, []).append(call.arguments)
                if not event.turn.is_error:
                    good.setdefault(call.name, []).append(call.arguments)
    return {name: tool_from(name, good.get(name) or calls) for name, calls in all_.items()}


def tool_from(name: str, calls: Sequence[Arguments]) -> Tool:
    """The tool with the parameters that these calls carried; required is what every call carried."""
    values: dict[str, list[Json]] = {}
    for arguments in calls:
        for parameter, value in arguments.items():
            if value is not None:
                values.setdefault(parameter, []).append(value)
    properties = {
        parameter: {**schema_of(found), "description": in_words(parameter)}
        for parameter, found in values.items()
    }
    required = [parameter for parameter, found in values.items() if len(found) == len(calls)]
    schema = {"type": "object", "properties": properties, "required": required}
    return Tool(name, in_words(name), schema)


def schema_of(values: Sequence[Json]) -> dict[str, Any]:
    """The type of the values, with an enum where they are few short words that repeat."""
    kinds = Counter(_kind(value) for value in values)
    if set(kinds) == {"integer", "number"}:
        return {"type": "number"}
    if len(kinds) > 1:
        return {"type": sorted(kinds)}
    kind = next(iter(kinds), "string")
    schema: dict[str, Any] = {"type": kind}
    if kind == "array":
        inner = [item for value in values for item in value if item is not None][:1_000]
        if inner and not any(isinstance(item, dict | list) for item in inner):
            schema["items"] = {"type": schema_of(inner)["type"]}
    if kind == "string":
        texts = [str(value) for value in values]
        if options := _options(texts):
            schema["enum"] = options
        elif shape := _shape(texts):
            schema["pattern"] = shape
    return schema


def _kind(value: Json) -> str:
    if isinstance(value, bool):
        return "boolean"
    for type_, name in ((int, "integer"), (float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, type_):
            return name
    return "object"


def _shape(values: Sequence[str]) -> str | None:
    """The pattern that all of enough different values have in common."""
    different = set(values)
    if len(different) < ENOUGH:
        return None
    found = (p for p in SHAPES.values() if all(re.search(p, value) for value in different))
    return next(found, None)


def _options(values: Sequence[str]) -> list[str]:
    counts = Counter(values)
    often = REPEATED if any(" " in value for value in counts) else WORDS_REPEATED
    few = len(counts) <= MAX_OPTIONS and len(values) >= often * len(counts)
    if not few or not all(len(v) <= 40 and _OPTION.fullmatch(v) for v in counts):
        return []
    return sorted(counts)
