"""Reference answers, computed in plain Python from what is true of a data set, by another path than the tools'.

Nothing here knows of files, tables or DuckDB. `None` means that the question has no clear answer there (a tie, too few
rows, a figure near a boundary); such questions are not asked.
"""

from __future__ import annotations

import datetime as dt
import math
import statistics
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from scenarios.core.types import Json
from scenarios.library.data_analysis.files.table import Cell

Row = Mapping[str, Cell]
Test = Callable[[Cell], bool]
Operand = float | str | tuple[dt.date, dt.date]
"""What a condition compares with; of dates the first and the last day."""
Answer = Json
"""A number, a text, or for lists and charts a list of [group, figure] pairs or of points."""

FEWEST = 8
"""Rows that a question has to be about."""


def meets(operator: str, value: Operand) -> Test:
    """Whether a cell meets a condition; an empty one never does."""
    first, last = value if isinstance(value, tuple) else (value, value)
    tests: dict[str, Callable[[Cell], bool]] = {
        "equal_to": lambda cell: first <= cell <= last,  # type: ignore[operator]
        "not_equal_to": lambda cell: not first <= cell <= last,  # type: ignore[operator]
        "above": lambda cell: cell > last,  # type: ignore[operator]
        "at_least": lambda cell: cell >= first,  # type: ignore[operator]
        "below": lambda cell: cell < first,  # type: ignore[operator]
        "at_most": lambda cell: cell <= last,  # type: ignore[operator]
    }
    test = tests[operator]
    return lambda cell: cell is not None and test(cell)


def numbers(rows: Sequence[Row], column: str) -> list[float]:
    return [float(str(row[column])) for row in rows if row[column] is not None]


