"""The analyst's desk: the tables and charts of one conversation, and the tools that work on them.

It knows nothing of tasks. `files` maps names to contents; a user's own file goes the same way as a generated one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from scenarios.core.types import Json
from scenarios.library.data_analysis import queries
from scenarios.library.data_analysis.charts import Chart, Summary, chart
from scenarios.library.data_analysis.describing import describe
from scenarios.library.data_analysis.files.load import load_file
from scenarios.library.data_analysis.files.table import FileProblem, Table
from scenarios.library.data_analysis.views import BadRequest, View, column_number, condition

Given = Mapping[str, Json]
Result = dict[str, Json]

MOST_TABLES = 200
"""Tables and charts of one conversation."""


@lru_cache(maxsize=2_048)
def _table_of(data: bytes) -> Table:
    return load_file(data)


class Desk:
    """One conversation's work. `call` carries a tool out. Raises `BadRequest` for what cannot be done."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.tables: dict[str, View | Summary] = {}
        self.charts: dict[str, Chart] = {}
        self.answered: Json = None
        self._ids: dict[View | Summary, str] = {}
        self._run: Mapping[str, Callable[[Given], Result]] = {
            "load_data": self._load,
            "clean_data": self._clean,
            "describe_data": self._describe,
            "filter_data": self._filter,
            "calculate_stats": self._stats,
            "aggregate_data": self._aggregate,
            "detect_outliers": self._outliers,
            "run_correlation": self._correlate,
            "plot_chart": self._plot,
            "answer": self._answer,
        }

    def call(self, tool: str, given: Given) -> Result:
        return self._run[tool](given)

    def _keep(self, table: View | Summary) -> str:
        """The id of a table; the same table keeps its id."""
        if table not in self._ids:
            if len(self.tables) >= MOST_TABLES:
                raise BadRequest(f"there are {MOST_TABLES} tables already")
            self._ids[table] = f"t{len(self.tables) + 1}"
            self.tables[self._ids[table]] = table
        return self._ids[table]

    def _source(self, given: Given) -> View | Summary:
        found = self.tables.get(given["table"])
        if found is None:
            raise BadRequest(f"there is no table {given['table']}")
        return found

    def _rows(self, given: Given) -> View:
        found = self._source(given)
        if isinstance(found, Summary):
            raise BadRequest(f"{given['table']} is a summary; use the table that it was made from")
        return found

    def _number(self, view: View, name: str) -> int:
        number = column_number(view.table, name)
        if view.table.columns[number].kind != "number":
            raise BadRequest(f"{name} holds no numbers")
        return number

    def _load(self, given: Given) -> Result:
        data = self.files.get(given["file"])
        if data is None:
            raise BadRequest(f"there is no file {given['file']!r}")
        try:
            table = _table_of(data)
        except FileProblem as problem:
            return {
                "loaded": False,
                "problem": problem.code.replace("_", " "),
                "reason": str(problem),
            }
        copies = sum(table.repeated)
        return {
            "loaded": True,
            "table": self._keep(View(table)),
            "format": table.format,
            "rows": table.rows,
            "column_count": len(table.columns),
            "records": "repeated" if copies else "unique",
            "repeated_records": copies,
            **table.notes,
        }

    def _clean(self, given: Given) -> Result:
        view = self._rows(given)
        before = queries.count_rows(view)
        clean = View(view.table, distinct=True, conditions=view.conditions)
        rows = queries.count_rows(clean)
        return {
            "table": self._keep(clean),
            "rows": rows,
            "dropped": before - rows,
            "records": "unique",
        }

    def _describe(self, given: Given) -> Result:
        return describe(self._rows(given), str(given["question"])[:4_000])

    def _filter(self, given: Given) -> Result:
        view = self._rows(given)
        kept = view.also(condition(view.table, given["column"], given["operator"], given["value"]))
        return {"table": self._keep(kept), "rows": queries.count_rows(kept)}

    def _stats(self, given: Given) -> Result:
        view = self._rows(given)
        return queries.statistics(view, column_number(view.table, given["column"]))

    def _aggregate(self, given: Given) -> Result:
        view, function, period = self._rows(given), given["function"], given.get("period")
        by, name = column_number(view.table, given["by"]), given.get("column")
        number = None if name is None else column_number(view.table, name)
        found = queries.groups(view, by, function, number, period, given["order"])
        if not found:
            raise BadRequest("there are no rows to group")
        column = view.table.columns[by]
        group = column.name if period is None else f"{period} of {column.name}"
        figure = (
            "number of rows"
            if number is None
            else f"{function} of {view.table.columns[number].name}"
        )
        by_time = column.kind == "date"
        kept = found[: given.get("limit") or len(found)]
        table = self._keep(Summary(view, group, figure, by_time, tuple(kept)))
        whole = sum(value for _, value in found) if function in ("sum", "count") else 0
        rows: list[Json] = []
        for label, value in kept[: queries.SHOWN]:
            row: Result = {"group": label, "value": queries.plain(value)}
            if whole > 0 and not by_time:
                row["share_percent"] = queries.plain(100 * value / whole)
            rows.append(row)
        result: Result = {
            "table": table,
            "group_column": group,
            "value_column": figure,
            "groups": len(found),
        }
        if by_time and len(found) > 1:
            in_time = [value for _, value in sorted(found, key=lambda pair: str(pair[0]))]
            result["trend"] = queries.trend(in_time)
        return {**result, "rows": rows}

    def _outliers(self, given: Given) -> Result:
        view = self._rows(given)
        number = self._number(view, given["column"])
        result, inside = queries.outliers(view, number, given["method"])
        return {**result, "remaining_table": self._keep(inside)}

    def _correlate(self, given: Given) -> Result:
        view = self._rows(given)
        first, second = (self._number(view, given[key]) for key in ("column", "other_column"))
        if first == second:
            raise BadRequest("name two different columns")
        return queries.correlation(view, first, second, given["method"])

    def _plot(self, given: Given) -> Result:
        drawn = chart(self._source(given), given["kind"], given["x"], given.get("y"))
        if len(self.charts) >= MOST_TABLES:
            raise BadRequest(f"there are {MOST_TABLES} charts already")
        name = f"c{len(self.charts) + 1}"
        self.charts[name] = drawn
        return {"chart": name, "kind": drawn.kind, "title": drawn.title, "x_label": drawn.x_label,
                "y_label": drawn.y_label, "marks": len(drawn.points)}  # fmt: skip

    def _answer(self, given: Given) -> Result:
        if self.answered is not None:
            raise BadRequest("the answer was given already")
        self.answered = given["value"]
        return {"answered": True}
