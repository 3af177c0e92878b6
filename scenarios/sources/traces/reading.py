"""From a file of traces to a reading: conversations, tools, and what the traces say about how the tools are used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from scenarios.core.registry import UnknownKey
from scenarios.core.types import Json, Tool
from scenarios.sources.base import SourceError
from scenarios.sources.formats import formats
from scenarios.sources.formats._json import MAX_BYTES, parse, rows_of
from scenarios.sources.formats._tools import tools_of
from scenarios.sources.formats.base import Event, Recorded, Refused, Row, RowError
from scenarios.sources.traces.inference import stated, tools_of_calls
from scenarios.sources.traces.plan import plan_of
from scenarios.sources.traces.redaction import redacted, rules_of
from scenarios.sources.traces.statistics import Statistics, statistics

MAX_CONVERSATIONS = 5_000


@dataclass(frozen=True, slots=True)
class RowReport:
    """What became of a row (or of the trace that begins there): used or not, and why not."""

    row: int
    used: bool
    why: str = ""

    def as_json(self) -> dict[str, Json]:
        return {"row": self.row, "used": self.used, "why": self.why}


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read. tools: stated and inferred ones, `inferred` names the latter. redacted: values with a pseudonym."""

    format: str
    conversations: tuple[Recorded, ...]
    rows: tuple[RowReport, ...]
    tools: tuple[Tool, ...]
    inferred: tuple[str, ...]
    statistics: Statistics
    redacted: int = 0
    notes: tuple[str, ...] = field(default=())

    @property
    def refused(self) -> tuple[RowReport, ...]:
        return tuple(row for row in self.rows if not row.used)

    def as_json(self) -> dict[str, Json]:
        """The report, without the conversations."""
        return {
            "format": self.format,
            "conversations": len(self.conversations),
            "rows": [row.as_json() for row in self.rows],
            "used": sum(row.used for row in self.rows),
            "refused": len(self.refused),
            "tools": [tool.as_json() for tool in self.tools],
            "inferred_tools": list(self.inferred),
            "redacted_values": self.redacted,
            "notes": list(self.notes),
            **self.statistics.as_json(),
        }


def read_traces(
    source: Path | bytes,
    format: str,
    redact: Sequence[str] = (),
    tools: Path | bytes | None = None,
) -> Reading:
    """Read a file of recorded conversations.

    format: a key of `formats`. redact: rules, see `traces.redaction`; they are applied before anything else is kept.
    tools: a JSON file with the tools, where the rows state none. Raises `SourceError` for a file, format or rule that
    cannot be used at all; a bad row is reported and left out.
    """
    try:
        reader = formats.get(format)
    except UnknownKey as problem:
        raise SourceError([f"format: {problem}"]) from problem
    rules_of(redact)
    given = _tools_file(tools)
    reports: list[RowReport] = []
    found: list[Recorded] = []
    try:
        rows = list(rows_of(_bytes(source)))
    except RowError as problem:
        raise SourceError([str(problem)]) from problem
    parsed: list[Row] = []
    for row in rows:
        if isinstance(row, Refused):
            reports.append(RowReport(row.row, False, row.why))
        else:
            parsed.append(row)
    for made in reader.read(parsed):
        if isinstance(made, Refused):
            reports.append(RowReport(made.row, False, made.why))
        elif len(found) >= MAX_CONVERSATIONS:
            why = f"the file holds more than {MAX_CONVERSATIONS:,} conversations; split it"
            reports.append(RowReport(made.row, False, why))
        else:
            found.append(made)
    clean, count = redacted(found, redact)
    kept, left_out = _kept(clean)
    reports += left_out
    return _reading(format, kept, reports, given, count)


