"""What an analysis works on: a loaded table, without repeated records if asked, under conditions."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass, replace
from typing import Any

from scenarios.library.data_analysis.files.cells import column as typed
from scenarios.library.data_analysis.files.cells import date_of
from scenarios.library.data_analysis.files.table import Table

OPERATORS = ("equal_to", "not_equal_to", "above", "at_least", "below", "at_most", "contains")
_SQL = {
    "equal_to": "=",
    "not_equal_to": "<>",
    "above": ">",
    "at_least": ">=",
    "below": "<",
    "at_most": "<=",
}
_PERIOD = re.compile(r"(\d{4})(?:-(?:(\d{2})|[Qq]([1-4])))?")


class BadRequest(ValueError):
    """A call that cannot be carried out on this table; the message says why."""


@dataclass(frozen=True, slots=True)
class Condition:
    """column: its number. value: float, str, or a period of days (first, last) for a date."""

    column: int
    operator: str
    value: float | str | tuple[dt.date, dt.date]


@dataclass(frozen=True, slots=True)
class View:
    """Rows of a table. distinct: without repeated records."""

    table: Table
    distinct: bool = False
    conditions: tuple[Condition, ...] = ()

    def also(self, condition: Condition) -> View:
        return replace(self, conditions=(*self.conditions, condition))

    def where(self, *needed: int) -> tuple[str, list[Any]]:
        """The WHERE clause and its values. needed: columns that must be filled."""
        parts, values = [f"c{number} IS NOT NULL" for number in needed], []
        if self.distinct:
            parts.append("NOT repeated")
        for condition in self.conditions:
            text, given = _clause(condition)
            parts.append(text)
            values += given
        return (f"WHERE {' AND '.join(parts)}" if parts else ""), values


def _clause(condition: Condition) -> tuple[str, list[Any]]:
    name, operator, value = f"c{condition.column}", condition.operator, condition.value
    if isinstance(value, tuple):
        first, last = value
        match operator:
            case "equal_to":
                return f"{name} BETWEEN ? AND ?", [first, last]
            case "not_equal_to":
                return f"{name} NOT BETWEEN ? AND ?", [first, last]
            case "above" | "at_most":
                return f"{name} {_SQL[operator]} ?", [last]
            case _:
                return f"{name} {_SQL[operator]} ?", [first]
    if operator == "contains":
        return f"contains(lower({name}), ?)", [str(value).lower()]
    if isinstance(value, str):
        return f"lower({name}) {_SQL[operator]} ?", [value.lower()]
    return f"{name} {_SQL[operator]} ?", [value]


def condition(table: Table, name: str, operator: str, value: str | float) -> Condition:
    """The condition in the column's own terms. Raises `BadRequest`."""
    number = column_number(table, name)
    kind = table.columns[number].kind
    if kind == "number":
        read = typed("value", [value])
        if read.kind != "number" or read.values[0] is None or operator == "contains":
            raise BadRequest(f"{name} holds numbers: compare it with a number")
        return Condition(number, operator, float(str(read.values[0])))
    if kind == "date":
        days = period(str(value))
        if days is None or operator == "contains":
            raise BadRequest(
                f"{name} holds dates: compare it with a day, a month or a year such as 2024-03"
            )
        return Condition(number, operator, days)
    if operator not in ("equal_to", "not_equal_to", "contains"):
        raise BadRequest(f"{name} holds text: it can be equal_to, not_equal_to or contains")
    return Condition(number, operator, str(value))


def column_number(table: Table, name: str) -> int:
    try:
        return table.column(name)
    except KeyError:
        raise BadRequest(f"there is no column {name[:60]!r}") from None


def period(text: str) -> tuple[dt.date, dt.date] | None:
    """First and last day of `2024`, `2024-03`, `2024-Q1` or of a day in any spelling."""
    match = _PERIOD.fullmatch(text.strip())
    if match is None:
        day = date_of(text)
        return None if day is None else (day, day)
    year, month, quarter = int(match[1]), match[2], match[3]
    first, last = 1, 12
    if quarter:
        first, last = 3 * int(quarter) - 2, 3 * int(quarter)
    elif month:
        first = last = int(month)
    if not (1 <= first <= 12 and 1 <= year <= 9999):
        return None
    return dt.date(year, first, 1), dt.date(year, last, calendar.monthrange(year, last)[1])
