"""CrewAI's tools as live tools, and live tools as CrewAI's own. Import after `_crewai_home.load()`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, PrivateAttr, create_model

from models_registry.adapters._crewai_home import load
from models_registry.adapters._livetools import (
    LiveTool,
    function_tool,
    result_text,
    without_titles,
)
from scenarios.core.types import Json, Tool

load()

from crewai.tools import BaseTool  # noqa: E402
from crewai.utilities.string_utils import sanitize_tool_name  # noqa: E402


class _Arguments(BaseModel):
    """Arguments as they come: the live tool checks them, so that bad ones read the same everywhere."""

    model_config = ConfigDict(extra="allow")


class DressedTool(BaseTool):
    """A live tool as CrewAI's own. A result and an error are their JSON text; CrewAI flags no errors."""

    _live: LiveTool = PrivateAttr()

    @property
    def live(self) -> LiveTool:
        return self._live

    def _run(self, **arguments: Any) -> str:
        return result_text(self._live.call(arguments))


def native(tool: LiveTool | BaseTool | Callable[..., Any]) -> DressedTool:
    """Anything that can be a tool, as a CrewAI tool whose results and errors read canonically."""
    if isinstance(tool, DressedTool):
        return tool
    made = live(tool)
    dressed = DressedTool(
        name=made.spec.name,
        description=made.spec.description or made.spec.name,
        args_schema=_schema_model(made.spec),
    )
    dressed._live = made
    return dressed


def _schema_model(spec: Tool) -> type[BaseModel]:
    """A model that shows the tool's schema and lets every argument through."""
    parameters = {**spec.parameters, "title": spec.name}

    def shown(cls: Any, core_schema: Any, handler: Any) -> dict[str, Any]:
        return parameters

    model = create_model(f"{spec.name}_arguments", __base__=_Arguments)
    model.__get_pydantic_json_schema__ = classmethod(shown)  # type: ignore[method-assign, assignment]
    model.model_rebuild(force=True)
    return model


def live(tool: LiveTool | BaseTool | Callable[..., Any]) -> LiveTool:
    """A CrewAI tool, or a Python function, as a live tool."""
    if isinstance(tool, LiveTool):
        return tool
    if isinstance(tool, DressedTool):
        return tool.live
    if not isinstance(tool, BaseTool):
        return function_tool(tool)
    inner = tool

    def run(arguments: Mapping[str, Json]) -> Any:
        return inner.run(**arguments)

    return LiveTool(spec_of(inner), run)


def spec_of(tool: Any) -> Tool:
    """The canonical spec of a CrewAI tool, from its own schema: what CrewAI shows to an LLM requires everything."""
    if isinstance(tool, DressedTool):
        spec = tool.live.spec
        return Tool(sanitize_tool_name(spec.name), spec.description, spec.parameters)
    schema = without_titles(cast("dict[str, Any]", tool.args_schema.model_json_schema()))
    description = str(tool.description).rpartition("Tool Description: ")[2]
    return Tool(sanitize_tool_name(tool.name), description, schema)


def live_tools(source: Any) -> list[LiveTool]:
    """The tools of an agent, of a crew, of a task, or of a list. Raises `TypeError` for anything else."""
    if isinstance(source, Sequence) and not isinstance(source, str):
        return [live(tool) for tool in source]
    if hasattr(source, "agents") and hasattr(source, "tasks"):  # a crew: each tool once
        found = {t.spec.name: t for agent in source.agents for t in live_tools(agent)}
        return list(found.values())
    if isinstance(getattr(source, "tools", None), list):
        return [live(tool) for tool in source.tools]
    raise TypeError(
        f"CrewAI tools come from an agent, a crew, a task or a list, not {type(source).__name__}"
    )