def _reading(
    format: str,
    kept: list[Recorded],
    reports: list[RowReport],
    given: dict[str, Tool],
    count: int,
) -> Reading:
    known = {**given, **stated(kept)}
    guessed = tools_of_calls(kept, known)
    tools = {**known, **guessed}
    kept = _planned([_without_nulls(one) for one in kept], tools, reports)
    called = {e.turn.call.name for one in kept for e in one.calls if e.turn.call is not None}
    notes = [f"{name}: is never called" for name in known if name not in called]
    cut = sum(plan_of(one.events, tools).left_out for one in kept)
    if cut:
        notes.append(f"{cut} turns after the first answer of a conversation are left out")
    reports += [RowReport(one.row, True) for one in kept]
    return Reading(
        format,
        tuple(kept),
        tuple(sorted(reports, key=lambda report: report.row)),
        tuple(tools.values()),
        tuple(guessed),
        statistics(kept, tuple(tools.values())),
        count,
        tuple(notes),
    )


def _bytes(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source
    if not source.is_file():
        raise SourceError([f"{source}: there is no such file"])
    if (size := source.stat().st_size) > MAX_BYTES:
        most = MAX_BYTES // 2**20
        raise SourceError([f"{source}: has {size // 2**20} MiB; at most {most} MiB are read"])
    return source.read_bytes()


def _tools_file(source: Path | bytes | None) -> dict[str, Tool]:
    if source is None:
        return {}
    try:
        value = parse(_bytes(source).decode("utf-8", errors="replace"))
        listed = value.get("tools") if isinstance(value, dict) else value
        return {tool.name: tool for tool in tools_of(listed)}
    except RowError as problem:
        raise SourceError([f"tools: {problem}"]) from problem


def _planned(
    found: list[Recorded], tools: dict[str, Tool], reports: list[RowReport]
) -> list[Recorded]:
    """The conversations that a task can be made of; the others are reported."""
    kept = []
    for one in found:
        try:
            plan_of(one.events, tools)
        except RowError as problem:
            reports.append(RowReport(one.row, False, str(problem)))
        else:
            kept.append(one)
    return kept


def _without_nulls(one: Recorded) -> Recorded:
    """Models write null for what they leave out; a call without it says the same."""
    return replace(one, events=tuple(_bare(event) for event in one.events))


def _bare(event: Event) -> Event:
    call = event.turn.call
    if call is None or None not in call.arguments.values():
        return event
    kept = {k: v for k, v in call.arguments.items() if v is not None}
    return replace(event, turn=replace(event.turn, call=replace(call, arguments=kept)))


def _kept(found: Iterable[Recorded]) -> tuple[list[Recorded], list[RowReport]]:
    """Conversations that hold something to learn from, each once: a log of requests repeats how it began."""
    candidates, reports = [], []
    for one in found:
        if one.calls or one.events[-1].turn.role == "assistant":
            candidates.append(one)
        else:
            why = "holds neither a tool call nor an answer: there is nothing to learn from"
            reports.append(RowReport(one.row, False, why))
    chains = [_chain(one) for one in candidates]
    longer: dict[bytes, int] = {}
    for one, chain in zip(candidates, chains, strict=True):
        for link in chain[:-1]:
            longer.setdefault(link, one.row)
    kept: dict[bytes, Recorded] = {}
    for one, chain in zip(candidates, chains, strict=True):
        if row := longer.get(chain[-1]):
            reports.append(RowReport(one.row, False, f"is how the conversation of row {row} began"))
        elif same := kept.get(chain[-1]):
            reports.append(RowReport(one.row, False, f"is the same as row {same.row}"))
        else:
            kept[chain[-1]] = one
    return list(kept.values()), reports


def _chain(one: Recorded) -> list[bytes]:
    """A hash of each beginning of the conversation."""
    digest, chain = sha256(), []
    for event in one.events:
        digest.update(orjson.dumps(_shown(event)))
        chain.append(digest.digest())
    return chain


def _shown(event: Event) -> dict[str, Any]:
    return {**event.turn.as_json(), "answered": event.answered}
