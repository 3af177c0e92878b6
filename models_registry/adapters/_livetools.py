"""Tools that really run, in no framework's dress: a canonical spec and a function from arguments to a result.

Each adapter can dress them as its framework's own tools. Dressed or not, a result reads as the same JSON text and an
exception becomes the same error, so that the policy sees in every framework what it saw in training.
"""

from __future__ import annotations

import inspect
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models_registry.adapters.base import (
    canonical_content,
    error_content,
    exception_content,
    is_error_content,
)
from scenarios.core.schema import argument_errors
from scenarios.core.types import Decision, Json, Tool, ToolCall, ToolResult
from scenarios.core.world import Outcome, World


class ToolFailure(Exception):
    """A tool answered with an error; the text is the error in its canonical JSON form."""


@dataclass(frozen=True, slots=True)
class LiveTool:
    """A tool and how it is run. `run` may raise; `call` does not."""

    spec: Tool
    run: Callable[[Mapping[str, Json]], Any]

    def call(self, arguments: Mapping[str, Json]) -> ToolResult:
        """Run it with these arguments. Bad arguments and exceptions become error results."""
        if problems := argument_errors(self.spec, arguments):
            return ToolResult(error_content("invalid_arguments", problems[0]), is_error=True)
        try:
            return as_result(self.run(arguments))
        except Exception as problem:
            return ToolResult(failure_of(problem), is_error=True)


def as_result(value: Any) -> ToolResult:
    """What a tool returned as a canonical result."""
    if isinstance(value, ToolResult):
        return value
    content = canonical_content(value) if isinstance(value, str) else as_json(value)
    return ToolResult(content, is_error=is_error_content(content))


def as_json(value: Any) -> Json:
    """Any Python value as JSON: models by their fields, the rest that JSON cannot say by its text."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    try:
        text = json.dumps(value, default=_other, allow_nan=False, ensure_ascii=False)
    except ValueError:
        return str(value)
    return json.loads(text)


def _other(value: Any) -> Json:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return str(value)


def failure_of(problem: Exception) -> dict[str, Json]:
    """The canonical error that stands for an exception."""
    if isinstance(problem, ToolFailure):
        content = canonical_content(str(problem))
        if is_error_content(content):
            return dict(content)
    return exception_content(problem)


def result_text(result: ToolResult) -> str:
    """The text of a result that every framework carries unchanged."""
    return json.dumps(result.content, ensure_ascii=False)


def returned(result: ToolResult) -> str:
    """The text of a result. Raises `ToolFailure` with it where it is an error, for frameworks that flag exceptions."""
    if result.is_error:
        raise ToolFailure(result_text(result))
    return result_text(result)


def world_tools(
    world: World, on_step: Callable[[ToolCall, Outcome], None] | None = None
) -> list[LiveTool]:
    """The tools of a simulated world: each call is a step of the world, and `on_step` sees it.

    Calls may come from several threads; they are carried out one at a time.
    """
    lock = threading.Lock()

    def tool_of(spec: Tool) -> LiveTool:
        def run(arguments: Mapping[str, Json]) -> ToolResult:
            call = ToolCall(spec.name, dict(arguments))
            with lock:
                outcome = world.step(Decision("tool", call))
            if on_step:
                on_step(call, outcome)
            turn = outcome.turns[-1]
            return ToolResult(turn.content, turn.is_error, outcome.seconds)

        return LiveTool(spec, run)

    return [tool_of(spec) for spec in world.tools.values()]


def function_tool(function: Callable[..., Any]) -> LiveTool:
    """A Python function as a tool: its name, its docstring, and a schema from its annotations."""
    from pydantic import ConfigDict, create_model  # noqa: PLC0415

    fields: dict[str, Any] = {
        name: (
            parameter.annotation if parameter.annotation is not parameter.empty else Any,
            ... if parameter.default is parameter.empty else parameter.default,
        )
        for name, parameter in inspect.signature(function, eval_str=True).parameters.items()
    }
    model = create_model(function.__name__, __config__=ConfigDict(extra="forbid"), **fields)
    schema = without_titles(model.model_json_schema())
    schema.pop("additionalProperties", None)
    spec = Tool(function.__name__, inspect.getdoc(function) or "", schema)

    def run(arguments: Mapping[str, Json]) -> Any:
        given = model.model_validate(dict(arguments))
        return function(**{name: getattr(given, name) for name in given.model_fields_set})

    return LiveTool(spec, run)


def without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without the titles that pydantic adds; they say nothing and differ between frameworks."""
    kept = {
        key: without_titles(value) if isinstance(value, dict) else value
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }
    if "properties" not in kept and kept.get("type") == "object":
        kept["properties"] = {}
    return kept
