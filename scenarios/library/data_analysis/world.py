"""The world of one attempt: the desk with its files, the user's words, and the grading against the reference answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from scenarios.core.draws import Draws
from scenarios.core.tasks import ASK, Milestone, Task, Verdict
from scenarios.core.types import Json, Tool, ToolCall, ToolResult
from scenarios.core.world import World, error
from scenarios.library.data_analysis import charts, letters
from scenarios.library.data_analysis.desk import Desk
from scenarios.library.data_analysis.letters import Slots
from scenarios.library.data_analysis.reference import Answer
from scenarios.library.data_analysis.requests import KINDS, Ref, Request
from scenarios.library.data_analysis.tools import LATENCY
from scenarios.library.data_analysis.views import BadRequest, View

_MAKES_TABLES = ("load_data", "clean_data", "filter_data")


@dataclass(frozen=True, slots=True)
class Case:
    """A task's hidden side. slots: what the wording needs. text: the user's message, where it is fixed (own files)."""

    request: Request
    reference: Answer
    data: bytes
    slots: Slots | None = None
    text: str = ""


class AnalysisWorld(World):
    """One attempt: the file and the question are the task's; wording and faults are its own."""

    def __init__(
        self, task: Task, attempt: int, tools: tuple[Tool, ...], fault_rate: float
    ) -> None:
        super().__init__(task, attempt, tools, fault_rate)
        self.case: Case = task.payload
        self.request = self.case.request
        self.desk = Desk({self.request.file: self.case.data})
        self._draws = Draws(self.rng)
        self._opening = self.case.text or letters.opening(task, self.case, self._draws)
        self._results: dict[str, Json] = {}
        self._here: dict[str, Json] = {"opening": self._opening}
        self._made = task.milestones
        self.calls = 0
        self._resolve()

    def opening(self) -> str:
        return self._opening

    def reply(self, question: str) -> str:
        wanted = next((m.name for m in self.pending() if m.tool == ASK), "")
        return letters.reply(self.task, self.request, wanted, self._draws)

    def run(self, call: ToolCall) -> ToolResult:
        seconds = LATENCY[call.name] * (0.6 + 0.8 * self._draws.unit())
        try:
            content = self.desk.call(call.name, call.arguments)
        except BadRequest as problem:
            return error("not_possible", str(problem), seconds=seconds)
        if call.name == "answer" and self._uncleaned():
            self.breaches.append("rule 1: answered from repeated records")
        return ToolResult(content, seconds=seconds)

    def _uncleaned(self) -> bool:
        views = [table for table in self.desk.tables.values() if isinstance(table, View)]
        return any(any(v.table.repeated) for v in views) and not any(v.distinct for v in views)

    def _judge(self, call: ToolCall, result: ToolResult, faulted: bool) -> Verdict:
        self.calls += not faulted
        before = set(self.done)
        verdict = super()._judge(call, result, faulted)
        for name in self.done - before:
            self._results[name] = result.content
            if call.name in _MAKES_TABLES and result.content.get("table"):
                self._here |= {"table": result.content["table"], "rows": result.content["rows"]}
            self._resolve()
        return verdict

    def _resolve(self) -> None:
        """Put what is known by now in the place of references. (Milestones that are done keep what they had.)"""
        found = tuple(m if m.name in self.done else self._filled(m) for m in self._made)
        kept = {m.name: m for m in self.task.milestones if m.name in self.done}
        self.task = replace(self.task, milestones=tuple(kept.get(m.name, m) for m in found))

    def _filled(self, milestone: Milestone) -> Milestone:
        arguments = {
            name: replace(accepted, values=tuple(map(self._value, accepted.values)))
            if any(isinstance(value, Ref) for value in accepted.values)
            else accepted
            for name, accepted in milestone.arguments.items()
        }
        return replace(milestone, arguments=arguments)

    def _value(self, value: Json | Ref) -> Json | Ref:
        if not isinstance(value, Ref):
            return value
        found: Json = self._results.get(value.step) if value.step else self._here
        for part in value.path:
            found = _inner(found, part)
        return value if found is None else found

    def goals_hold(self) -> bool:
        """The right answer was given and stands on the right data; or rightly none."""
        if self.task.endings == ("hand_over",):
            due = {m.name for m in self.task.milestones if not m.optional}
            return self.desk.answered is None and due <= self.done
        return self.answer_is_right()

    def answer_is_right(self) -> bool:
        given, wanted = self.desk.answered, self.case.reference
        if given is None:
            return False
        kind = KINDS[self.request.kind]
        if kind.chart:
            drawn = self.desk.charts.get(str(given))
            return drawn is not None and not self._faults(drawn) and _shows(drawn, wanted)
        if isinstance(wanted, list):
            table = self.desk.tables.get(str(given))
            return isinstance(table, charts.Summary) and _same_groups(table.groups, wanted)
        return same(given, wanted)

    def _faults(self, drawn: charts.Chart) -> list[str]:
        request = self.request
        kind = KINDS[request.kind]
        axes = [request.measure] if kind.chart == "histogram" else [request.group, request.measure]
        if kind.chart == "scatter":
            axes = [request.other, request.measure]
        if kind.function:
            figure = (
                "number of rows"
                if kind.function == "count"
                else f"{kind.function} of {request.measure}"
            )
            axes = [f"month of {request.day}" if kind.chart == "line" else request.group, figure]
        return charts.faults(drawn, kind.chart, axes)

    def measured(self) -> Mapping[str, tuple[float, float]]:
        needed = [m for m in self.task.milestones if not m.optional and m.tool != ASK]
        reached = sum(m.name in self.done for m in needed)
        found: dict[str, tuple[float, float]] = {
            "query_efficiency": (float(reached), float(max(self.calls, len(needed))))
        }
        if self.task.endings == ("hand_over",):
            return found
        if KINDS[self.request.kind].chart:
            drawn = self.desk.charts.get(str(self.desk.answered))
            return found | {
                "visualisation": (float(drawn is not None and not self._faults(drawn)), 1.0)
            }
        return found | {"insight_accuracy": (float(self.answer_is_right()), 1.0)}


def _inner(value: Json, part: str | int) -> Json:
    """One step into a value: a key, a place in a list, or the record of a list where `key=value`."""
    if isinstance(value, list):
        if isinstance(part, int):
            return value[part] if part < len(value) else None
        key, _, wanted = part.partition("=")
        return next((item for item in value if str(item.get(key)) == wanted), None)
    return value.get(part) if isinstance(value, dict) else None


def same(given: Json, wanted: Json) -> bool:
    """Whether two answers are one: texts in any case, numbers up to the rounding of results."""
    if isinstance(wanted, str) or isinstance(given, str):
        return str(given).strip().lower() == str(wanted).strip().lower()
    return math.isclose(float(given), float(wanted), rel_tol=1e-6, abs_tol=1e-4)


def _same_groups(groups: tuple[tuple[str | float, float], ...], wanted: Json) -> bool:
    return len(groups) == len(wanted) and all(
        same(str(name), str(group)) and same(value, figure)
        for (name, value), (group, figure) in zip(groups, wanted, strict=True)
    )


def _shows(drawn: charts.Chart, wanted: Answer) -> bool:
    """Whether a chart holds the reference's figures (of groups), or as many marks as there are rows."""
    if not isinstance(wanted, list):
        return bool(len(drawn.points) == wanted)
    points = sorted(drawn.points, key=lambda point: str(point[0]))
    pairs = tuple((str(x), float(y)) for x, y in points)
    return _same_groups(pairs, sorted(wanted, key=lambda pair: str(pair[0])))
