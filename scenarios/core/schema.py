"""JSON Schema of tool parameters: what is wrong with these arguments, and is this one value allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jsonschema_rs import Draft202012Validator

from scenarios.core.types import Json, Tool


def _refuse(uri: str) -> Json:
    """Schemas come from users too: a reference must not make this process read a file or an address."""
    raise ValueError(f"references to other documents are not followed: {uri}")


def validator_of(schema: Mapping[str, Json]) -> Draft202012Validator:
    """A validator that reads nothing but the schema itself. Raises `ValueError` for what is no schema."""
    return Draft202012Validator(dict(schema), retriever=_refuse)


@lru_cache(maxsize=4096)
def _validator(schema: str) -> Draft202012Validator:
    return validator_of(json.loads(schema))


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
    validator, given = _validator_of(tool), dict(arguments)
    if validator.is_valid(given):
        return ()
    found = sorted(
        validator.iter_errors(given), key=lambda e: [str(part) for part in e.instance_path]
    )
    return tuple(
        f"{'.'.join(map(str, e.instance_path)) or 'arguments'}: {e.message}" for e in found
    )


def value_allowed(schema: Mapping[str, Json], value: Json) -> bool:
    """Whether one value satisfies one parameter's schema."""
    return _validator(schema_text(schema)).is_valid(value)


_validators: dict[int, tuple[Any, Draft202012Validator]] = {}


def _validator_of(tool: Tool) -> Draft202012Validator:
    # Serialising a schema costs more than looking it up; the tool is kept beside its validator so that its id stays its own.
    kept = _validators.get(id(tool))
    if kept is None or kept[0] is not tool:
        kept = _validators[id(tool)] = (tool, _validator(schema_text(tool.parameters)))
    return kept[1]
