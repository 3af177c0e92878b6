"""`agentgym scenario import`: a list of tools as the start of a scenario."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from agentgym_site.cli.exits import USAGE, CommandError, bad_option
from agentgym_site.cli.scenario import checked_name, read, told, write_new
from agentgym_site.cli.watching import write_json
from scenarios.core.types import Tool
from scenarios.sources.base import SourceError
from scenarios.sources.tool_lists import from_openai, from_openapi, start_of

READERS = {"openai-tools": from_openai, "openapi": from_openapi}
FORMATS = (*READERS, "mcp")


def import_tools(
    name: str,
    format_: str,
    file: Path | None,
    server: str,
    output: Path | None,
    *,
    as_json: bool,
) -> None:
    """Write a YAML file with the tools of a list. Raises `CommandError` naming the option or the mistake."""
    checked_name("--name", name)
    if format_ not in FORMATS:
        raise bad_option("--format", f"must be one of {', '.join(FORMATS)}, not {format_!r}")
    tools = _from_server(server) if format_ == "mcp" else _from_file(format_, file)
    title = name.replace("_", " ").replace("-", " ").capitalize()
    path = write_new(start_of(tools, key=name, title=title), output or Path(f"{name}.yaml"))
    if as_json:
        said = {"file": str(path), "tools": [tool.name for tool in tools]}
        write_json({"type": "result", **said})
        return
    sys.stdout.write(
        f"Wrote {path} with {len(tools)} tools. It can be trained as it is; its wording and effects are yours to write.\n"
        f"Next:\n  agentgym scenario check {path}\n  agentgym scenario add {path}\n"
    )


def _from_file(format_: str, file: Path | None) -> list[Tool]:
    if file is None:
        raise CommandError("FILE: say which file to read.", USAGE)
    text, _ = read(file)
    try:
        return READERS[format_](text.value)
    except SourceError as problem:
        raise told(file, problem, text) from problem


def _from_server(command: str) -> list[Tool]:
    words = shlex.split(command)
    if not words:
        raise bad_option("--server", "say how the server is started, e.g. 'python my_server.py'")
    from agentgym_site.cli.mcp_tools import list_tools  # noqa: PLC0415

    return list_tools(words)
