"""From a request to its reference answer: which function of `reference` a kind of question needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from scenarios.library.data_analysis import reference as of
from scenarios.library.data_analysis.reference import Answer, Row
from scenarios.library.data_analysis.requests import Request

Rows = Sequence[Row]


def _missing(rows: Rows, request: Request) -> Answer:
    return sum(row[request.measure] is None for row in rows)


def _lookup(rows: Rows, request: Request) -> Answer:
    found = [row for row in rows if row[request.key] == request.value]
    value = found[0][request.measure or request.group] if len(found) == 1 else None
    return value if isinstance(value, int | float | str) else None


def _outlier_count(rows: Rows, request: Request, method: str) -> Answer:
    found = of.outliers(rows, request.measure, method)
    return None if found is None else len(found)


_ANSWERS: Mapping[str, Callable[[Rows, Request], Answer]] = {
    "count": lambda rows, r: len(rows) or None,
    "distinct": lambda rows, r: of.distinct(rows, r.group),
    "missing": _missing,
    "lookup": _lookup,
    "most_common": lambda rows, r: of.most_common(rows, r.group),
    "top_sum": lambda rows, r: of.ranked(rows, r.group, r.measure, "sum"),
    "top_average": lambda rows, r: of.ranked(rows, r.group, r.measure, "average"),
    "top_count": lambda rows, r: of.ranked(rows, r.group, None, "count"),
    "bottom_sum": lambda rows, r: of.ranked(rows, r.group, r.measure, "sum", highest=False),
    "bottom_average": lambda rows, r: of.ranked(rows, r.group, r.measure, "average", highest=False),
    "top_value": lambda rows, r: of.top_value(rows, r.group, r.measure),
    "share": lambda rows, r: of.share(rows, r.group, r.measure, r.value),
    "share_rows": lambda rows, r: of.share(rows, r.group, None, r.value),
    "top_n": lambda rows, r: of.top_n(rows, r.group, r.measure, r.n),
    "trend": lambda rows, r: of.trend(rows, r.day, r.measure),
    "growth": lambda rows, r: of.growth(rows, r.day, r.measure),
    "best_month": lambda rows, r: of.best_month(rows, r.day, r.measure),
    "outlier_count": lambda rows, r: _outlier_count(rows, r, "iqr"),
    "outlier_count_z": lambda rows, r: _outlier_count(rows, r, "zscore"),
    "outlier_extreme": lambda rows, r: of.most_extreme(rows, r.measure),
    "correlation": lambda rows, r: of.correlation(rows, r.measure, r.other, "pearson"),
    "rank_correlation": lambda rows, r: of.correlation(rows, r.measure, r.other, "spearman"),
    "direction": lambda rows, r: of.direction(rows, r.measure, r.other),
    "above_average": lambda rows, r: of.above_average(rows, r.measure),
    "best_then_average": lambda rows, r: of.best_then_average(rows, r.group, r.measure, r.other),
    "without_outliers": lambda rows, r: of.without_outliers(rows, r.measure),
    "chart_bar_sum": lambda rows, r: of.grouped(rows, r.group, r.measure, "sum"),
    "chart_bar_average": lambda rows, r: of.grouped(rows, r.group, r.measure, "average"),
    "chart_bar_count": lambda rows, r: of.grouped(rows, r.group, None, "count"),
    "chart_line": lambda rows, r: _months(rows, r),
    "chart_histogram": lambda rows, r: of.points(rows, [r.measure]),
    "chart_scatter": lambda rows, r: of.points(rows, [r.measure, r.other]),
    "chart_box": lambda rows, r: of.points(rows, [r.group, r.measure]),
}


def _months(rows: Rows, request: Request) -> Answer:
    found = of.months(rows, request.day, request.measure)
    return [list(pair) for pair in found.items()] if len(found) >= 3 else None


def answer(rows: Rows, request: Request) -> Answer:
    """The reference answer over the rows that meet the conditions; None where the question should not be asked."""
    if request.kind in ("total", "average", "median", "maximum", "minimum", "spread"):
        return of.figure(request.kind, rows, request.measure)
    return _ANSWERS[request.kind](rows, request)
