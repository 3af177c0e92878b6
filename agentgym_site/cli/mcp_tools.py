"""The tools of an MCP server that the command line starts and ends (Model Context Protocol, stdio transport)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from agentgym_site.cli.exits import FAILED, CommandError
from scenarios.core.types import Tool
from scenarios.sources.base import SourceError
from scenarios.sources.tool_lists import from_openai

SECONDS = 30.0


def list_tools(command: Sequence[str]) -> list[Tool]:
    """What the server offers. Raises `CommandError` where it cannot be started or does not answer."""
    try:
        import mcp  # noqa: F401, PLC0415
    except ImportError:
        raise CommandError(
            "Reading an MCP server needs the package mcp: pip install -r requirements-frameworks.txt"
        ) from None
    try:
        return asyncio.run(asyncio.wait_for(_listed(command), SECONDS))
    except TimeoutError:
        raise CommandError(f"The server did not answer within {SECONDS:.0f} s.") from None
    except SourceError as problem:
        raise CommandError(f"The server's tools cannot be used: {problem}") from problem
    except (OSError, ExceptionGroup) as problem:
        raise CommandError(
            f"{command[0]} could not be used as an MCP server: {problem}", FAILED
        ) from problem


async def _listed(command: Sequence[str]) -> list[Tool]:
    from mcp import ClientSession, StdioServerParameters  # noqa: PLC0415
    from mcp.client.stdio import stdio_client  # noqa: PLC0415

    server = StdioServerParameters(command=command[0], args=list(command[1:]))
    async with (
        stdio_client(server) as (reading, writing),
        ClientSession(reading, writing) as session,
    ):
        await session.initialize()
        found = await session.list_tools()
    return from_openai([tool.model_dump() for tool in found.tools])
