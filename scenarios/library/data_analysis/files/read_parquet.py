"""Parquet, read by DuckDB in a connection that may open this one file and nothing else."""

from __future__ import annotations

import datetime as dt
import tempfile
from decimal import Decimal
from pathlib import Path

import duckdb

from scenarios.library.data_analysis.files.table import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_ROWS,
    FileProblem,
)

Rows = list[list[object]]

MAX_UNPACKED = 400_000_000
"""Bytes that the file's own account of itself may add up to once unpacked."""


def read_parquet(data: bytes) -> tuple[list[str], Rows, dict[str, int]]:
    """Header, rows and notes. Raises `FileProblem`."""
    with tempfile.TemporaryDirectory(prefix="agentgym-") as folder:
        path = Path(folder) / "data.parquet"
        path.write_bytes(data)
        try:
            with duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "512MB"}) as db:
                return _read(db, str(path))
        except duckdb.Error as problem:
            text = str(problem).replace(folder, "").splitlines()[0][:160]
            raise FileProblem("broken", f"the Parquet file cannot be read: {text}") from problem


def _read(db: duckdb.DuckDBPyConnection, path: str) -> tuple[list[str], Rows, dict[str, int]]:
    db.execute("SET temp_directory = ''")
    db.execute(f"SET allowed_paths = ['{path}']")  # a path of our own making
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")
    found = db.execute("SELECT num_rows FROM parquet_file_metadata(?)", [path]).fetchone()
    size = db.execute(
        "SELECT sum(total_uncompressed_size), count(DISTINCT column_id) FROM parquet_metadata(?)",
        [path],
    ).fetchone()
    rows, (unpacked, columns) = (found or (0,))[0], size or (0, 0)
    if not rows:
        raise FileProblem("empty", "the file holds no rows")
    if rows > MAX_ROWS or (unpacked or 0) > MAX_UNPACKED or rows * columns > MAX_CELLS:
        raise FileProblem(
            "too_long",
            f"{rows} rows, {columns} columns: more than {MAX_ROWS} rows or too many cells",
        )
    if columns > MAX_COLUMNS:
        raise FileProblem("too_wide", f"more than {MAX_COLUMNS} columns")
    result = db.execute("SELECT * FROM read_parquet(?)", [path])
    names = [str(column[0]) for column in result.description or ()]
    return names, [[_plain(cell) for cell in row] for row in result.fetchall()], {}


def _plain(cell: object) -> object:
    if isinstance(cell, Decimal):
        return float(cell)
    if cell is None or isinstance(cell, bool | int | float | str | dt.date):
        return cell
    if isinstance(cell, bytes):
        return cell.decode(errors="replace")
    return str(cell)
