"""What traces say about the use of tools: where arguments came from, what followed what, faults, times and costs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from scenarios.core.types import Json, Tool, ToolCall
from scenarios.sources.formats.base import Event, Recorded
from scenarios.sources.traces.pointing import Seen, offered

START, END = "start", "end"
FREE_WORDS = 4
"""Words, in the median, of a text that counts as free."""


@dataclass(slots=True)
class ToolFigures:
    """One tool's calls. seconds, costs: of calls that succeeded, and of all priced ones. errors: results that were errors; transient: of these, the ones whose call later succeeded."""

    calls: int = 0
    errors: int = 0
    transient: int = 0
    seconds: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    @property
    def fault_rate(self) -> float:
        """Share of calls that met an error which went away."""
        return self.transient / self.calls if self.calls else 0.0

    def as_json(self) -> dict[str, Json]:
        return {
            "calls": self.calls,
            "errors": self.errors,
            "error_rate": self.errors / self.calls if self.calls else 0.0,
            "transient": self.transient,
            "fault_rate": self.fault_rate,
            "seconds": _mean(self.seconds),
            "timed": len(self.seconds),
            "cost": _mean(self.costs),
            "priced": len(self.costs),
        }


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


@dataclass(frozen=True, slots=True)
class Statistics:
    """tools: by name. transitions: (tool, next tool) -> count. sources: (tool, parameter) -> source -> count.

    free: parameters whose texts were written by the model, not taken from anywhere.
    """

    tools: dict[str, ToolFigures]
    transitions: dict[tuple[str, str], int]
    sources: dict[tuple[str, str], Counter[str]]
    free: frozenset[tuple[str, str]]

    @property
    def coverage(self) -> float | None:
        """Share of arguments, free texts apart, whose value could be pointed at when the call was made."""
        judged = [c for place, c in self.sources.items() if place not in self.free]
        total = sum(c.total() for c in judged)
        lost = sum(c["constant"] + c["nowhere"] for c in judged)
        return (total - lost) / total if total else None

    def as_json(self) -> dict[str, Json]:
        return {
            "coverage": self.coverage,
            "arguments": sum(c.total() for c in self.sources.values()),
            "argument_sources": [
                {
                    "tool": tool,
                    "parameter": parameter,
                    "free_text": (tool, parameter) in self.free,
                    "sources": dict(counts.most_common()),
                }
                for (tool, parameter), counts in sorted(self.sources.items())
            ],
            "transitions": [
                {"from": a, "to": b, "count": n} for (a, b), n in sorted(self.transitions.items())
            ],
            "per_tool": {name: figures.as_json() for name, figures in sorted(self.tools.items())},
        }


@dataclass(slots=True)
class _Values:
    """The values of one parameter."""

    sources: list[str] = field(default_factory=list)
    values: list[Json] = field(default_factory=list)


def statistics(conversations: Sequence[Recorded], tools: Sequence[Tool]) -> Statistics:
    """Count over all conversations."""
    known = {tool.name: tool for tool in tools}
    figures: dict[str, ToolFigures] = defaultdict(ToolFigures)
    transitions: Counter[tuple[str, str]] = Counter()
    values: dict[tuple[str, str], _Values] = defaultdict(_Values)
    for one in conversations:
        seen, before = Seen(), START
        for at, event in enumerate(one.events):
            call = event.turn.call
            if call is not None:
                transitions[before, call.name] += 1
                before = call.name
                _count(figures[call.name], event, one.events[at + 1 :])
                _sources(values, call, seen, known.get(call.name))
            seen.add(event.turn)
        transitions[before, END] += 1
    sources = {place: _named(found) for place, found in values.items()}
    free = frozenset(place for place, found in values.items() if _is_free(found))
    return Statistics(dict(figures), dict(transitions), sources, free)


def _count(figures: ToolFigures, event: Event, after: Sequence[Event]) -> None:
    figures.calls += 1
    figures.errors += event.turn.is_error
    figures.transient += event.turn.is_error and went_away(event, after)
    if event.seconds is not None and not event.turn.is_error:
        figures.seconds.append(event.seconds)
    if event.cost is not None:
        figures.costs.append(event.cost)


def went_away(event: Event, after: Sequence[Event]) -> bool:
    """Whether the same call succeeded later in the conversation."""
    return any(e.turn.call == event.turn.call and not e.turn.is_error for e in after)


def _sources(
    values: dict[tuple[str, str], _Values], call: ToolCall, seen: Seen, tool: Tool | None
) -> None:
    for name, value in call.arguments.items():
        found = values[call.name, name]
        found.values.append(value)
        if offered(tool, name, value):
            found.sources.append("schema")
        else:
            found.sources.append(seen.source(value) or "nowhere")


def _named(found: _Values) -> Counter[str]:
    """Sources counted; a value that comes from nowhere, but is nearly always the same, is a constant."""
    counts = Counter(found.sources)
    lost = [str(v) for v, s in zip(found.values, found.sources, strict=True) if s == "nowhere"]
    if len(lost) >= 3 and Counter(lost).most_common(1)[0][1] >= 0.9 * len(found.values):
        counts["constant"] = counts.pop("nowhere")
    return counts


def _is_free(found: _Values) -> bool:
    """Whether most values are longer texts that stand nowhere: a model wrote them."""
    texts: list[Any] = [v for v in found.values if isinstance(v, str)]
    lost = found.sources.count("nowhere")
    if len(texts) < len(found.values) or 2 * lost <= len(texts):
        return False
    lengths = sorted(len(text.split()) for text in texts)
    return lengths[len(lengths) // 2] >= FREE_WORDS and len(set(texts)) > len(texts) / 3
