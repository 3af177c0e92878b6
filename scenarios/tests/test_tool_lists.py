"""Lists of tools as the start of a scenario."""

from __future__ import annotations

from typing import Any

import pytest

from scenarios.core.check import check_scenario
from scenarios.library import library
from scenarios.sources.base import SourceError
from scenarios.sources.catalogue import compiled
from scenarios.sources.tool_lists import from_openai, from_openapi, start_of
from scenarios.sources.yaml_text import read_yaml

PETS: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/pets/{petId}": {
            "parameters": [{"name": "petId", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "get": {"operationId": "show pet", "summary": "Show a pet. At length."},
            "put": {
                "operationId": "change_pet",
                "description": "Change a pet.",
                "requestBody": {"$ref": "#/components/requestBodies/Pet"},
            },
        },
        "/pets": {"get": {"parameters": [{"$ref": "#/components/parameters/Kind"}]}},
    },
    "components": {
        "parameters": {
            "Kind": {"name": "kind", "in": "query", "schema": {"type": "string", "enum": ["cat", "dog"]}}
        },
        "requestBodies": {
            "Pet": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}}
        },
        "schemas": {
            "Pet": {
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "owner": {"$ref": "#/components/schemas/Pet"},
                    "chipped": {"type": "boolean"},
                },
            }
        },
    },
}  # fmt: skip


def test_an_openapi_document_becomes_one_tool_per_operation() -> None:
    show, change, listed = from_openapi(PETS)
    assert (show.name, show.description, show.required) == (
        "show_pet",
        "Show a pet. At length.",
        ("petId",),
    )
    assert list(change.properties) == ["petId", "name", "chipped"]  # what is an object is left out
    assert change.required == ("petId", "name")
    assert listed.name == "get_pets"
    assert listed.properties["kind"]["enum"] == ["cat", "dog"]
    assert listed.required == ()


@pytest.mark.parametrize("wrapped", [True, False])
def test_openai_tools_come_bare_or_wrapped(wrapped: bool) -> None:
    body = {
        "name": "add",
        "description": "Add.",
        "parameters": {"properties": {"a": {"type": "number"}}},
    }
    items = [{"type": "function", "function": body} if wrapped else body]
    [tool] = from_openai({"tools": items} if wrapped else items)
    assert tool.name == "add"
    assert list(tool.properties) == ["a"]


@pytest.mark.parametrize(
    ("read", "value", "words"),
    [
        (from_openai, {}, "must hold a list of tools"),
        (from_openai, [3, {"name": 4}], "must be an object with a `name`"),
        (from_openai, [], "no tool"),
        (from_openai, [{"name": "a"}, {"name": "a"}], "two tools are called 'a'"),
        (from_openai, [{"name": f"t{n}"} for n in range(101)], "at most 100"),
        (from_openapi, {"openapi": "3.0.0"}, "no OpenAPI document"),
        (from_openapi, {"paths": {}}, "no tool"),
        (from_openapi, [], "no OpenAPI document"),
    ],
)
def test_what_is_no_list_of_tools_is_refused(read: Any, value: Any, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        read(value)


def test_references_that_lead_nowhere_or_round_in_circles_are_harmless() -> None:
    circle = {"$ref": "#/components/schemas/A"}
    found = from_openapi(
        {
            "paths": {"/a": {"post": {"requestBody": {"content": {"application/json": {"schema": circle}}}}}},
            "components": {"schemas": {"A": circle}},
        }
    )  # fmt: skip
    assert found[0].properties == {}


@pytest.mark.parametrize("key", ["customer_support", "openapi"])
def test_the_start_keeps_the_rules_as_it_is(key: str) -> None:
    tools = (
        from_openapi(PETS)
        if key == "openapi"
        else from_openai([tool.as_json() for tool in library.get(key)().tools])
    )
    scenario = compiled(read_yaml(start_of(tools, key="mine", title="Mine")).value)
    assert check_scenario(scenario, 5).oracle_success == 1
