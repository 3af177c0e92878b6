"""The engine: DuckDB, one locked connection per process, every table loaded once, every answer remembered by content.

No text of a file or of a call is ever part of a statement: columns are called c0, c1, ... and values are parameters.
The connection may open no file, load no extension, and its settings are locked.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import duckdb

from scenarios.library.data_analysis.files.table import Kind, Table

KEPT_CELLS = 6_000_000
"""Cells that stay loaded; the table that was used least lately makes room."""
KEPT_ANSWERS = 60_000

_TYPES: dict[Kind, str] = {"number": "DOUBLE", "text": "VARCHAR", "date": "DATE"}

Row = tuple[Any, ...]


class Engine:
    """Tables by the digest of their file. Thread-safe; one statement runs at a time."""

    def __init__(self) -> None:
        self._db = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "1GB"})
        self._db.execute("SET temp_directory = ''")
        self._db.execute("SET enable_external_access = false")
        self._db.execute("SET lock_configuration = true")
        self._lock = threading.Lock()
        self._loaded: OrderedDict[str, int] = OrderedDict()
        self._answers: OrderedDict[tuple[str, str, tuple[Any, ...]], list[Row]] = OrderedDict()

    def rows(
        self, table: Table, select: str, rest: str = "", values: Sequence[Any] = ()
    ) -> list[Row]:
        """`SELECT {select} FROM <table> {rest}`. Raises `duckdb.Error`."""
        key = (table.digest, f"{select}|{rest}", tuple(values))
        with self._lock:
            known = self._answers.get(key)
            if known is None:
                name = self._name(table)
                statement = f"SELECT {select} FROM {name} {rest}"  # noqa: S608  (see the docstring)
                known = self._db.execute(statement, list(values)).fetchall()
                self._answers[key] = known
                if len(self._answers) > KEPT_ANSWERS:
                    self._answers.popitem(last=False)
        return known

    def _name(self, table: Table) -> str:
        name = f"t_{table.digest[:32]}"
        if table.digest in self._loaded:
            self._loaded.move_to_end(table.digest)
            return name
        lists = ", ".join(
            f"unnest(?::{_TYPES[c.kind]}[]) AS c{n}" for n, c in enumerate(table.columns)
        )
        values = [list(column.values) for column in table.columns]
        self._db.execute(
            f"CREATE TABLE {name} AS SELECT {lists}, unnest(?::BOOLEAN[]) AS repeated",
            [*values, list(table.repeated)],
        )
        self._loaded[table.digest] = table.rows * len(table.columns)
        while sum(self._loaded.values()) > KEPT_CELLS and len(self._loaded) > 1:
            old, _ = self._loaded.popitem(last=False)
            self._db.execute(f"DROP TABLE t_{old[:32]}")
        return name


@lru_cache(maxsize=1)
def engine() -> Engine:
    """This process's engine, opened at its first query."""
    return Engine()
