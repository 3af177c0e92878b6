"""`load_file`: any CSV, JSON, JSON lines or Parquet file as a typed table. Nothing in a file is executed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from scenarios.library.data_analysis.files.cells import column, decimal_comma
from scenarios.library.data_analysis.files.read_csv import read_csv
from scenarios.library.data_analysis.files.read_json import read_json
from scenarios.library.data_analysis.files.table import (
    MAX_BYTES,
    MAX_CELLS,
    MAX_NAME,
    Column,
    FileProblem,
    Table,
)

_PARQUET = b"PAR1"
_OTHERS = (
    (b"PK\x03\x04", "an Excel workbook or ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
    (b"SQLite format 3", "an SQLite database"),
)
_IDENTIFIERS = frozenset({"id", "key", "code", "ref", "no", "number", "uuid"})
_NAME_PART = re.compile(r"\d+|[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])")


def load_file(source: Path | str | bytes) -> Table:
    """The table in a file. source: its path, or its bytes. The format is told by the content, not by the name.

    Raises `FileProblem` for what is missing, empty, too large (20 MB, 200,000 rows, 200 columns) or no table.
    """
    data = source if isinstance(source, bytes) else _bytes_of(Path(source))
    if len(data) > MAX_BYTES:
        raise FileProblem("too_large", f"more than {MAX_BYTES // 10**6} MB; take a part of it")
    if not data.strip():
        raise FileProblem("empty", "the file is empty")
    for magic, what in _OTHERS:
        if data.startswith(magic):
            raise FileProblem("unknown_format", f"this is {what}; save it as CSV, JSON or Parquet")
    form, (header, rows, notes) = _read(data)
    if not rows:
        raise FileProblem("empty", "the file has a header and no rows")
    if len(rows) * len(header) > MAX_CELLS:
        raise FileProblem("too_long", f"more than {MAX_CELLS:,} cells; take fewer rows or columns")
    cells = list(zip(*rows, strict=True))
    european = form == "csv" and decimal_comma(cells)
    columns = tuple(
        column(name, raw, european=european)
        for name, raw in zip(_names(header), cells, strict=True)
    )
    columns = tuple(each for each in columns if each.missing < len(rows)) or columns
    return Table(
        hashlib.sha256(data).hexdigest(), form, columns, len(rows), _repeated(columns), notes
    )


def _bytes_of(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FileProblem("too_large", f"more than {MAX_BYTES // 10**6} MB; take a part of it")
        return path.read_bytes()
    except OSError as problem:
        raise FileProblem("not_found", f"{path.name}: {problem.strerror}") from problem


def _read(data: bytes) -> tuple[str, tuple[list[str], Sequence[Sequence[object]], dict[str, int]]]:
    if data.startswith(_PARQUET):
        # DuckDB is loaded where it is needed only.
        from scenarios.library.data_analysis.files.read_parquet import (  # noqa: PLC0415
            read_parquet,
        )

        return "parquet", read_parquet(data)
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return ("json", read_json(data)) if start in (b"{", b"[") else ("csv", read_csv(data))


def _names(header: Sequence[str]) -> list[str]:
    """Names for all columns: trimmed, bounded, never empty, never twice."""
    names: list[str] = []
    for number, raw in enumerate(header, 1):
        bare = "".join(c if c.isprintable() else " " for c in str(raw))
        name = " ".join(bare.split())[:MAX_NAME] or f"column_{number}"
        tries, wanted = 2, name
        while name.lower() in (known.lower() for known in names):
            name, tries = f"{wanted}_{tries}", tries + 1
        names.append(name)
    return names


def name_words(name: str) -> list[str]:
    """The words that a name is made of, in lower case: `orderDate`, `user.plan`, `Net revenue`."""
    return [part.lower() for word in _NAME_PART.findall(name) for part in _CAMEL.split(word)]


def identifier(columns: Sequence[Column], rows: int) -> int | None:
    """The number of the column that names each record (`order_id`), or None."""
    for number, each in enumerate(columns):
        words = name_words(each.name)
        if words and words[-1] in _IDENTIFIERS and len(each.distinct()) >= 0.7 * max(1, rows):
            return number
    return None


def _repeated(columns: Sequence[Column]) -> tuple[bool, ...]:
    """Per row, whether the same record stands above. Without an identifier equal rows are two measurements."""
    rows = len(columns[0].values)
    if identifier(columns, rows) is None:
        return (False,) * rows
    seen: set[tuple[object, ...]] = set()
    found = []
    for row in zip(*(each.values for each in columns), strict=True):
        found.append(row in seen)
        seen.add(row)
    return tuple(found)
