"""JSON Schema of tool parameters: what is wrong with these arguments, and is this one value allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator

from scenarios.core.types import Json, Tool


@lru_cache(maxsize=4096)
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema))


@lru_cache(maxsize=65536)
def _value_allowed(schema: str, value: str) -> bool:
    return bool(_validator(schema).is_valid(json.loads(value)))


@lru_cache(maxsize=65536)
def _errors(schema: str, arguments: str) -> tuple[str, ...]:
    found = sorted(_validator(schema).iter_errors(json.loads(arguments)), key=lambda e: str(e.path))
    return tuple(f"{'.'.join(map(str, e.path)) or 'arguments'}: {e.message}" for e in found)


def schema_text(schema: Mapping[str, Json]) -> str:
    """A schema as canonical text: the key of every cache here."""
    return json.dumps(schema, sort_keys=True, default=dict)


def argument_errors(tool: Tool, arguments: Mapping[str, Json]) -> tuple[str, ...]:
    """Messages that name the argument and the fault; empty where the arguments are valid.

    Parameters that the schema does not know are refused too: a policy must not invent arguments.
    """
    unknown = sorted(set(arguments) - set(tool.properties))
    if unknown:
        return tuple(f"{name}: is not a parameter of {tool.name}" for name in unknown)
    return _errors(_tool_text(id(tool), tool), json.dumps(dict(arguments), sort_keys=True))


def value_allowed(schema: Mapping[str, Json], value: Json) -> bool:
    """Whether one value satisfies one parameter's schema."""
    return _value_allowed(schema_text(schema), json.dumps(value, sort_keys=True))


_texts: dict[int, tuple[Any, str]] = {}


def _tool_text(key: int, tool: Tool) -> str:
    # Serialising a schema costs more than looking it up; the tool is kept beside its text so that its id stays its own.
    kept = _texts.get(key)
    if kept is None or kept[0] is not tool:
        kept = _texts[key] = (tool, schema_text(tool.parameters))
    return kept[1]
