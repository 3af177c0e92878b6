"""What is asked of a file, and the reference path to its answer: one way through the tools for every kind of question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scenarios.core.tasks import ASK, AnyOf, Milestone
from scenarios.core.types import Json

ANY = AnyOf((), anything=True, omittable=True)


@dataclass(frozen=True, slots=True)
class Ref:
    """A value that only the run itself can give: `path` in what the step `step` returned. No step: the world knows."""

    step: str
    path: tuple[str | int, ...] = ()


TABLE = Ref("", ("table",))
"""The table that all conditions so far have led to."""
OPENING = Ref("", ("opening",))
"""The user's first message."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A condition on the rows: column (its name in the file), operator, and the ways to give its value."""

    column: str
    operator: str
    values: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A question about a file. kind: a key of `KINDS`. Columns are named as in the file.

    value: whose share is asked for, or the identifier that is looked up in the column `key`. function: of a comparison.
    repeated: the file holds copied records. ask_file, ask_column: the user left it out. broken: it cannot be read.
    """

    kind: str
    file: str
    measure: str = ""
    other: str = ""
    group: str = ""
    day: str = ""
    key: str = ""
    value: str = ""
    n: int = 0
    conditions: tuple[Wanted, ...] = ()
    repeated: bool = False
    ask_file: bool = False
    ask_column: bool = False
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of question. steps: after the conditions, see `_STEPS`. needs: fields of the request. chart: its right kind."""

    steps: Callable[[Request], list[Milestone]]
    needs: tuple[str, ...]
    function: str = ""
    conditions: bool = True
    chart: str = ""
    answer: Ref | None = None


def _one(value: Json | Ref) -> AnyOf:
    return AnyOf((value,))


def _answer(step: str, *path: str | int) -> Milestone:
    return Milestone("answer", "answer", {"value": _one(Ref(step, path))})


def _statistic(key: str) -> Callable[[Request], list[Milestone]]:
    """One figure of one column."""

    def steps(request: Request) -> list[Milestone]:
        column = request.measure or request.group
        return [_stats("statistics", TABLE, column), _answer("statistics", key)]

    return steps


def _stats(name: str, table: Ref, column: str) -> Milestone:
    return Milestone(name, "calculate_stats", {"table": _one(table), "column": _one(column)})


def _aggregate(
    request: Request, function: str, order: str, *, month: bool = False, n: int = 0
) -> Milestone:
    arguments = {"table": _one(TABLE), "function": _one(function)}
    if function != "count":
        arguments["column"] = _one(request.measure)
    arguments["by"] = _one(request.day if month else request.group)
    if month:
        arguments["period"] = _one("month")
    arguments["order"] = (
        _one(order) if order else AnyOf(("highest_first", "lowest_first", "by_group"))
    )
    if n:
        arguments["limit"] = _one(n)
    elif order in ("highest_first", "lowest_first"):
        arguments["limit"] = ANY  # the first row is the same
    return Milestone("groups", "aggregate_data", arguments)


def _ranked(
    function: str, order: str, *path: str | int, month: bool = False
) -> Callable[[Request], list[Milestone]]:
    def steps(request: Request) -> list[Milestone]:
        return [_aggregate(request, function, order, month=month), _answer("groups", *path)]

    return steps


def _share(function: str) -> Callable[[Request], list[Milestone]]:
    def steps(request: Request) -> list[Milestone]:
        groups = _aggregate(request, function, "")
        return [groups, _answer("groups", "rows", f"group={request.value}", "share_percent")]

    return steps


def _top_n(request: Request) -> list[Milestone]:
    groups = _aggregate(request, "sum", "highest_first", n=request.n)
    return [groups, _answer("groups", "table")]


def _monthly(*path: str | int) -> Callable[[Request], list[Milestone]]:
    def steps(request: Request) -> list[Milestone]:
        groups = _aggregate(request, "sum", "by_group", month=True)
        return [groups, _answer("groups", *path)]

    return steps


def _outliers(method: str, key: str) -> Callable[[Request], list[Milestone]]:
    def steps(request: Request) -> list[Milestone]:
        return [_detect(request, method), _answer("outliers", key)]

    return steps


def _detect(request: Request, method: str) -> Milestone:
    arguments = {"table": _one(TABLE), "column": _one(request.measure), "method": _one(method)}
    return Milestone("outliers", "detect_outliers", arguments)