def quantile(values: Sequence[float], share: float) -> float:
    """By straight lines between neighbours."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


_FIGURES: Mapping[str, Callable[[list[float]], float]] = {
    "total": math.fsum,
    "average": statistics.fmean,
    "median": statistics.median,
    "maximum": max,
    "minimum": min,
    "spread": statistics.stdev,
}
_FUNCTIONS: Mapping[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "average": statistics.fmean,
    "count": len,
}


def figure(kind: str, rows: Sequence[Row], column: str) -> Answer:
    values = numbers(rows, column)
    return _FIGURES[kind](values) if len(values) >= FEWEST else None


def distinct(rows: Sequence[Row], column: str) -> Answer:
    return len({row[column] for row in rows if row[column] is not None}) or None


def most_common(rows: Sequence[Row], column: str) -> Answer:
    return _first(_groups(rows, column, None, "count"), highest=True)


def _groups(rows: Sequence[Row], by: str, column: str | None, function: str) -> dict[str, float]:
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        cell = row[column] if column else 1.0
        if row[by] is not None and cell is not None:
            found[str(row[by])].append(float(str(cell)))
    return {group: _FUNCTIONS[function](values) for group, values in found.items()}


def _first(groups: Mapping[str, float], *, highest: bool) -> str | None:
    """The first group; None where it is not clearly ahead."""
    ordered = sorted(groups, key=lambda group: groups[group], reverse=highest)
    if len(ordered) < 2 or _near(groups[ordered[0]], groups[ordered[1]]):
        return None
    return ordered[0]


def _near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-6)


def ranked(
    rows: Sequence[Row], by: str, column: str | None, function: str, *, highest: bool = True
) -> Answer:
    return _first(_groups(rows, by, column, function), highest=highest)


def top_value(rows: Sequence[Row], by: str, column: str) -> Answer:
    groups = _groups(rows, by, column, "sum")
    return max(groups.values()) if len(groups) > 1 else None


def share(rows: Sequence[Row], by: str, column: str | None, value: str) -> Answer:
    """In percent."""
    groups = _groups(rows, by, column, "sum" if column else "count")
    whole = math.fsum(groups.values())
    return 100 * groups[value] / whole if value in groups and whole > 0 else None


def top_n(rows: Sequence[Row], by: str, column: str, n: int) -> Answer:
    groups = _groups(rows, by, column, "sum")
    ordered = sorted(groups, key=lambda group: -groups[group])[: n + 1]
    if len(ordered) <= n or any(_near(groups[a], groups[b]) for a, b in pairwise(ordered)):
        return None
    return [[group, groups[group]] for group in ordered[:n]]


def grouped(rows: Sequence[Row], by: str, column: str | None, function: str) -> Answer:
    """What a chart of groups has to show."""
    groups = _groups(rows, by, column, function)
    return sorted([group, value] for group, value in groups.items()) if len(groups) > 1 else None


def months(rows: Sequence[Row], day: str, column: str) -> dict[str, float]:
    by_month = [{**row, day: str(row[day])[:7] if row[day] else None} for row in rows]
    return dict(sorted(_groups(by_month, day, column, "sum").items()))


def trend(rows: Sequence[Row], day: str, column: str) -> Answer:
    """rising, falling or flat: a line through the months changes by more than a tenth of their mean, or it does not."""
    values = list(months(rows, day, column).values())
    if len(values) < 4:
        return None
    mean = statistics.fmean(values)
    slope = statistics.linear_regression(range(len(values)), values).slope
    change = slope * (len(values) - 1) / abs(mean) if mean else 0.0
    if 0.07 < abs(change) < 0.13:
        return None
    return "flat" if abs(change) < 0.1 else "rising" if change > 0 else "falling"


def growth(rows: Sequence[Row], day: str, column: str) -> Answer:
    values = list(months(rows, day, column).values())
    return (
        100 * (values[-1] - values[0]) / abs(values[0]) if len(values) >= 3 and values[0] else None
    )


def best_month(rows: Sequence[Row], day: str, column: str) -> Answer:
    found = months(rows, day, column)
    return _first(found, highest=True) if len(found) >= 3 else None


def outliers(rows: Sequence[Row], column: str, method: str) -> list[float] | None:
    """The values outside, the furthest one first."""
    values = numbers(rows, column)
    if len(values) < FEWEST:
        return None
    low, high = _bounds(values, method)
    found = [value for value in values if value < low or value > high]
    return sorted(found, key=lambda value: -max(low - value, value - high))


def _bounds(values: list[float], method: str) -> tuple[float, float]:
    if method == "iqr":
        first, third = quantile(values, 0.25), quantile(values, 0.75)
        return first - 1.5 * (third - first), third + 1.5 * (third - first)
    mean, deviation = statistics.fmean(values), statistics.stdev(values)
    return mean - 3 * deviation, mean + 3 * deviation


def most_extreme(rows: Sequence[Row], column: str) -> Answer:
    found = outliers(rows, column, "iqr")
    if not found or (len(found) > 1 and _near(found[0], found[1])):
        return None
    low, high = _bounds(numbers(rows, column), "iqr")
    far = [max(low - value, value - high) for value in found]
    return None if len(far) > 1 and _near(far[0], far[1]) else found[0]


def without_outliers(rows: Sequence[Row], column: str) -> Answer:
    values, far = numbers(rows, column), outliers(rows, column, "iqr")
    if not far:
        return None
    low, high = _bounds(values, "iqr")
    return statistics.fmean([value for value in values if low <= value <= high])


def correlation(rows: Sequence[Row], first: str, second: str, method: str) -> float | None:
    pairs = [
        (float(str(r[first])), float(str(r[second])))
        for r in rows
        if r[first] is not None and r[second] is not None
    ]
    if len(pairs) < FEWEST:
        return None
    a, b = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    if len(set(a)) < 2 or len(set(b)) < 2:
        return None
    return (
        statistics.correlation(_ranks(a), _ranks(b))
        if method == "spearman"
        else statistics.correlation(a, b)
    )


def _ranks(values: Sequence[float]) -> list[float]:
    """Equal values share the mean of their places."""
    ordered = sorted(values)
    return [(bisect_left(ordered, value) + bisect_right(ordered, value)) / 2 for value in values]


def direction(rows: Sequence[Row], first: str, second: str) -> Answer:
    found = [correlation(rows, first, second, method) for method in ("pearson", "spearman")]
    if any(value is None or abs(value) < 0.2 for value in found) or found[0] * found[1] < 0:  # type: ignore[operator]
        return None
    return "positive" if (found[0] or 0) > 0 else "negative"


def above_average(rows: Sequence[Row], column: str) -> Answer:
    values = numbers(rows, column)
    if len(values) < FEWEST:
        return None
    mean = statistics.fmean(values)
    if any(abs(value - mean) < 1e-3 for value in values):
        return None
    return sum(value > mean for value in values)


def best_then_average(rows: Sequence[Row], by: str, column: str, other: str) -> Answer:
    best = _first(_groups(rows, by, column, "sum"), highest=True)
    if best is None:
        return None
    values = numbers([row for row in rows if row[by] == best], other)
    return statistics.fmean(values) if len(values) > 1 else None


def points(rows: Sequence[Row], columns: Sequence[str]) -> Answer:
    """How many marks a chart of rows has to show."""
    count = sum(all(row[column] is not None for column in columns) for row in rows)
    return count if count >= FEWEST else None
