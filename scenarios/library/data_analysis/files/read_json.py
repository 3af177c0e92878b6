"""JSON and JSON lines: lists of records, records under a key, columns, or records by name; nested objects become `a.b`."""

from __future__ import annotations

import json
from collections.abc import Iterable

from scenarios.core.types import Json
from scenarios.library.data_analysis.files.read_csv import decode
from scenarios.library.data_analysis.files.table import MAX_COLUMNS, MAX_ROWS, FileProblem

MAX_DEPTH = 3
"""Levels of nested objects that become columns; deeper ones are kept as text."""

Rows = list[list[object]]


def read_json(data: bytes) -> tuple[list[str], Rows, dict[str, int]]:
    """Header, rows and notes. Raises `FileProblem`."""
    records = _records(_parse(decode(data)))
    if not records:
        raise FileProblem("empty", "the file holds no records")
    if len(records) > MAX_ROWS:
        raise FileProblem("too_long", f"more than {MAX_ROWS} records; split the file")
    flat = [dict(_flatten(record, "", 1)) for record in records]
    names = list(dict.fromkeys(name for record in flat for name in record))
    if not names or len(names) > MAX_COLUMNS:
        raise FileProblem(
            "too_wide", f"the records have {len(names)} fields, 1 to {MAX_COLUMNS} are possible"
        )
    return names, [[record.get(name) for name in names] for record in flat], {}


def _parse(text: str) -> Json:
    try:
        try:
            return json.loads(text, parse_constant=lambda _: None)
        except json.JSONDecodeError as problem:
            lines = [line for line in text.splitlines() if line.strip()]
            if len(lines) < 2 or not all(line.lstrip()[:1] in "{[" for line in lines):
                where = f"line {problem.lineno}, column {problem.colno}"
                raise FileProblem("broken", f"no valid JSON: {problem.msg} at {where}") from problem
            return [json.loads(line, parse_constant=lambda _: None) for line in lines]
    except FileProblem:
        raise
    except (ValueError, RecursionError) as problem:
        raise FileProblem("broken", f"no valid JSON: {str(problem)[:120]}") from problem


def _records(value: Json) -> list[dict[str, Json]]:
    if isinstance(value, list):
        return _from_list(value)
    if not isinstance(value, dict):
        raise FileProblem("no_table", "the JSON is a single value; a list of records is needed")
    lists = {key: inner for key, inner in value.items() if isinstance(inner, list) and inner}
    tables = [inner for inner in lists.values() if isinstance(inner[0], dict)]
    if tables:
        return _from_list(max(tables, key=len))
    if lists and len({len(inner) for inner in lists.values()}) == 1:
        return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    if value and all(isinstance(inner, dict) for inner in value.values()):
        return [{"name": key, **inner} for key, inner in value.items()]
    return [value]


def _from_list(value: list[Json]) -> list[dict[str, Json]]:
    if all(isinstance(item, dict) for item in value):
        return value
    if len(value) > 1 and all(isinstance(item, list) for item in value):
        header = [str(name) for name in value[0]]
        return [dict(zip(header, row, strict=False)) for row in value[1:]]
    return [item if isinstance(item, dict) else {"value": item} for item in value]


def _flatten(record: dict[str, Json], prefix: str, depth: int) -> Iterable[tuple[str, object]]:
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and depth < MAX_DEPTH:
            yield from _flatten(value, f"{name}.", depth + 1)
        elif isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
            yield name, ", ".join(map(str, value)) or None
        elif isinstance(value, dict | list):
            yield name, json.dumps(value)
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**15:
            yield name, str(value)  # an identifier that a float would change
        else:
            yield name, value
