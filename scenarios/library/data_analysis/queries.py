"""The analyses themselves: each is a statement that DuckDB carries out, and returns the JSON that the agent reads."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

from scenarios.core.types import Json
from scenarios.library.data_analysis.engine import engine
from scenarios.library.data_analysis.views import BadRequest, Condition, View

SHOWN = 10
"""Groups that a result lists; the table holds them all."""
FUNCTIONS = {
    "sum": "sum", "average": "avg", "median": "median", "minimum": "min", "maximum": "max", "count": "count",
}  # fmt: skip
ORDERS = {
    "highest_first": "2 DESC, 1",
    "lowest_first": "2, 1",
    "by_group": "1",
}
PERIODS = {
    "day": "%Y-%m-%d", "month": "%Y-%m", "quarter": "", "year": "%Y",
}  # fmt: skip
METHODS = ("iqr", "zscore")
CORRELATIONS = ("pearson", "spearman")
TREND = 0.1
"""A fitted line that changes by less than this share of the mean is called flat."""


def plain(value: object) -> Json:
    """A cell as JSON: numbers rounded to four places (whole ones without a fraction), days as ISO text."""
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, dt.date):
        return value.isoformat()
    number = float(str(value))
    if not math.isfinite(number):
        return None
    number = round(number, 4)
    return int(number) if number.is_integer() else number


def count_rows(view: View) -> int:
    where, values = view.where()
    return int(engine().rows(view.table, "count(*)", where, values)[0][0])


def statistics(view: View, number: int) -> dict[str, Json]:
    """Figures of one column, by its type; of a single row the value itself."""
    column, name = view.table.columns[number], f"c{number}"
    where, values = view.where()
    select = f"count(*), count({name}), count(DISTINCT {name}), min({name}), max({name})"
    if column.kind == "number":
        select += f", sum({name}), avg({name}), median({name}), stddev_samp({name})"
        select += f", quantile_cont({name}, 0.25), quantile_cont({name}, 0.75)"
    rows, count, distinct, low, high, *more = engine().rows(view.table, select, where, values)[0]
    found: dict[str, Json] = {"column": column.name, "type": column.kind}
    if rows == 1 and count:
        found["value"] = plain(low)
    found |= {"count": count, "missing": rows - count, "distinct": distinct}
    if column.kind == "number":
        keys = (
            "sum",
            "average",
            "median",
            "standard_deviation",
            "lower_quartile",
            "upper_quartile",
        )
        found |= {"minimum": plain(low), "maximum": plain(high)}
        return found | {key: plain(value) for key, value in zip(keys, more, strict=True)}
    if column.kind == "date":
        return found | {"earliest": plain(low), "latest": plain(high)}
    filled, given = view.where(number)
    rest = f"{filled} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"
    top = engine().rows(view.table, f"{name}, count(*)", rest, given)
    return found | ({"most_common": top[0][0], "times": top[0][1]} if top else {})


def groups(
    view: View, by: int, function: str, number: int | None, period: str | None, order: str
) -> list[tuple[str | float, float]]:
    """(group, figure) for every group, in order. Groups and figures that are missing are left out."""
    column = view.table.columns[by]
    if period is not None and column.kind != "date":
        raise BadRequest(f"{column.name} holds no dates: leave the period out")
    if function != "count" and number is None:
        raise BadRequest(f"{function} needs a column")
    if number is not None and function != "count" and view.table.columns[number].kind != "number":
        raise BadRequest(f"{view.table.columns[number].name} holds no numbers")
    figure = "count(*)" if number is None else f"{FUNCTIONS[function]}(c{number})"
    where, values = view.where(by, *(() if number is None else (number,)))
    rest = f"{where} GROUP BY 1 ORDER BY {ORDERS[order]}"
    found = engine().rows(view.table, f"{_group(by, column.kind, period)}, {figure}", rest, values)
    return [(_label(group), float(value)) for group, value in found if value is not None]


def _group(by: int, kind: str, period: str | None) -> str:
    if kind != "date" or period is None:
        return f"c{by}"
    if period == "quarter":
        return f"concat(year(c{by}), '-Q', quarter(c{by}))"
    return f"strftime(c{by}, '{PERIODS[period]}')"


def _label(group: object) -> str | float:
    value = plain(group)
    return value if isinstance(value, int | float) else str(value)


def trend(figures: Sequence[float]) -> dict[str, Json]:
    """First and last figure, the change between them, and where a straight line through all of them goes."""
    first, last, count = figures[0], figures[-1], len(figures)
    middle, mean = (count - 1) / 2, math.fsum(figures) / count
    square = math.fsum((n - middle) ** 2 for n in range(count)) or 1.0
    slope = math.fsum((n - middle) * value for n, value in enumerate(figures)) / square
    change = slope * (count - 1)
    flat = abs(change) < TREND * abs(mean)
    return {
        "direction": "flat" if flat else "rising" if change > 0 else "falling",
        "first": plain(first),
        "last": plain(last),
        "change_percent": plain(100 * (last - first) / abs(first)) if first else None,
    }


def bounds(view: View, number: int, method: str) -> tuple[float, float]:
    """Values outside of these are outliers. iqr: 1.5 times the interquartile range; zscore: three deviations."""
    name = f"c{number}"
    where, values = view.where(number)
    if method == "iqr":
        select = f"quantile_cont({name}, 0.25), quantile_cont({name}, 0.75)"
    else:
        select = f"avg({name}), stddev_samp({name})"
    first, second = engine().rows(view.table, select, where, values)[0]
    if first is None or second is None:
        raise BadRequest("there are not enough numbers")
    if method == "iqr":
        return first - 1.5 * (second - first), second + 1.5 * (second - first)
    return first - 3 * second, first + 3 * second


def outliers(view: View, number: int, method: str) -> tuple[dict[str, Json], View]:
    """What lies outside, and the view without it."""
    low, high = bounds(view, number, method)
    name = f"c{number}"
    where, values = view.where(number)
    far = f"greatest(? - {name}, {name} - ?)"
    rest = f"{where} AND ({name} < ? OR {name} > ?) ORDER BY {far} DESC, 1"
    found = engine().rows(view.table, name, rest, [*values, low, high, low, high])
    inside = view.also(Condition(number, "at_least", low)).also(Condition(number, "at_most", high))
    result: dict[str, Json] = {
        "column": view.table.columns[number].name,
        "method": method,
        "outliers": len(found),
        "lower_bound": plain(low),
        "upper_bound": plain(high),
    }
    if found:
        result["most_extreme"] = plain(found[0][0])
    return result, inside


def correlation(view: View, first: int, second: int, method: str) -> dict[str, Json]:
    """Coefficient over the rows in which both are filled. Equal values share their mean rank (spearman)."""
    where, values = view.where(first, second)
    names = [view.table.columns[n].name for n in (first, second)]
    if method == "pearson":
        rows = engine().rows(view.table, f"corr(c{first}, c{second}), count(*)", where, values)
        coefficient, pairs = rows[0]
    else:
        found = engine().rows(view.table, _ranked(first, second), where, values)
        coefficient, pairs = _corr(found), len(found)
    if coefficient is None or not math.isfinite(coefficient):
        raise BadRequest("there are not enough different pairs of numbers")
    return {
        "column": names[0],
        "other_column": names[1],
        "method": method,
        "coefficient": plain(coefficient),
        "pairs": pairs,
        "direction": direction(coefficient),
        "strength": strength(coefficient),
    }


def _ranked(first: int, second: int) -> str:
    def rank(name: str) -> str:
        return f"rank() OVER (ORDER BY {name}) + (count(*) OVER (PARTITION BY {name}) - 1) / 2.0"

    return f"{rank(f'c{first}')}, {rank(f'c{second}')}"


def _corr(pairs: Sequence[tuple[float, float]]) -> float | None:
    count = len(pairs)
    if count < 2:
        return None
    a, b = (math.fsum(pair[i] for pair in pairs) / count for i in (0, 1))
    both = math.fsum((x - a) * (y - b) for x, y in pairs)
    spread = math.fsum((x - a) ** 2 for x, _ in pairs) * math.fsum((y - b) ** 2 for _, y in pairs)
    return both / math.sqrt(spread) if spread > 0 else None


def direction(coefficient: float) -> str:
    if abs(coefficient) < 0.1:
        return "none"
    return "positive" if coefficient > 0 else "negative"


def strength(coefficient: float) -> str:
    size = abs(coefficient)
    return (
        "strong"
        if size >= 0.7
        else "moderate"
        if size >= 0.4
        else "weak"
        if size >= 0.1
        else "none"
    )
