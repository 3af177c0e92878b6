"""`agentgym record`: a user's own agent at work on a list of requests, as traces that a scenario can be made of."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agentgym_site.cli.exits import FAILED, USAGE, CommandError, bad_option
from agentgym_site.cli.site import calm
from agentgym_site.cli.watching import write_json

MOST_REQUESTS = 10_000


def record(target: str, requests: Path, output: Path, *, as_json: bool) -> None:
    """Run the agent on every request and write a row for each that worked. Raises `CommandError`."""
    calm()
    wanted = _requests(requests)
    make = _factory(target)
    from models_registry.adapters._recording import NotRecordable, Recorder  # noqa: PLC0415

    try:
        recorder = Recorder.of(make)
    except NotRecordable as problem:
        raise CommandError(f"{target}: {problem}", USAGE) from problem
    calls, failed = 0, []
    try:
        file = output.open("x", encoding="utf-8")
    except FileExistsError:
        raise CommandError(
            f"{output} is there already; name another file with --output.", USAGE
        ) from None
    with file:
        for number, found in enumerate(recorder.record(wanted), 1):
            if found.problem:
                failed.append({"request": number, "why": found.problem})
                sys.stderr.write(f"Request {number} failed: {found.problem}\n")
                continue
            calls += sum(turn.role == "tool" for turn in found.turns)
            file.write(json.dumps(recorder.row(found), ensure_ascii=False) + "\n")
            file.flush()  # what was recorded stays, whatever the next request does
    done = len(wanted) - len(failed)
    if as_json:
        facts = {"file": str(output), "framework": recorder.framework, "recorded": done}
        write_json({"type": "result", **facts, "calls": calls, "failed": failed})
    else:
        sys.stdout.write(
            f"Recorded {done} of {len(wanted)} requests with {calls} tool calls ({recorder.framework}) in {output}.\n"
            f"Next: agentgym scenario import {output} --format openai_chat --name NAME\n"
        )
    if not done:
        raise CommandError("The agent failed on every request.", FAILED)


def _requests(path: Path) -> list[str]:
    """One request a line."""
    if not path.is_file():
        raise bad_option("--requests", f"there is no file {path}")
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except UnicodeDecodeError:
        raise bad_option("--requests", f"{path} is not UTF-8 text") from None
    found = [line for line in lines if line]
    if not 0 < len(found) <= MOST_REQUESTS:
        raise bad_option(
            "--requests", f"{path} must hold 1 to {MOST_REQUESTS:,} requests, one a line"
        )
    return found


def _factory(target: str) -> Callable[[], Any]:
    """The function that `module:factory` names, from the user's own code in the folder that the command runs in."""
    module_name, colon, name = target.partition(":")
    if not colon or not module_name or not name:
        raise CommandError(f"AGENT: must look like module:factory, not {target!r}", USAGE)
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module_name), name)
    except ModuleNotFoundError as problem:
        raise CommandError(f"AGENT: {problem}", USAGE) from problem
    except AttributeError:
        raise CommandError(f"AGENT: {module_name} has no {name!r}", USAGE) from None
    if not callable(found):
        raise CommandError(f"AGENT: {target} must be a function that makes an agent", USAGE)
    made: Callable[[], Any] = found
    return made
