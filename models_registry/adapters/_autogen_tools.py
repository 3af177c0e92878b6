"""AutoGen's tools as live tools, and live tools as AutoGen's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from autogen_agentchat.agents import AssistantAgent
from autogen_core import CancellationToken
from autogen_core.tools import BaseTool, FunctionTool, ToolSchema, Workbench
from pydantic import BaseModel

from models_registry.adapters._autogen_turns import spec_of
from models_registry.adapters._livetools import (
    LiveTool,
    ToolFailure,
    as_result,
    failure_of,
    returned,
)
from models_registry.adapters.base import error_content
from scenarios.core.schema import argument_errors
from scenarios.core.types import Json, ToolResult

T = TypeVar("T")


class _AnyArguments(BaseModel):
    """Arguments are checked by the live tool itself."""


class DressedTool(BaseTool[_AnyArguments, BaseModel]):
    """A live tool as AutoGen's own. A result is its JSON text; an error is raised with its JSON text.

    inner: the AutoGen tool behind it, where there is one; it stays in its caller's event loop.
    """

    def __init__(self, live: LiveTool, inner: BaseTool[Any, Any] | None = None) -> None:
        super().__init__(_AnyArguments, BaseModel, live.spec.name, live.spec.description)
        self.live, self.inner = live, inner

    @property
    def schema(self) -> ToolSchema:
        parameters: Any = {"additionalProperties": False, "required": [], "properties": {}}
        parameters |= self.live.spec.parameters
        return ToolSchema(name=self.name, description=self.description, parameters=parameters)

    async def run(self, args: _AnyArguments, cancellation_token: CancellationToken) -> BaseModel:
        raise NotImplementedError("this tool is run by run_json")

    async def run_json(
        self,
        args: Mapping[str, Any],
        cancellation_token: CancellationToken,
        call_id: str | None = None,
    ) -> str:
        running = asyncio.ensure_future(self._result(args, cancellation_token))
        cancellation_token.link_future(running)
        return returned(await running)

    async def _result(self, args: Mapping[str, Any], token: CancellationToken) -> ToolResult:
        if self.inner is None:
            return await asyncio.to_thread(self.live.call, args)
        if problems := argument_errors(self.live.spec, args):
            return ToolResult(error_content("invalid_arguments", problems[0]), is_error=True)
        try:
            return as_result(await self.inner.run_json(args, token))
        except Exception as problem:
            return ToolResult(failure_of(problem), is_error=True)

    def return_value_as_string(self, value: Any) -> str:
        return str(value)


def native(tool: LiveTool | BaseTool[Any, Any] | Callable[..., Any]) -> BaseTool[Any, Any]:
    """Anything that can be a tool, as an AutoGen tool whose results and errors read canonically."""
    if isinstance(tool, DressedTool):
        return tool
    if isinstance(tool, LiveTool):
        return DressedTool(tool)
    inner = _base_tool(tool)
    return DressedTool(_live(inner), inner)


def live_tools(source: Any) -> list[LiveTool]:
    """The tools of an AssistantAgent, of a workbench, or of a list. Raises `TypeError` for anything else."""
    if isinstance(source, AssistantAgent):
        # There is no public getter; autogen-agentchat is pinned.
        return [tool for bench in source._workbench for tool in _of_workbench(bench)]
    if isinstance(source, Workbench):
        return _of_workbench(source)
    if isinstance(source, Sequence) and not isinstance(source, str):
        return [tool if isinstance(tool, LiveTool) else _live(tool) for tool in source]
    raise TypeError(
        f"AutoGen tools come from an AssistantAgent, a workbench or a list, not {type(source).__name__}"
    )


def _live(tool: BaseTool[Any, Any] | Callable[..., Any]) -> LiveTool:
    inner = _base_tool(tool)
    if isinstance(inner, DressedTool):
        return inner.live

    def run(arguments: Mapping[str, Json]) -> Any:
        return finished(inner.run_json(arguments, CancellationToken()))

    return LiveTool(spec_of(inner), run)


def _base_tool(tool: BaseTool[Any, Any] | Callable[..., Any]) -> BaseTool[Any, Any]:
    if isinstance(tool, BaseTool):
        return tool
    return FunctionTool(tool, description=(tool.__doc__ or "").strip())


def _of_workbench(bench: Workbench) -> list[LiveTool]:
    def tool_of(schema: ToolSchema) -> LiveTool:
        def run(arguments: Mapping[str, Json]) -> Any:
            result = finished(bench.call_tool(schema["name"], arguments))
            if result.is_error:
                raise ToolFailure(result.to_text())
            return result.to_text()

        return LiveTool(spec_of(schema), run)

    return [tool_of(schema) for schema in finished(bench.list_tools())]


def finished(work: Awaitable[T]) -> T:
    """The result of something asynchronous, from ordinary code; inside a running loop it gets a thread of its own."""

    async def wait() -> T:
        return await work

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, wait()).result()
