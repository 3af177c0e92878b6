"""Tools that a trace states, in the shapes that providers use, as plain schemas that a policy can work with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from scenarios.core.types import DECISION_KINDS, Json, Tool
from scenarios.sources.formats.base import MAX_TOOLS, RowError

MAX_PROPERTIES = 60
MAX_ENUM = 200
MAX_DESCRIPTION = 2_000
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TYPES = ("string", "integer", "number", "boolean", "array", "object")
SHAPES: dict[str, str] = {
    "date": r"^\d{4}-\d{2}-\d{2}$",
    "email": r"^[^@\s]{1,64}@[^@\s]{1,190}$",
    "code": r"^[A-Za-z]{1,8}[-_]?\d{1,18}$",
    **{f"{n} digits": rf"^\d{{{n}}}$" for n in range(2, 19)},
}
"""Patterns that texts may be held to, by name; all of them are linear. `date` and `email` are JSON Schema formats too."""
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_LENGTHS = ("minLength", "maxLength")


def tool_name(name: Json, where: str) -> str:
    """The name, where it may be one. Raises `RowError`."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise RowError(f"{where}: a tool's name must be 1 to 64 letters, digits, _, . or -")
    if name in DECISION_KINDS:
        raise RowError(f"{where}: {name!r} is a decision of the agent; call the tool otherwise")
    return name


def tools_of(listed: Json, where: str = "tools") -> tuple[Tool, ...]:
    """Tools in the OpenAI shape (with or without `function` around them) or Anthropic's. Raises `RowError`."""
    if not isinstance(listed, list):
        raise RowError(f"{where}: must be a list of tools")
    if len(listed) > MAX_TOOLS:
        raise RowError(f"{where}: {len(listed)} tools; at most {MAX_TOOLS} are taken")
    found: dict[str, Tool] = {}
    for at, item in enumerate(listed):
        place = f"{where}[{at}]"
        body = item.get("function", item) if isinstance(item, Mapping) else None
        if not isinstance(body, Mapping):
            raise RowError(f"{place}: must be an object with a name and parameters")
        tool = _tool(body, place)
        if tool.name in found:
            raise RowError(f"{place}: the name {tool.name!r} is there twice")
        found[tool.name] = tool
    return tuple(found.values())


def _tool(body: Mapping[str, Any], place: str) -> Tool:
    name = tool_name(body.get("name"), f"{place}.name")
    given = body.get("parameters") or body.get("input_schema") or body.get("inputSchema") or {}
    if not isinstance(given, Mapping):
        raise RowError(f"{place}.parameters: must be a JSON Schema of type object")
    properties = given.get("properties") or {}
    if not isinstance(properties, Mapping) or len(properties) > MAX_PROPERTIES:
        raise RowError(
            f"{place}.parameters.properties: must be an object of at most {MAX_PROPERTIES} parameters"
        )
    plain = {key: plain_schema(part, given) for key, part in properties.items()}
    listed = given.get("required")
    required = [
        key
        for key in (listed if isinstance(listed, list) else ())
        if isinstance(key, str) and key in plain and not _nullable(properties[key])
    ]
    text = body.get("description")
    return Tool(
        name,
        _text(text) or in_words(name),
        {"type": "object", "properties": plain, "required": list(dict.fromkeys(required))},
    )


def _nullable(part: Json) -> bool:
    """Whether null is allowed: strict schemas list all parameters as required, and let optional ones be null."""
    if not isinstance(part, Mapping):
        return False
    kinds, choice = part.get("type"), part.get("anyOf")
    return (isinstance(kinds, list) and "null" in kinds) or (
        isinstance(choice, list) and {"type": "null"} in choice
    )


def in_words(name: str) -> str:
    """`getOrder_status` -> `Get order status`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_.-]+", " ", name).strip().lower()
    return spaced[:1].upper() + spaced[1:] if spaced else name


def _text(value: Json) -> str:
    return value.strip()[:MAX_DESCRIPTION] if isinstance(value, str) else ""


def plain_schema(part: Json, whole: Mapping[str, Any], depth: int = 0) -> dict[str, Json]:
    """What a policy needs of a parameter's schema: type, enum, bounds, default, words.

    Local references are followed, `null` is left out of types, a `format` that is one of `SHAPES` becomes its pattern.
    Everything else goes: another `pattern` or a remote reference of a stranger must not be run or fetched.
    """
    real = _followed(part, whole)
    if not isinstance(real, Mapping) or depth > 6:
        return {}
    real = {**_only_choice(real, whole), **real}
    kept: dict[str, Json] = {}
    kinds = real.get("type")
    kinds = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind in _TYPES]
    if kinds:
        kept["type"] = kinds[0] if len(kinds) == 1 else kinds
    if text := _text(real.get("description")):
        kept["description"] = text
    kept |= _values(real)
    if kept.get("type") == "array" and isinstance(real.get("items"), Mapping):
        kept["items"] = plain_schema(real["items"], whole, depth + 1)
    if kept.get("type") == "object" and isinstance(real.get("properties"), Mapping):
        inner = list(real["properties"].items())[:MAX_PROPERTIES]
        kept["properties"] = {key: plain_schema(value, whole, depth + 1) for key, value in inner}
    return kept


def _values(real: Mapping[str, Any]) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    options = real.get("enum")
    if isinstance(options, list):
        scalars = [x for x in options if isinstance(x, str | int | float)][:MAX_ENUM]
        if scalars:
            kept["enum"] = scalars
    if real.get("type") == "string" and (shape := _shape(real)):
        kept["pattern"] = shape
    for name in _BOUNDS:
        if _is_number(real.get(name)):
            kept[name] = real[name]
    for name in _LENGTHS:
        if isinstance(real.get(name), int) and real[name] >= 0 and real[name] is not True:
            kept[name] = real[name]
    default = real.get("default")
    if isinstance(default, str | int | float) and default in kept.get("enum", [default]):
        kept["default"] = default
    return kept


def _shape(real: Mapping[str, Any]) -> str | None:
    stated = real.get("pattern")
    if isinstance(stated, str) and stated in SHAPES.values():
        return stated
    named = real.get("format")
    return SHAPES.get(named) if isinstance(named, str) else None


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _followed(part: Json, whole: Mapping[str, Any]) -> Json:
    """The part that a chain of local `$ref`s points at; an empty one where it leads nowhere."""
    for _ in range(8):
        if not isinstance(part, Mapping) or not isinstance(part.get("$ref"), str):
            return part
        steps: Sequence[str] = part["$ref"].removeprefix("#/").split("/")
        found: Any = whole if part["$ref"].startswith("#/") else None
        for step in steps:
            key = step.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, Mapping) else None
        part = found
    return {}


def _only_choice(real: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of `anyOf: [X, null]` (an optional value) the X; of a wider choice nothing."""
    for name in ("anyOf", "oneOf", "allOf"):
        listed = real.get(name)
        if isinstance(listed, list):
            parts = [_followed(item, whole) for item in listed[:20]]
            found = [p for p in parts if isinstance(p, Mapping) and p.get("type") != "null"]
            if len(found) == 1:
                return dict(found[0])
    return {}
