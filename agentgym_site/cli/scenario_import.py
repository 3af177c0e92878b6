"""`agentgym scenario import`: recorded conversations as a scenario, or a list of tools as the start of one."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentgym_site.cli.exits import USAGE, CommandError, bad_option
from agentgym_site.cli.scenario import checked_name, read, told, write_new
from agentgym_site.cli.site import open_site, owner
from agentgym_site.cli.tables import print_facts
from agentgym_site.cli.watching import write_json
from scenarios.core.types import Tool
from scenarios.sources.base import SourceError
from scenarios.sources.formats import formats
from scenarios.sources.tool_lists import from_openai, from_openapi, start_of

LISTS = {"openai_tools": from_openai, "openapi": from_openapi}
MCP = "mcp"
MOST_SHOWN = 10
"""Refused rows that the text shows; JSON holds all."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options, as given."""

    name: str
    format: str
    file: Path | None
    server: str
    output: Path | None
    tools: Path | None
    redact: tuple[str, ...]
    split: str


def bring(wanted: Wanted, *, as_json: bool) -> None:
    """Import in the asked-for format. Raises `CommandError` naming the option or the mistake."""
    checked_name("--name", wanted.name)
    format_ = wanted.format.replace("-", "_")
    traces = formats.keys()
    if format_ in traces:
        _import_traces(wanted, format_, as_json=as_json)
    elif format_ in LISTS or format_ == MCP:
        _import_tools(wanted, format_, as_json=as_json)
    else:
        known = ", ".join((*traces, *LISTS, MCP))
        raise bad_option("--format", f"must be one of {known}, not {wanted.format!r}")


def _file(wanted: Wanted) -> Path:
    if wanted.file is None:
        raise CommandError("FILE: say which file to read.", USAGE)
    if not wanted.file.is_file():
        raise CommandError(f"There is no file {wanted.file}.", USAGE)
    return wanted.file


def _import_traces(wanted: Wanted, format_: str, *, as_json: bool) -> None:
    """Conversations go straight into the catalogue: their document is nothing that a person would write."""
    from scenarios.sources.traces import import_traces  # noqa: PLC0415

    path = _file(wanted)
    try:
        document, reading = import_traces(
            path, format_, wanted.name, wanted.redact, wanted.split, wanted.tools
        )
        open_site()
        from scenarios.services import ScenarioTaken, save_scenario  # noqa: PLC0415

        row, new = save_scenario(owner=owner(), document=document)
    except SourceError as problem:
        raise told(path, problem, None) from problem
    except ScenarioTaken as taken:
        raise CommandError(f"--name: {taken}", USAGE) from taken
    report = reading.as_json()
    if as_json:
        facts = {"name": row.key, "content_hash": row.content_hash, "new": new}
        write_json({"type": "result", **facts, "report": report})
        return
    _print_report(row.key, report, new=new)


def _print_report(key: str, report: Mapping[str, Any], *, new: bool) -> None:
    from training.report import percent  # noqa: PLC0415

    print_facts(
        f"{'Added' if new else 'Renewed'} {key}",
        {
            "Rows used": f"{report['used']:,} of {len(report['rows']):,}",
            "Conversations": f"{report['conversations']:,}",
            "Tools": ", ".join(tool["name"] for tool in report["tools"]),
            "Tools inferred from calls": ", ".join(report["inferred_tools"]) or "none",
            "Arguments that can be pointed at": percent(report["coverage"]),
            "Values replaced": f"{report['redacted_values']:,}",
        },
    )
    refused = [row for row in report["rows"] if not row["used"]]
    for row in refused[:MOST_SHOWN]:
        sys.stdout.write(f"  row {row['row']} was left out: {row['why']}\n")
    if len(refused) > MOST_SHOWN:
        sys.stdout.write(f"  ... and {len(refused) - MOST_SHOWN} more (see --json)\n")
    for note in report["notes"]:
        sys.stdout.write(f"{note}\n")
    sys.stdout.write(f"Next: agentgym train {key}\n")


def _import_tools(wanted: Wanted, format_: str, *, as_json: bool) -> None:
    """A list of tools becomes a YAML file for its owner to go on with."""
    tools = _from_server(wanted.server) if format_ == MCP else _from_file(format_, _file(wanted))
    title = wanted.name.replace("_", " ").replace("-", " ").capitalize()
    text = start_of(tools, key=wanted.name, title=title)
    path = write_new(text, wanted.output or Path(f"{wanted.name}.yaml"))
    if as_json:
        said = {"file": str(path), "tools": [tool.name for tool in tools]}
        write_json({"type": "result", **said})
        return
    sys.stdout.write(
        f"Wrote {path} with {len(tools)} tools. It can be trained as it is; its wording and effects are yours to write.\n"
        f"Next:\n  agentgym scenario check {path}\n  agentgym scenario add {path}\n"
    )


def _from_file(format_: str, file: Path) -> list[Tool]:
    text, _ = read(file)
    try:
        return LISTS[format_](text.value)
    except SourceError as problem:
        raise told(file, problem, text) from problem


def _from_server(command: str) -> list[Tool]:
    words = shlex.split(command)
    if not words:
        raise bad_option("--server", "say how the server is started, e.g. 'python my_server.py'")
    from agentgym_site.cli.mcp_tools import list_tools  # noqa: PLC0415

    return list_tools(words)
