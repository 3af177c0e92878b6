"""Lists of tools, as the start of a scenario: OpenAI tool JSON, an OpenAPI document, or what an MCP server offers.

A list says what can be called, not what the world is or what people ask for. The start that is made of it can be
checked and trained as it is: its world notes every call, and its requests say plainly what to call with what. Their
wording, and what the tools really do, are for the author to write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from scenarios.core.types import Json, Tool
from scenarios.sources.base import SourceError

MOST_TOOLS = 100
_METHODS = ("get", "post", "put", "patch", "delete")
_SIMPLE = ("string", "integer", "number", "boolean")
_NAMES = (
    "Amber", "Birch", "Cedar", "Delta", "Ember", "Fjord", "Grove", "Haven", "Iris", "Jade",
    "Kite", "Lotus", "Maple", "North", "Ocean", "Pearl", "Quartz", "River", "Stone", "Tulip",
    "Umber", "Vale", "Willow", "Xenon", "Yarrow",
)  # fmt: skip


def from_openai(value: Json) -> list[Tool]:
    """Tools in the OpenAI shape: a list, or an object with `tools`. Raises `SourceError`."""
    listed = value.get("tools") if isinstance(value, Mapping) else value
    if not isinstance(listed, list):
        raise SourceError(["the file must hold a list of tools, or an object with `tools`"])
    found, mistakes = [], []
    for at, item in enumerate(listed):
        body = item.get("function", item) if isinstance(item, Mapping) else None
        if not isinstance(body, Mapping) or not isinstance(body.get("name"), str):
            mistakes.append(f"[{at}]: must be an object with a `name`")
            continue
        schema = body.get("parameters") or body.get("inputSchema") or body.get("input_schema")
        found.append(_tool(body["name"], str(body.get("description") or ""), schema))
    if mistakes:
        raise SourceError(mistakes)
    return _bounded(found)


def from_openapi(value: Json) -> list[Tool]:
    """One tool per operation of an OpenAPI 3 document: its parameters, and the fields of a JSON body."""
    if not isinstance(value, Mapping) or not isinstance(value.get("paths"), Mapping):
        raise SourceError(["paths: is missing; this is no OpenAPI document"])
    found = []
    for path, item in value["paths"].items():
        for method in _METHODS:
            operation = item.get(method) if isinstance(item, Mapping) else None
            if isinstance(operation, Mapping):
                shared = item.get("parameters", ())
                found.append(_operation(value, str(path), method, operation, shared))
    return _bounded(found)


def _operation(
    document: Mapping[str, Any],
    path: str,
    method: str,
    operation: Mapping[str, Any],
    shared: Json,
) -> Tool:
    name = operation.get("operationId") or f"{method}_{path}"
    about = operation.get("summary") or operation.get("description") or f"{method.upper()} {path}"
    properties: dict[str, Json] = {}
    required: list[str] = []
    for parameter in [*_listed(shared), *_listed(operation.get("parameters"))]:
        real = _followed(document, parameter)
        if isinstance(real.get("name"), str) and real.get("in") in ("path", "query"):
            own = dict(_followed(document, real.get("schema", {})))
            if isinstance(real.get("description"), str):
                own["description"] = real["description"]
            properties[real["name"]] = own
            required += [real["name"]] if real.get("required") else []
    body = _followed(document, operation.get("requestBody", {}))
    content = body.get("content")
    media = content.get("application/json", {}) if isinstance(content, Mapping) else {}
    schema = _followed(document, media.get("schema", {}) if isinstance(media, Mapping) else {})
    inner = schema.get("properties")
    if isinstance(inner, Mapping):
        properties |= {str(key): dict(_followed(document, part)) for key, part in inner.items()}
        required += [key for key in _listed(schema.get("required")) if key in inner]
    return _tool(
        str(name), str(about), {"type": "object", "properties": properties, "required": required}
    )


def _listed(value: Json) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _followed(document: Mapping[str, Any], part: Json, depth: int = 0) -> Mapping[str, Any]:
    """The part that a local `$ref` points at; an empty one where it leads nowhere."""
    if not isinstance(part, Mapping):
        return {}
    reference = part.get("$ref")
    if not isinstance(reference, str):
        return part
    if not reference.startswith("#/") or depth > 10:
        return {}
    found: Any = document
    for step in reference[2:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, Mapping) else None
    return _followed(document, found, depth + 1)


def _tool(name: str, description: str, schema: Json) -> Tool:
    """A tool with the parameters that can be pointed at: texts, numbers, booleans and enums."""
    given = schema if isinstance(schema, Mapping) else {}
    properties = {
        key: {k: v for k, v in part.items() if k in ("type", "description", "enum", "default")}
        for key, part in (given.get("properties") or {}).items()
        if isinstance(key, str) and isinstance(part, Mapping) and _simple(part)
    }
    required = [key for key in _listed(given.get("required")) if key in properties]
    return Tool(
        _identifier(name),
        description.strip() or name,
        {"type": "object", "properties": properties, "required": required},
    )


def _simple(part: Mapping[str, Any]) -> bool:
    return part.get("type") in _SIMPLE or isinstance(part.get("enum"), list)


def _identifier(name: str) -> str:
    bare = re.sub(r"[\W_]+", "_", name).strip("_")[:64]
    return bare if re.match(r"[A-Za-z_]", bare) else f"tool_{bare}"


def _bounded(tools: list[Tool]) -> list[Tool]:
    if not tools:
        raise SourceError(["there is no tool in this file"])
    if len(tools) > MOST_TOOLS:
        raise SourceError([f"{len(tools)} tools; at most {MOST_TOOLS} are taken"])
    names = [tool.name for tool in tools]
    if doubles := sorted({name for name in names if names.count(name) > 1}):
        raise SourceError([f"two tools are called {doubles[0]!r}"])
    return tools


def start_of(tools: Sequence[Tool], *, key: str, title: str) -> str:
    """The YAML text of a scenario with these tools."""
    document = {
        "kind": "spec",
        "key": key,
        "title": title,
        "description": "Made from a list of tools. Write what users say, and what the tools do.",
        "version": 1,
        "tools": [_described(tool) for tool in tools],
        "world": {
            "pools": {"words": list(_NAMES)},
            "tables": {
                "calls": {
                    "columns": {"number": {"id": "C-"}, "tool": "", "arguments": ""},
                }
            },
        },
        "requests": [_request(tool) for tool in tools],
    }
    head = (
        "# A start, made from a list of tools. It can be checked and trained as it is:\n"
        "#   agentgym scenario check FILE\n"
        "# Then make it yours: what users say (requests), what they talk about (world), what the tools do (effect).\n\n"
    )
    return head + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def _described(tool: Tool) -> dict[str, Json]:
    note = ", ".join(f"{name}={{{name}}}" for name in tool.properties)
    insert = {"insert": "calls", "values": {"tool": tool.name, "arguments": note}, "as": "call"}
    return {
        "name": tool.name,
        "description": tool.description[:1000],
        "parameters": dict(tool.parameters),
        "effect": [insert, {"return": {"number": "$call.number", "done": True}}],
    }


def _request(tool: Tool) -> dict[str, Json]:
    asked = tool.required or tuple(tool.properties)[:1]
    pick = {name: _draw(tool.properties[name]) for name in asked}
    what = re.sub(r"\s+", " ", tool.description.split(".")[0].replace("{", "(").replace("}", ")"))
    # A straight apostrophe would be read as an opening quote and hide the values after it.
    words = (what[:1].lower() + what[1:200]).replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")
    slots = ", ".join(f"{name.replace('_', ' ')} {_quoted(tool, name)}" for name in asked)
    return {
        "kind": f"use_{tool.name.lower()}"[:60],
        "pick": pick,
        "say": [line.strip() for line in _phrases(words, slots)],
        "steps": [{"call": tool.name, "with": {name: f"${name}" for name in asked}}],
    }


def _quoted(tool: Tool, name: str) -> str:
    text = tool.properties[name].get("type") == "string" and "enum" not in tool.properties[name]
    return f'"{{{name}}}"' if text else f"{{{name}}}"


def _phrases(words: str, slots: str) -> Iterator[str]:
    yield f"Please {words}. {slots}"
    yield f"I need you to {words}: {slots}"
    yield f"Could you {words}? {slots}"
    yield f"It is time to {words}, with {slots}"
    yield f"My wish is to {words} ({slots})."


def _draw(schema: Mapping[str, Any]) -> Json:
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return {"choice": list(schema["enum"])}
    kind = schema.get("type")
    if kind == "boolean":
        return {"choice": [True, False]}
    if kind == "integer":
        return {"integer": [1, 99]}
    if kind == "number":
        return {"number": [1, 99], "decimals": 1}
    return {"pool": "words"}
