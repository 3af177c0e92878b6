"""Data sets as Parquet, written by DuckDB."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb

from scenarios.library.data_analysis.datasets import Dataset

_TYPES = {"id": "VARCHAR", "text": "VARCHAR", "number": "DOUBLE", "date": "DATE"}


def write_parquet(data: Dataset, order: list[int]) -> bytes:
    """These rows of a data set, in this order."""
    parts = ", ".join(f'unnest(?::{_TYPES[f.role]}[]) AS "{f.name}"' for f in data.fields)
    values = [[field.values[row] for row in order] for field in data.fields]
    with tempfile.TemporaryDirectory(prefix="agentgym-") as folder:
        path = Path(folder) / "data.parquet"
        with duckdb.connect(":memory:", config={"threads": 1}) as db:
            db.execute(f"CREATE TABLE data AS SELECT {parts}", values)
            db.execute(f"COPY data TO '{path}' (FORMAT parquet)")
        return path.read_bytes()
