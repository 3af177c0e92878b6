"""LangChain's tools as live tools, and live tools as LangChain's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langchain_core.tools import tool as as_tool

from models_registry.adapters._core import call_id
from models_registry.adapters._langchain_model import spec_of
from models_registry.adapters._langchain_turns import ERRORS
from models_registry.adapters._livetools import (
    LiveTool,
    failure_of,
    result_text,
    returned,
)
from models_registry.adapters.base import canonical_result, error_content
from scenarios.core.schema import argument_errors
from scenarios.core.types import Json, ToolResult


def native(tool: LiveTool, inner: BaseTool | None = None) -> StructuredTool:
    """A live tool as LangChain's own. A result is its JSON text; an error is a ToolMessage of status "error".

    inner: the LangChain tool behind it, where there is one; its asynchronous side is kept.
    """

    def answered(result: ToolResult) -> str:
        if result.is_error:
            raise ToolException(result_text(result))
        return returned(result)

    def run(**arguments: Any) -> str:
        return answered(tool.call(arguments))

    async def arun(**arguments: Any) -> str:
        if inner is None:
            return answered(await asyncio.to_thread(tool.call, arguments))
        if problems := argument_errors(tool.spec, arguments):
            return answered(ToolResult(error_content("invalid_arguments", problems[0]), True))
        try:
            return answered(_result(await inner.ainvoke(_call(inner, arguments))))
        except ToolException:
            raise
        except Exception as problem:
            return answered(ToolResult(failure_of(problem), is_error=True))

    return StructuredTool.from_function(
        func=run,
        coroutine=arun,
        name=tool.spec.name,
        description=tool.spec.description,
        args_schema=dict(tool.spec.parameters),
        infer_schema=False,
        handle_tool_error=str,
    )


def guarded(tool: LiveTool | BaseTool | Callable[..., Any]) -> StructuredTool:
    """Anything that can be a tool, as one that never raises: a classic executor would end with the exception."""
    if isinstance(tool, LiveTool):
        return native(tool)
    inner = tool if isinstance(tool, BaseTool) else as_tool(tool)
    return native(live(inner), inner)


def live(tool: BaseTool | Callable[..., Any]) -> LiveTool:
    """A LangChain tool, or a Python function, as a live tool."""
    inner: BaseTool = tool if isinstance(tool, BaseTool) else as_tool(tool)

    def run(arguments: Mapping[str, Json]) -> Any:
        return _result(inner.invoke(_call(inner, arguments)))

    return LiveTool(spec_of(inner), run)


def _call(tool: BaseTool, arguments: Mapping[str, Json]) -> Any:
    # Called this way, a tool answers with the message that an agent would see, status included.
    return {"name": tool.name, "args": dict(arguments), "id": call_id(), "type": "tool_call"}


def _result(message: ToolMessage) -> ToolResult:
    content, is_error = canonical_result(
        message.text, flagged=message.status == "error", table=ERRORS
    )
    return ToolResult(content, is_error)


def live_tools(source: Any) -> list[LiveTool]:
    """The tools of a list, an AgentExecutor or a compiled graph. Raises `TypeError` for anything else.

    Tools that a provider runs itself (plain dicts) are left out: nobody here can run them.
    """
    return [tool if isinstance(tool, LiveTool) else live(tool) for tool in native_tools(source)]


def native_tools(source: Any) -> list[Any]:
    """The tools of a list, an AgentExecutor or a compiled graph, as they are."""
    if isinstance(source, Sequence) and not isinstance(source, str):
        return [tool for tool in source if not isinstance(tool, dict)]
    if hasattr(source, "tools") and hasattr(source, "agent"):  # an AgentExecutor
        return list(source.tools)
    nodes = getattr(getattr(source, "bound", source), "nodes", None)
    if nodes is None:
        raise TypeError(
            "LangChain tools come from a list, an AgentExecutor or a compiled graph, "
            f"not {type(source).__name__}"
        )
    found: dict[str, Any] = {}
    for node in nodes.values():
        found |= getattr(getattr(node, "bound", None), "tools_by_name", {})
    return list(found.values())