def _without_outliers(request: Request) -> list[Milestone]:
    rest = Ref("outliers", ("remaining_table",))
    return [
        _detect(request, "iqr"),
        _stats("statistics", rest, request.measure),
        _answer("statistics", "average"),
    ]


def _correlate(method: str, key: str) -> Callable[[Request], list[Milestone]]:
    """Both orders of the columns are right."""

    def steps(request: Request) -> list[Milestone]:
        methods = ("pearson", "spearman") if key == "direction" else (method,)
        arguments = {
            "table": _one(TABLE),
            "column": AnyOf((request.measure, request.other)),
            "other_column": AnyOf((request.other, request.measure)),
            "method": AnyOf(methods),
        }
        return [Milestone("correlation", "run_correlation", arguments), _answer("correlation", key)]

    return steps


def _above_average(request: Request) -> list[Milestone]:
    arguments = {
        "table": _one(TABLE),
        "column": _one(request.measure),
        "value": _one(Ref("statistics", ("average",))),
        "operator": _one("above"),
    }
    return [
        _stats("statistics", TABLE, request.measure),
        Milestone("above", "filter_data", arguments),
        _answer("above", "rows"),
    ]


def _best_then_average(request: Request) -> list[Milestone]:
    arguments = {
        "table": _one(TABLE),
        "column": _one(request.group),
        "value": _one(Ref("groups", ("rows", 0, "group"))),
        "operator": _one("equal_to"),
    }
    return [
        _aggregate(request, "sum", "highest_first"),
        Milestone("best", "filter_data", arguments),
        _stats("statistics", Ref("best", ("table",)), request.other),
        _answer("statistics", "average"),
    ]


def _lookup(request: Request) -> list[Milestone]:
    arguments = {
        "table": _one(TABLE),
        "column": _one(request.key),
        "value": _one(request.value),
        "operator": _one("equal_to"),
    }
    return [
        Milestone("found", "filter_data", arguments),
        _stats("statistics", Ref("found", ("table",)), request.measure or request.group),
        _answer("statistics", "value"),
    ]


def _count(request: Request) -> list[Milestone]:
    return [_answer("", "rows")]


def _charted(
    table: Ref, kind: str, x: Json | Ref, y: Json | Ref | None, *, swap: bool = False
) -> list[Milestone]:
    arguments = {"table": _one(table), "kind": _one(kind), "x": _one(x)}
    if y is not None:
        arguments["y"] = _one(y)
    if swap:
        arguments |= {"x": AnyOf((x, y)), "y": AnyOf((y, x))}
    return [Milestone("chart", "plot_chart", arguments), _answer("chart", "chart")]


def _group_chart(
    function: str, kind: str, *, month: bool = False
) -> Callable[[Request], list[Milestone]]:
    def steps(request: Request) -> list[Milestone]:
        groups = _aggregate(request, function, "by_group" if month else "", month=month)
        table = Ref("groups", ("table",))
        axes = Ref("groups", ("group_column",)), Ref("groups", ("value_column",))
        return [groups, *_charted(table, kind, *axes)]

    return steps


