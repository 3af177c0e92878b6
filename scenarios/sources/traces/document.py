"""A reading as a document: plain JSON that `TraceScenario` compiles, and that its owner can read and edit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from scenarios.core.scenario import Criteria
from scenarios.core.types import Json
from scenarios.sources.base import SourceError
from scenarios.sources.formats.base import Event, Recorded
from scenarios.sources.traces.reading import Reading, read_traces
from scenarios.sources.traces.statistics import Statistics

KIND = "traces"
SPLIT_MODES = ("hash", "none")
MAX_DOCUMENT = 32 * 1024 * 1024


def import_traces(
    path: Path | bytes,
    format: str,
    name: str,
    redact: Sequence[str] = (),
    split: str = "hash",
    tools: Path | bytes | None = None,
) -> tuple[dict[str, Json], Reading]:
    """The document of a file of traces, and the report on how it was read. Raises `SourceError`."""
    reading = read_traces(path, format, redact=redact, tools=tools)
    return document(reading, name, split=split), reading


def document(
    reading: Reading,
    name: str,
    *,
    title: str = "",
    description: str = "",
    split: str = "hash",
    version: str = "1",
) -> dict[str, Json]:
    """The document. name: its key. split: `hash` holds conversations out, `none` trains on all of them.

    Raises `SourceError` where nothing is left to make a scenario of, or for a document that would be too large.
    """
    if split not in SPLIT_MODES:
        raise SourceError([f"split: must be {' or '.join(SPLIT_MODES)}, not {split!r}"])
    if not reading.conversations:
        first = next((f"; row {r.row}: {r.why}" for r in reading.refused), "")
        count = len(reading.refused)
        raise SourceError([f"no conversation could be used; {count} rows were refused{first}"])
    facts = reading.statistics
    made = {
        "kind": KIND,
        "key": name,
        "title": title or name.replace("_", " ").replace("-", " ").capitalize(),
        "description": description or _description(reading, split),
        "version": version,
        "split": split,
        "tools": [tool.as_json() for tool in reading.tools],
        "free_text": _free(facts),
        "fault_rates": {
            tool: round(figures.fault_rate, 4)
            for tool, figures in sorted(facts.tools.items())
            if figures.fault_rate
        },
        "seconds": {
            tool: round(sum(figures.seconds) / len(figures.seconds), 4)
            for tool, figures in sorted(facts.tools.items())
            if figures.seconds
        },
        "criteria": Criteria().as_json(),
        "conversations": [_conversation(one) for one in reading.conversations],
    }
    if (size := len(orjson.dumps(made))) > MAX_DOCUMENT:
        most = MAX_DOCUMENT // 2**20
        raise SourceError(
            [f"the scenario would have {size // 2**20} MiB; at most {most} MiB: take fewer traces"]
        )
    return made


def _free(facts: Statistics) -> dict[str, list[str]]:
    free: dict[str, list[str]] = {}
    for tool, parameter in sorted(facts.free):
        free.setdefault(tool, []).append(parameter)
    return free


def _description(reading: Reading, split: str) -> str:
    """What a person has to know before trusting figures on this scenario."""
    facts = reading.statistics
    coverage = "none" if facts.coverage is None else f"{facts.coverage:.0%}"
    lines = [
        f"{len(reading.conversations)} recorded conversations ({reading.format}); results are replayed as recorded.",
        f"Of the arguments, {coverage} stand in what came before the call or in the tool's schema.",
    ]
    if reading.inferred:
        lines.append(f"Tools inferred from calls: {', '.join(reading.inferred)}.")
    if not any(figures.seconds for figures in facts.tools.values()):
        lines.append("No times were recorded: tools count as answering at once.")
    if split == "none":
        lines.append(
            "All conversations are trained on, and none is held out: figures on them say how well the agent remembers, "
            "not how well it does on new requests. Evaluate it with a file of cases."
        )
    return " ".join(lines)


def _conversation(one: Recorded) -> dict[str, Json]:
    turns = [_turn(event) for event in one.events]
    return {"turns": turns, **({"ending": one.ending} if one.ending else {})}


def _turn(event: Event) -> dict[str, Json]:
    """One of `{"user": text}`, `{"assistant": text}`, `{"call": tool, "arguments": ..., "result": ...}`."""
    turn = event.turn
    if turn.call is None:
        return {turn.role: turn.content}
    told: dict[str, Any] = {"call": turn.call.name, "arguments": dict(turn.call.arguments)}
    if event.answered:
        told["result"] = turn.content
    if turn.is_error:
        told["error"] = True
    if event.at_once:
        told["at_once"] = True
    if event.seconds is not None:
        told["seconds"] = event.seconds
    return told
