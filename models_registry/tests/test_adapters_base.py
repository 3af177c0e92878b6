from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.adapters import adapters
from models_registry.adapters._livetools import LiveTool
from models_registry.adapters._matching import SchemaDrift, drift, match_tools, normalised
from models_registry.adapters.base import (
    MAX_PARSED_CHARACTERS,
    Adapter,
    canonical_content,
    canonical_result,
    error_content,
    exception_content,
    load_policy,
    stored_tools,
)
from models_registry.artifacts.bundle import BundleError
from models_registry.tests.scripted import Scripted
from scenarios.core.types import Tool, ToolCall, Turn

TABLE = ((re.compile(r"^Error: (?P<tool>\w+) is not a valid tool"), "unknown_tool"),)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, "ok": true, "n": null}', {"a": 1, "ok": True, "n": None}),
        ("{'a': 1, 'ok': True, 'n': None}", {"a": 1, "ok": True, "n": None}),
        ("[1, 'x']", [1, "x"]),
        ("(1, 2)", [1, 2]),
        ("None", None),
        ("True", True),
        ("null", None),
        ("  12.5 ", 12.5),
        ("{1: 'a'}", {"1": "a"}),
        ("plain words", "plain words"),
        ("(see the manual)", "(see the manual)"),
        ("", ""),
        ("NaN", "NaN"),
        ("[1e999]", "[1e999]"),
        ("{'a', 'b'}", "{'a', 'b'}"),
        ("[b'x']", "[b'x']"),
    ],
)
def test_a_result_reads_the_same_whatever_the_framework_made_of_it(
    text: str, value: object
) -> None:
    assert canonical_content(text) == value


@settings(max_examples=40, deadline=None)
@given(json_values)
def test_the_repr_of_a_json_value_reads_as_that_value(value: object) -> None:
    assert canonical_content(repr(value)) == value


def test_deep_and_huge_results_stay_text() -> None:
    for text in ("[" * 100_000, "[" + "1," * MAX_PARSED_CHARACTERS + "1]"):
        assert canonical_content(text) == text


def test_errors_take_the_shape_that_the_policy_was_trained_on() -> None:
    def read(text: str, *, flagged: bool) -> tuple[object, bool]:
        return canonical_result(text, flagged=flagged, table=TABLE)

    own = '{"error": "timeout", "message": "too slow"}'
    assert read(own, flagged=False) == ({"error": "timeout", "message": "too slow"}, True)
    assert read('{"error": "x"}', flagged=False) == ({"error": "x"}, False)
    assert read("fine", flagged=False) == ("fine", False)
    unknown = read("Error: nope is not a valid tool, try one of [add].", flagged=True)
    assert unknown == (error_content("unknown_tool", "there is no tool 'nope'"), True)
    assert read("kaput\nstack", flagged=True) == (error_content("failed", "kaput"), True)


def test_a_raised_exception_becomes_the_simulated_fault_that_means_the_same() -> None:
    assert exception_content(TimeoutError())["error"] == "timeout"
    assert exception_content(ConnectionRefusedError("no"))["error"] == "unavailable"
    assert exception_content(ValueError("kaput")) == error_content("failed", "kaput")
    assert exception_content(KeyError())["message"] == "KeyError"


def tool(name: str, description: str = "", **properties: object) -> Tool:
    parameters = {"type": "object", "properties": properties, "required": sorted(properties)}
    return Tool(name, description, parameters)


@pytest.mark.parametrize(
    "name", ["check_payment", "checkPayment", "Check Payment", "check-payment"]
)
def test_names_are_compared_without_their_spelling(name: str) -> None:
    assert normalised(name) == "check_payment"


def test_a_known_tool_keeps_its_trained_wording_and_runs_under_its_real_name() -> None:
    stored = tool("check_payment", "As trained.", id={"type": "string", "description": "old"})
    real = tool("checkPayment", "Reworded.", id={"type": "string", "title": "Id"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        offer = match_tools([real], [stored])
    assert offer.tools == (stored,)
    assert offer.known(ToolCall("checkPayment", {"id": "1"})) == ToolCall(
        "check_payment", {"id": "1"}
    )
    assert offer.runnable(ToolCall("check_payment", {"id": "1"})) == (
        ToolCall("checkPayment", {"id": "1"}),
        (),
    )
    assert offer.runnable(ToolCall("check_payment", {}))[1]
    assert offer.runnable(ToolCall("other"))[1]
    assert offer.known(ToolCall("other")) == ToolCall("other")


def test_changed_parameters_are_warned_of_and_the_real_ones_are_used() -> None:
    stored = tool("refund", "As trained.", id={"type": "string"}, kind={"enum": ["a", "b"]})
    real = tool("refund", "Reworded.", id={"type": "integer"}, kind={"enum": ["a"]}, why={})
    with pytest.warns(SchemaDrift, match="new parameter why"):
        offer = match_tools([real], [stored])
    assert offer.tools == (Tool("refund", "As trained.", real.parameters),)
    assert drift(stored, real) == [
        "parameter why is gone",
        "id has another type",
        "kind has another enum",
    ]
    optional = Tool("refund", "", {**stored.parameters, "required": ["id"]})
    assert drift(optional, stored) == ["kind is no longer required"]
    assert drift(stored, optional) == ["kind is now required"]


def test_an_unknown_tool_is_offered_as_it_is() -> None:
    real = tool("brand_new", "Says what it does.")
    assert match_tools([real], [tool("other")]).tools == (real,)


def test_the_room_lists_its_adapters_without_importing_them() -> None:
    assert "langchain" in adapters.keys()  # noqa: SIM118 (a registry is not a dict)
    for key in adapters.keys():  # noqa: SIM118
        title, text = adapters.about(key)
        assert title
        assert text
        adapter = adapters.get(key)
        assert issubclass(adapter, Adapter)
        assert len(adapter.requires) == len(adapter.modules)
        assert adapter.missing() == ()


def test_an_adapter_says_what_is_not_installed() -> None:
    class Strange(Adapter):
        requires = ("json", "no-such-thing")
        modules = ("json", "no_such_thing")

        def wrap_agent(self, policy: Any, tools: Any, *, max_steps: int = 1, **options: Any) -> Any:
            return None

        def live_tools(self, agent: Any) -> list[LiveTool]:
            return []

        def turns(self, record: Any) -> list[Turn]:
            return []

    assert Strange.missing() == ("no-such-thing",)


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        load_policy(tmp_path)
    policy = Scripted(manifest={"tools": [tool("a").as_json()]})
    assert load_policy(policy) is policy
    assert stored_tools(policy) == (tool("a"),)
