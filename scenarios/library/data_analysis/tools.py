"""The nine tools, what they cost in time, the words that a rule-writer would look for, and the rules of the house."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.core.types import Json, Tool
from scenarios.library.data_analysis import charts, queries
from scenarios.library.data_analysis.views import OPERATORS

_TABLE: dict[str, Json] = {
    "type": "string",
    "pattern": r"^t\d{1,4}$",
    "description": "A table's id, such as t1.",
}
_COLUMN: dict[str, Json] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 80,
    "description": "A column's name.",
}
_METHOD = (
    "How outliers are told: by the interquartile range (usual) or by three standard deviations."
)


def _tool(
    name: str, description: str, properties: Mapping[str, Json], optional: tuple[str, ...] = ()
) -> Tool:
    required = [parameter for parameter in properties if parameter not in optional]
    return Tool(
        name, description, {"type": "object", "properties": dict(properties), "required": required}
    )


def _enum(values: tuple[str, ...], description: str) -> dict[str, Json]:
    return {"type": "string", "enum": list(values), "description": description}


TOOLS: tuple[Tool, ...] = (
    _tool(
        "load_data",
        "Load a CSV, JSON or Parquet file as a table. Says whether records in it are repeated.",
        {"file": {"type": "string", "pattern": r"(?i)\.(csv|tsv|txt|json|jsonl|parquet)$", "description": "The file's name."}},
    ),
    _tool("clean_data", "Drop repeated records; gives a new table.", {"table": _TABLE}),
    _tool(
        "describe_data",
        "Describe a table's columns, and find the columns and values that a question speaks of.",
        {"table": _TABLE, "question": {"type": "string", "minLength": 1, "description": "The user's question, word for word."}},
    ),
    _tool(
        "filter_data",
        "Keep the rows whose column meets a condition; gives a new table and its number of rows.",
        {
            "table": _TABLE,
            "column": _COLUMN,
            "value": {"type": ["string", "number"], "maxLength": 200, "description": "What to compare with; for dates a day, month or year."},
            "operator": _enum(OPERATORS, "How to compare."),
        },
    ),
    _tool(
        "calculate_stats",
        "Figures of one column: count, missing, distinct values; sum, average, median, deviation; most common value.",
        {"table": _TABLE, "column": _COLUMN},
    ),
    _tool(
        "aggregate_data",
        "Group rows and compute a figure per group, sorted, with shares; over time also the trend.",
        {
            "table": _TABLE,
            "function": _enum(tuple(queries.FUNCTIONS), "The figure; count counts rows and needs no column."),
            "column": {**_COLUMN, "description": "The column that the figure is computed from."},
            "by": {**_COLUMN, "description": "The column to group by."},
            "period": _enum(tuple(queries.PERIODS), "Only when grouping by a date: the length of a group."),
            "order": _enum(tuple(queries.ORDERS), "Which groups come first; by_group keeps time in order."),
            "limit": {"type": "integer", "minimum": 1, "maximum": 50, "description": "Keep only so many groups."},
        },
        optional=("column", "period", "limit"),
    ),
    _tool(
        "detect_outliers",
        "Find unusual values of a number column; also gives a table without them.",
        {"table": _TABLE, "column": _COLUMN, "method": _enum(queries.METHODS, _METHOD)},
    ),
    _tool(
        "run_correlation",
        "Correlate two number columns: coefficient, direction, strength.",
        {
            "table": _TABLE,
            "column": _COLUMN,
            "other_column": _COLUMN,
            "method": _enum(queries.CORRELATIONS, "pearson (usual), or spearman for ranks."),
        },
    ),
    _tool(
        "plot_chart",
        "Draw a chart of a table; aggregate the data first where groups are compared.",
        {
            "table": _TABLE,
            "kind": _enum(charts.KINDS, "The kind of chart."),
            "x": {**_COLUMN, "description": "The column on the x axis."},
            "y": {**_COLUMN, "description": "The column on the y axis; none for a histogram."},
        },
        optional=("y",),
    ),
    _tool(
        "answer",
        "Give the answer: a value of a result, the id of a table for a list, or the id of a chart. Once.",
        {"value": {"type": ["string", "number"], "maxLength": 200, "description": "The answer."}},
    ),
)  # fmt: skip

LATENCY: Mapping[str, float] = {
    "load_data": 1.5,
    "clean_data": 0.4,
    "describe_data": 0.6,
    "filter_data": 0.3,
    "calculate_stats": 0.3,
    "aggregate_data": 0.4,
    "detect_outliers": 0.5,
    "run_correlation": 0.5,
    "plot_chart": 2.0,
    "answer": 0.1,
}
"""Seconds that a call takes, as simulated."""

KEYWORD_RULES: Mapping[str, tuple[str, ...]] = {
    "load_data": (".csv", ".json", ".parquet", "file", "data"),
    "describe_data": ("what", "which", "how"),
    "filter_data": ("where", "with", "only", "above", "below", "since"),
    "calculate_stats": ("average", "mean", "total", "median", "highest", "lowest", "how many"),
    "aggregate_data": (" by ", " per ", "each", "which", "share", "month"),
    "detect_outliers": ("outlier", "unusual", "extreme"),
    "run_correlation": ("correlat", "relation"),
    "plot_chart": ("chart", "plot", "graph", "histogram", "draw"),
    "answer": ("?",),
}

COMPANY_POLICY = """\
1. Where records have an identifier, a repeated record is a mistake: drop it before anything is counted.
2. Missing values are left out, never taken as zero. A row without a value meets no condition on it.
3. Outliers are told by the interquartile range, unless the user names another rule.
4. Charts: groups as bars, time as a line, one column's distribution as a histogram, two number columns as a scatter
   chart, the spread within groups as boxes. Axes carry the names of their columns.
5. Where a word fits two columns alike, ask which one is meant. Where no file is named, ask for it.
6. What a file does not hold is not answered: hand the question over. The same for a file that cannot be read.
"""
