"""From what somebody typed or uploaded to a scenario, or to every mistake with its line. Nothing in it is executed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scenarios.core.episode import Episode
from scenarios.core.scenario import Scenario
from scenarios.core.stage import Stage
from scenarios.core.types import Decision, Difficulty, Turn
from scenarios.sources.base import Document, SourceError
from scenarios.sources.catalogue import compiled
from scenarios.sources.formats._json import MAX_BYTES
from scenarios.sources.names import is_key
from scenarios.sources.tool_lists import from_openai, from_openapi, start_of
from scenarios.sources.traces import import_traces
from scenarios.sources.yaml_text import MOST_BYTES, read_yaml

TOOL_LISTS = {"openai": from_openai, "openapi": from_openapi}


@dataclass(slots=True)
class Brought:
    """What came of a text: a scenario with its document, or mistakes."""

    scenario: Scenario | None = None
    document: Document | None = None
    mistakes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shown:
    """One decision of the reference path, with the turns that it added."""

    decision: Decision
    turns: tuple[Turn, ...]


def read(text: str) -> Brought:
    """The scenario of a YAML text."""
    try:
        found = read_yaml(text)
    except SourceError as problem:
        return Brought(mistakes=problem.mistakes)
    if not isinstance(found.value, dict):
        return Brought(mistakes=["line 1: must be a mapping that begins with `kind: spec`"])
    try:
        return Brought(compiled(found.value), found.value)
    except SourceError as problem:
        return Brought(mistakes=[found.located(mistake) for mistake in problem.mistakes])


def preview(scenario: Scenario, difficulty: Difficulty, seed: int) -> tuple[str, list[Shown], bool]:
    """An episode on a training task as the oracle plays it: the user's first words, every step, and whether it succeeds."""
    episode = Episode(scenario, "train", Stage(difficulty), seed)
    opening = str(episode.turns[0].content)
    steps = []
    while not episode.over:
        before, decision = len(episode.turns), episode.world.oracle()
        episode.step(decision)
        steps.append(Shown(decision, tuple(episode.turns[before:])))
    return opening, steps, episode.succeeded


def start_from_tools(kind: str, raw: bytes, key: str) -> tuple[str, list[str]]:
    """The YAML start for an uploaded list of tools, and its mistakes."""
    if kind not in TOOL_LISTS:
        return "", [f"the kind of list must be one of {', '.join(TOOL_LISTS)}"]
    try:
        found = read_yaml(raw)
        tools = TOOL_LISTS[kind](found.value)
    except SourceError as problem:
        return "", problem.mistakes
    title = key.replace("_", " ").replace("-", " ").capitalize()
    return start_of(tools, key=key, title=title), []


def from_traces(
    upload: Any, format_: str, key: str, redact: str, *, hold_out: bool
) -> tuple[Document | None, str, list[str]]:
    """The document of an uploaded file of recorded conversations, a word about it, and its mistakes.

    redact: one rule a line.
    """
    if not is_key(key):
        return None, "", ["name: must be 2 to 60 lower-case letters, digits, - and _"]
    if upload.size > MAX_BYTES:
        return None, "", [f"the file is larger than {MAX_BYTES // 2**20} MiB"]
    rules = [line.strip() for line in redact.splitlines() if line.strip()]
    try:
        document, reading = import_traces(
            upload.read(), format_, key, rules, "hash" if hold_out else "none"
        )
        compiled(document)
    except SourceError as problem:
        return None, "", problem.mistakes
    report = reading.as_json()
    said = f"{report['used']} of {len(report['rows'])} rows were used, {reading.redacted} values replaced."
    refused = [f" Row {row.row}: {row.why}." for row in reading.refused[:3]]
    return document, said + "".join(refused), []


def uploaded_text(upload: Any) -> tuple[str, list[str]]:
    """The text of an uploaded file, and why it cannot be read."""
    if upload.size > MOST_BYTES:
        return "", [f"the file is larger than {MOST_BYTES // 1_000_000} MB"]
    try:
        return upload.read().decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return "", ["the file is not UTF-8 text"]
