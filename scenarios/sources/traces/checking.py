"""What is wrong with a document of traces: every mistake with its place; and what it holds, once nothing is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scenarios.core.scenario import Criteria
from scenarios.core.types import Json, Split, Tool, Turn
from scenarios.sources.base import Document, SourceError
from scenarios.sources.formats._json import check
from scenarios.sources.formats._messages import call_of
from scenarios.sources.formats._tools import tools_of
from scenarios.sources.formats.base import (
    MAX_CALLS,
    MAX_RESULT,
    MAX_TEXT,
    NO_RESULT,
    Event,
    RowError,
)
from scenarios.sources.names import is_key
from scenarios.sources.traces.plan import Plan, plan_of
from scenarios.sources.traces.splits import Case, Division, TooFew

MOST_MISTAKES = 50
MOST_CONVERSATIONS = 5_000
_KNOWN = (
    "kind", "key", "title", "description", "version", "split", "tools", "free_text",
    "fault_rates", "seconds", "criteria", "conversations",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Talk:
    """A document that holds together."""

    key: str
    title: str
    description: str
    version: str
    held_out: bool
    tools: tuple[Tool, ...]
    fault_rates: Mapping[str, float]
    criteria: Mapping[str, float]
    plans: tuple[Plan, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(tool.name for tool in self.tools)

    def divided(
        self, cases: Sequence[Case], divide: Callable[[Sequence[Case]], Division]
    ) -> tuple[tuple[Split, ...], str]:
        """A split for every conversation, and what keeps them apart. Raises `SourceError`."""
        if not self.held_out:
            train: Split = "train"
            return (train,) * len(cases), "nothing"
        try:
            division = divide(cases)
        except TooFew as problem:
            raise SourceError([f"conversations: {problem}"]) from problem
        return division.splits, division.by


def read(document: Document) -> Talk:
    """Raises `SourceError` with every mistake."""
    if not isinstance(document, Mapping):
        raise SourceError(["the document must be an object"])
    mistakes: list[str] = []
    try:
        for value in document.values():  # one by one: a whole document may hold more than a row
            for part in value if isinstance(value, list) else [value]:
                check(part)
    except RowError as problem:
        raise SourceError([f"the document {problem}"]) from problem
    unknown = [str(name) for name in document if name not in _KNOWN]
    mistakes += [f"{name[:60]}: is unknown; known are {', '.join(_KNOWN)}" for name in unknown]
    texts = _texts(document, mistakes)
    tools = _tools(document.get("tools"), mistakes)
    free = _free(document.get("free_text", {}), tools, mistakes)
    rates = _numbers(document.get("fault_rates", {}), "fault_rates", tools, 1.0, mistakes)
    seconds = _numbers(document.get("seconds", {}), "seconds", tools, 86_400.0, mistakes)
    known = {name: name for name in Criteria().as_json()}
    criteria = _numbers(document.get("criteria", {}), "criteria", known, 86_400.0, mistakes)
    plans: list[Plan] = []
    if tools:
        plans = _plans(document.get("conversations"), tools, free, seconds, mistakes)
    if mistakes:
        raise SourceError(mistakes[:MOST_MISTAKES])
    held_out = document.get("split", "hash") == "hash"
    return Talk(**texts, held_out=held_out, tools=tuple(tools.values()), fault_rates=rates,
                criteria=criteria, plans=tuple(plans))  # fmt: skip


def _texts(document: Document, mistakes: list[str]) -> dict[str, str]:
    key = document.get("key")
    if not isinstance(key, str) or not is_key(key):
        mistakes.append(
            "key: must be 2 to 60 lower-case letters, digits, - or _, beginning with a letter"
        )
    found = {"key": str(key)}
    for name, otherwise, most in (
        ("title", str(key), 200),
        ("description", "", 10_000),
        ("version", "1", 40),
    ):
        value = document.get(name, otherwise)
        if not isinstance(value, str) or len(value) > most:
            mistakes.append(f"{name}: must be a text of at most {most:,} characters")
        found[name] = str(value)
    if document.get("split", "hash") not in ("hash", "none"):
        mistakes.append("split: must be hash or none")
    return found


def _tools(listed: Json, mistakes: list[str]) -> dict[str, Tool]:
    try:
        found = {tool.name: tool for tool in tools_of(listed)}
    except RowError as problem:
        mistakes.append(str(problem))
        return {}
    if not found:
        mistakes.append("tools: there is none")
    return found


def _free(
    value: Json, tools: Mapping[str, Tool], mistakes: list[str]
) -> Mapping[str, Sequence[str]]:
    if not isinstance(value, Mapping):
        mistakes.append("free_text: must be an object of lists of parameters, by tool")
        return {}
    found: dict[str, Sequence[str]] = {}
    for name, listed in value.items():
        known = tools[name].properties if name in tools else None
        good = isinstance(listed, list) and all(isinstance(x, str) for x in listed)
        if known is None or not good or set(listed) - set(known):
            mistakes.append(f"free_text.{name}: must be a list of parameters of a tool")
        else:
            found[name] = listed
    return found


def _numbers(
    value: Json, place: str, names: Iterable[str], most: float, mistakes: list[str]
) -> dict[str, float]:
    if not isinstance(value, Mapping):
        mistakes.append(f"{place}: must be an object of numbers")
        return {}
    found = {}
    for name, number in value.items():
        usable = isinstance(number, int | float) and not isinstance(number, bool)
        if name not in names or not usable or not (0 <= number <= most) or math.isnan(number):
            mistakes.append(f"{place}.{name}: must be a known name with a number of 0 to {most:g}")
        else:
            found[name] = float(number)
    return found


def _plans(
    listed: Json,
    tools: Mapping[str, Tool],
    free: Mapping[str, Sequence[str]],
    seconds: Mapping[str, float],
    mistakes: list[str],
) -> list[Plan]:
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_CONVERSATIONS:
        mistakes.append(f"conversations: must be a list of 1 to {MOST_CONVERSATIONS:,}")
        return []

    def is_free(tool: str, parameter: str) -> bool:
        return parameter in free.get(tool, ())

    plans = []
    for at, value in enumerate(listed):
        try:
            events, ending = _events(value)
            plans.append(plan_of(events, tools, ending=ending, free=is_free, seconds=seconds))
        except RowError as problem:
            mistakes.append(f"conversations[{at}]: {problem}")
    return plans


def _events(value: Json) -> tuple[list[Event], Any]:
    """The events of one conversation of a document, and its ending. Raises `RowError`."""
    turns = value.get("turns") if isinstance(value, Mapping) else None
    if not isinstance(turns, list) or not turns:
        raise RowError("must be an object with a list of `turns`")
    ending = value.get("ending")
    if ending not in (None, "final", "hand_over"):
        raise RowError("ending: must be final or hand_over")
    events = [_event(turn, f"turns[{at}]") for at, turn in enumerate(turns)]
    if sum(event.turn.role == "tool" for event in events) > MAX_CALLS:
        raise RowError(f"turns: at most {MAX_CALLS} calls")
    return events, ending


def _event(turn: Json, where: str) -> Event:
    if not isinstance(turn, Mapping):
        raise RowError(f"{where}: must be an object")
    for role in ("user", "assistant"):
        text = turn.get(role)
        if isinstance(text, str) and len(turn) == 1 and 0 < len(text) <= MAX_TEXT:
            return Event(Turn("user" if role == "user" else "assistant", text))
    if "call" not in turn:
        raise RowError(
            f"{where}: must be one `user` or `assistant` text of at most {MAX_TEXT:,} characters, or a `call`"
        )
    call = call_of(turn["call"], turn.get("arguments"), where)
    result = turn.get("result", NO_RESULT)
    if len(str(result)) > MAX_RESULT * 2:
        raise RowError(f"{where}.result: is too long")
    seconds = turn.get("seconds")
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if seconds is not None and not (number and 0 <= seconds <= 86_400):
        raise RowError(f"{where}.seconds: must be a number of 0 to 86,400")
    return Event(
        Turn("tool", result, call=call, is_error=turn.get("error") is True),
        seconds,
        at_once=turn.get("at_once") is True,
        answered="result" in turn,
    )
