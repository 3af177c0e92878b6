"""What was due at each decision and what was called instead; which parameters were filled rightly."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from scenarios.core.schema import value_allowed
from scenarios.core.tasks import AnyOf, Milestone, Verdict
from scenarios.core.types import Decision, Json, Tool, ToolCall
from scenarios.core.world import World
from training.rl.intervals import rate
from training.rl.progress import EpisodeRecord

Filled = Literal["right", "wrong", "missing", "invalid"]


@dataclass(frozen=True, slots=True)
class Due:
    """What could rightly be done before one decision. expected: what the oracle would do."""

    pending: tuple[Milestone, ...]
    expected: str

    @classmethod
    def of(cls, world: World) -> Due:
        pending = tuple(world.pending())
        wanted = next((m.tool for m in pending if not m.optional), world.task.endings[0])
        return cls(pending, wanted)

    def label(self, decision: Decision, verdict: Verdict) -> str:
        """The tool or decision that was due; where there were several, the one that was taken, if it is one of them."""
        taken = decision.label
        if verdict.right or any(m.tool == taken for m in self.pending):
            return taken
        return self.expected


@dataclass(slots=True)
class Confusion:
    """Counts decisions by (due, called, failure), and what became of every parameter of a call that was due.

    A parameter is judged against the open milestone that the call comes closest to. Leaving out what must not be passed
    is right; passing it is a wrong value, and so is free text with which the tool did not find what was needed.
    """

    tools: Mapping[str, Tool]
    cells: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Right decisions have the failure ''."""
    parameters: dict[tuple[str, str], dict[int, Counter[Filled]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Counter))
    )
    """(tool, parameter) -> task -> outcomes."""

    def note(self, task: int, due: Due, decision: Decision, verdict: Verdict) -> str:
        """Count one decision; returns what was due."""
        label = due.label(decision, verdict)
        self.cells[label, decision.label, verdict.failure or ""] += 1
        if decision.call is not None and decision.call.name in self.tools:
            tool = self.tools[decision.call.name]
            for name, filled in parameter_outcomes(tool, decision.call, due.pending, verdict):
                self.parameters[tool.name, name][task][filled] += 1
        return label

    def as_json(self, kept: Sequence[EpisodeRecord]) -> dict[str, Json]:
        """The evidence's `confusion`; transcripts: how many of `kept` show the mistake."""
        shown = Counter(
            (step.due, step.decision.label)
            for record in kept
            for step in {(s.due, s.decision.label): s for s in record.steps if not s.right}.values()
        )
        wrong: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        totals: dict[str, dict[str, int]] = defaultdict(lambda: {"right": 0, "wrong": 0})
        for (due, called, failure), count in sorted(self.cells.items()):
            totals[due]["wrong" if failure else "right"] += count
            if failure:
                wrong[due, called][failure] = count
        cells = [
            {
                "due": due,
                "called": called,
                "count": sum(failures.values()),
                "failures": failures,
                "transcripts": shown[due, called],
            }
            for (due, called), failures in wrong.items()
        ]
        return {"due": dict(totals), "cells": sorted(cells, key=_most_first)}

    def parameters_as_json(self) -> list[dict[str, Json]]:
        """The evidence's `parameters`: per parameter the share filled rightly, clustered by task; worst first."""
        rows = []
        for (tool, parameter), by_task in self.parameters.items():
            total: Counter[Filled] = sum(by_task.values(), Counter())
            share = rate(
                [c["right"] for c in by_task.values()], [c.total() for c in by_task.values()]
            )
            errors = {kind: total[kind] for kind in ("wrong", "missing", "invalid")}
            rows.append({"tool": tool, "parameter": parameter, "right": share, **errors})
        return sorted(rows, key=lambda r: (r["right"]["value"], r["tool"], r["parameter"]))


def _most_first(cell: Mapping[str, Any]) -> tuple[int, str, str]:
    return -cell["count"], cell["due"], cell["called"]


def parameter_outcomes(
    tool: Tool, call: ToolCall, pending: Sequence[Milestone], verdict: Verdict
) -> list[tuple[str, Filled]]:
    """(parameter, outcome) for every parameter of a tool that was due; empty where it was not."""
    if verdict.right:
        return [(name, "right") for name in tool.properties]
    wanted = [m for m in pending if m.tool == tool.name]
    if not wanted:
        return []
    judged = [
        [(name, _filled(tool, call, name, m.arguments.get(name))) for name in tool.properties]
        for m in wanted
    ]
    best = min(range(len(judged)), key=lambda i: sum(what != "right" for _, what in judged[i]))
    found = judged[best]
    if verdict.failure == "wrong_argument" and all(what == "right" for _, what in found):
        # Every value is accepted as such, but the result was not what had to be found.
        free = {name for name, a in wanted[best].arguments.items() if a.anything}
        found = [
            (name, "wrong" if name in free and name in call.arguments else what)
            for name, what in found
        ]
    return found


def _filled(tool: Tool, call: ToolCall, name: str, accepted: AnyOf | None) -> Filled:
    if name not in call.arguments:
        return "right" if accepted is None or accepted.omittable else "missing"
    value = call.arguments[name]
    if not value_allowed(tool.properties[name], value):
        return "invalid"
    return "right" if accepted is not None and accepted.accepts(value) else "wrong"
