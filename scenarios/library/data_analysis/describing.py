"""What `describe_data` returns: what the question speaks of first, then the other columns, as compact leaves."""

from __future__ import annotations

from functools import lru_cache

from scenarios.core.types import Json
from scenarios.library.data_analysis import queries
from scenarios.library.data_analysis.files.table import Table
from scenarios.library.data_analysis.linking import Linked, Mention, Value, link, spread
from scenarios.library.data_analysis.views import View

MENTIONED, VALUES, OTHERS = 5, 3, 8
"""Columns, values and further columns that are listed; an agent reads about sixty leaves of a result."""

_COUNTS = ("none", "one", "two", "more")


@lru_cache(maxsize=4_096)
def describe(view: View, question: str) -> dict[str, Json]:
    """Columns with type and number of different values, and the words around them; values with their columns."""
    table = view.table
    found = link(question, table)
    named = {mention.column for mention in found.columns}
    days = [column.name for column in table.columns if column.kind == "date"]
    tied = any(mention.match == "tied" for mention in found.columns)
    free = [mention for mention in found.columns if not mention.with_value]
    result: dict[str, Json] = {
        "rows": queries.count_rows(view),
        "wording": "ambiguous" if tied else "clear",
        "conditions": _COUNTS[min(3, len(found.values))],
    }
    for kind in ("number", "text", "date"):
        count = sum(table.columns[mention.column].kind == kind for mention in free)
        result[f"{kind}_columns"] = _COUNTS[min(3, count)]
    if days:
        result["date_column"] = days[0]
    result["values"] = [_value(found, value, table) for value in found.values[:VALUES]]
    result["columns"] = [_column(found, mention, table) for mention in found.columns[:MENTIONED]]
    others = [n for n in range(len(table.columns)) if n not in named][:OTHERS]
    result["other_columns"] = [
        {"column": table.columns[n].name, "type": table.columns[n].kind} for n in others
    ]
    return result


def _value(found: Linked, value: Value, table: Table) -> dict[str, Json]:
    lead, before, _ = found.around(value.start, value.end)
    said = {"lead": lead, "before": before}
    return {
        "value": value.value,
        "column": table.columns[value.column].name,
        "type": value.kind,
        **{key: word for key, word in said.items() if word},
    }


def _column(found: Linked, mention: Mention, table: Table) -> dict[str, Json]:
    lead, before, after = found.around(mention.start, mention.end)
    said = {"lead": lead, "before": before, "after": after}
    return {
        "column": table.columns[mention.column].name,
        "type": table.columns[mention.column].kind,
        "different": _spread(table, mention.column),
        **({} if mention.match == "exact" else {"match": mention.match}),
        **({"in_condition": True} if mention.with_value else {}),
        **{key: word for key, word in said.items() if word},
    }


@lru_cache(maxsize=50_000)
def _spread(table: Table, number: int) -> str:
    return spread(table.columns[number])