KINDS: Mapping[str, Kind] = {
    "count": Kind(_count, ()),
    "total": Kind(_statistic("sum"), ("measure",)),
    "average": Kind(_statistic("average"), ("measure",)),
    "median": Kind(_statistic("median"), ("measure",)),
    "maximum": Kind(_statistic("maximum"), ("measure",)),
    "minimum": Kind(_statistic("minimum"), ("measure",)),
    "spread": Kind(_statistic("standard_deviation"), ("measure",)),
    "distinct": Kind(_statistic("distinct"), ("group",)),
    "missing": Kind(_statistic("missing"), ("measure",), conditions=False),
    "lookup": Kind(_lookup, ("key", "column"), conditions=False),
    "most_common": Kind(_statistic("most_common"), ("group",)),
    "top_sum": Kind(_ranked("sum", "highest_first", "rows", 0, "group"), ("group", "measure"), "sum"),
    "top_average": Kind(_ranked("average", "highest_first", "rows", 0, "group"), ("group", "measure"), "average"),
    "top_count": Kind(_ranked("count", "highest_first", "rows", 0, "group"), ("group",), "count"),
    "bottom_sum": Kind(_ranked("sum", "lowest_first", "rows", 0, "group"), ("group", "measure"), "sum"),
    "bottom_average": Kind(_ranked("average", "lowest_first", "rows", 0, "group"), ("group", "measure"), "average"),
    "top_value": Kind(_ranked("sum", "highest_first", "rows", 0, "value"), ("group", "measure"), "sum"),
    "share": Kind(_share("sum"), ("group", "measure", "value"), "sum", conditions=False),
    "share_rows": Kind(_share("count"), ("group", "value"), "count", conditions=False),
    "top_n": Kind(_top_n, ("group", "measure", "n"), "sum"),
    "trend": Kind(_monthly("trend", "direction"), ("measure", "day"), "sum"),
    "growth": Kind(_monthly("trend", "change_percent"), ("measure", "day"), "sum"),
    "best_month": Kind(_ranked("sum", "highest_first", "rows", 0, "group", month=True), ("measure", "day"), "sum"),
    "outlier_count": Kind(_outliers("iqr", "outliers"), ("measure",)),
    "outlier_count_z": Kind(_outliers("zscore", "outliers"), ("measure",)),
    "outlier_extreme": Kind(_outliers("iqr", "most_extreme"), ("measure",)),
    "correlation": Kind(_correlate("pearson", "coefficient"), ("measure", "other")),
    "rank_correlation": Kind(_correlate("spearman", "coefficient"), ("measure", "other")),
    "direction": Kind(_correlate("pearson", "direction"), ("measure", "other")),
    "above_average": Kind(_above_average, ("measure",)),
    "best_then_average": Kind(_best_then_average, ("group", "measure", "other"), "sum", conditions=False),
    "without_outliers": Kind(_without_outliers, ("measure",)),
    "chart_bar_sum": Kind(_group_chart("sum", "bar"), ("group", "measure"), "sum", chart="bar"),
    "chart_bar_average": Kind(_group_chart("average", "bar"), ("group", "measure"), "average", chart="bar"),
    "chart_bar_count": Kind(_group_chart("count", "bar"), ("group",), "count", chart="bar"),
    "chart_line": Kind(_group_chart("sum", "line", month=True), ("measure", "day"), "sum", chart="line"),
    "chart_histogram": Kind(lambda r: _charted(TABLE, "histogram", r.measure, None), ("measure",), chart="histogram"),
    "chart_scatter": Kind(
        lambda r: _charted(TABLE, "scatter", r.other, r.measure, swap=True), ("measure", "other"), chart="scatter"
    ),
    "chart_box": Kind(lambda r: _charted(TABLE, "box", r.group, r.measure), ("group", "measure"), chart="box"),
}  # fmt: skip
"""Every kind of question that a file may be asked; `absent` asks for what is not in it and has no path."""


def plan(request: Request) -> tuple[Milestone, ...]:
    """The milestones of the reference path; each step of an analysis comes after the one before it."""
    found = [Milestone("which_file", ASK)] if request.ask_file else []
    loaded = Milestone(
        "load", "load_data", {"file": _one(request.file)}, tuple(m.name for m in found)
    )
    found.append(loaded)
    if request.broken:
        return tuple(found)
    question = {"table": _one(TABLE), "question": _one(OPENING)}
    found.append(Milestone("describe", "describe_data", question, ("load",)))
    absent = request.kind == "absent"
    if request.repeated:
        arguments = {"table": _one(TABLE)}
        found.append(Milestone("clean", "clean_data", arguments, ("load",), optional=absent))
    if absent:
        return tuple(found)
    before: tuple[str, ...] = ("describe", "clean") if request.repeated else ("describe",)
    if request.ask_column:
        found.append(Milestone("which_column", ASK, after=("describe",)))
        before = (*before, "which_column")
    filters = [_filter(n, wanted, before) for n, wanted in enumerate(request.conditions, 1)]
    found += filters
    last = (*before, *(m.name for m in filters))
    for step in KINDS[request.kind].steps(request):
        found.append(Milestone(step.name, step.tool, step.arguments, last))
        last = (step.name,)
    return tuple(found)


def _filter(number: int, wanted: Wanted, before: tuple[str, ...]) -> Milestone:
    arguments = {
        "table": _one(TABLE),
        "column": _one(wanted.column),
        "value": AnyOf(wanted.values),
        "operator": _one(wanted.operator),
    }
    return Milestone(f"filter{number}", "filter_data", arguments, before)
