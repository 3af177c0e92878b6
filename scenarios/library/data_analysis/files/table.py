"""A typed table: what every reader ends with and every tool works on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["number", "text", "date"]
Cell = float | str | dt.date | None

MAX_BYTES = 20_000_000
MAX_ROWS = 200_000
MAX_COLUMNS = 200
MAX_CELLS = 4_000_000
MAX_TEXT = 2_000
"""Characters kept of one cell."""
MAX_NAME = 60
FEW = 12
"""Up to so many different values make a column one of categories."""


class FileProblem(ValueError):
    """A file that cannot be read. `code` is one word for programs, the message says what is wrong and what helps."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Column:
    """One column. values: float, str or date by `kind`, None where the cell was empty or not readable."""

    name: str
    kind: Kind
    values: tuple[Cell, ...]
    unit: str = ""
    unreadable: int = 0
    """Cells that hold something that is not of the column's kind; they count as missing."""

    @property
    def missing(self) -> int:
        return sum(value is None for value in self.values)

    def distinct(self) -> tuple[Cell, ...]:
        """The different values, in order of first appearance."""
        return tuple(dict.fromkeys(value for value in self.values if value is not None))


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of equal length. digest: sha256 of the file. repeated: per row, whether it is the copy of an earlier record.

    notes: what the reader left out or changed, as counts (footnotes, title_lines, total_rows, ragged_rows).
    """

    digest: str
    format: str
    columns: tuple[Column, ...]
    rows: int
    repeated: tuple[bool, ...]
    notes: Mapping[str, int] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.digest)

    def column(self, name: str) -> int:
        """The number of the column with this name (any case). Raises `KeyError`."""
        for number, column in enumerate(self.columns):
            if column.name == name:
                return number
        for number, column in enumerate(self.columns):
            if column.name.lower() == name.lower():
                return number
        raise KeyError(name)
