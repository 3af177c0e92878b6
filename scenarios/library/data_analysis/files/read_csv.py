"""Delimited text: finds the encoding, the delimiter and the header, and leaves titles, totals and footnotes out."""

from __future__ import annotations

import csv
import re
from collections import Counter
from io import StringIO

from scenarios.library.data_analysis.files.cells import date_of, is_missing
from scenarios.library.data_analysis.files.table import MAX_COLUMNS, MAX_ROWS, FileProblem

Rows = list[list[str]]

_DELIMITERS = ",;\t|"
_LOOK = 200
"""Lines that the delimiter is guessed from."""
_NUMERIC = re.compile(r"[-+]?[$€£]?\d[\d.,]*%?")
_NOTE = re.compile(r"\s*(?:\*|†|source\b|notes?\b|footnote)", re.IGNORECASE)
_TOTAL = re.compile(r"\s*(?:grand )?totals?\b", re.IGNORECASE)


def decode(data: bytes) -> str:
    """Text in UTF-8 (with or without mark), UTF-16 with mark, or else Windows-1252. Raises `FileProblem`."""
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    encodings = ["utf-16"] if marked else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.count("\x00") == 0:
            return text
    raise FileProblem("not_text", "the file is neither text nor Parquet; save it as CSV in UTF-8")


def read_csv(data: bytes) -> tuple[list[str], Rows, dict[str, int]]:
    """Header, rows (all as wide as the header) and notes. Raises `FileProblem`."""
    rows = [row for row in _split(decode(data)) if any(cell.strip() for cell in row)]
    if not rows:
        raise FileProblem("empty", "the file holds no rows")
    width = _width(rows)
    if width > MAX_COLUMNS:
        raise FileProblem("too_wide", f"more than {MAX_COLUMNS} columns")
    notes: Counter[str] = Counter()
    first = next(n for n, row in enumerate(rows) if _filled(row) >= max(1, 0.6 * width))
    notes["title_lines"] = first
    body, header = rows[first:], rows[first]
    if _is_data(header) and len(body) > 1:
        header = [f"column_{n}" for n in range(1, width + 1)]
    else:
        body = body[1:]
    _drop_ends(body, width, notes)
    notes["ragged_rows"] = sum(len(row) != width for row in body)
    if len(body) > MAX_ROWS:
        raise FileProblem("too_long", f"more than {MAX_ROWS} rows; split the file")
    fitted = [(row + [""] * width)[:width] for row in body]
    return (header + [""] * width)[:width], fitted, {k: n for k, n in notes.items() if n}


def _drop_ends(body: Rows, width: int, notes: Counter[str]) -> None:
    """Leave footnotes and sums at the end of the file out."""
    while body and width > 2 and (_filled(body[-1]) < 2 or _NOTE.match(body[-1][0])):
        body.pop()
        notes["footnotes"] += 1
    while (
        len(body) > 3
        and width > 1
        and _TOTAL.match(next(cell for cell in body[-1] if cell.strip()))
    ):
        body.pop()
        notes["total_rows"] += 1
    kept = [
        row
        for row in body
        if not (width > 2 and row[0].lstrip().startswith("#") and _filled(row) < 2)
    ]
    notes["footnotes"] += len(body) - len(kept)
    body[:] = kept


def _split(text: str) -> Rows:
    lines = [line for line in text.splitlines()[:_LOOK] if line.strip()]
    best, top = "", 0.0
    for delimiter in _DELIMITERS:
        score = _score(_parse("\n".join(lines), delimiter), len(lines))
        if score > top + 0.05:
            best, top = delimiter, score
    if not best and _spaced([line.split() for line in lines]):
        return [line.split() for line in text.splitlines()]
    return _parse(text, best or ",")


def _spaced(rows: Rows) -> bool:
    """Whether columns are set apart by blanks: equally many cells in every row, and numbers in the last one."""
    widths = {len(row) for row in rows[1:]}
    return len(widths) == 1 and max(widths) > 1 and _is_data(rows[-1])


def _score(rows: Rows, lines: int) -> float:
    """How well a delimiter fits: the share of rows of the usual width, and a row of names above them."""
    widths = Counter(len(row) for row in rows if len(row) > 1)
    if not widths:
        return 0.0
    width, count = max(widths.items(), key=lambda pair: (pair[1], pair[0]))
    names = next(row for row in rows if len(row) == width)
    plain = not any(set(_DELIMITERS) & set(cell) for cell in names)
    return count / max(1, lines) + 0.5 * (plain and not _is_data(names))


def _parse(text: str, delimiter: str) -> Rows:
    try:
        return list(
            csv.reader(StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
        )
    except csv.Error as problem:
        raise FileProblem("broken", f"the text cannot be split into cells: {problem}") from problem


def _width(rows: Rows) -> int:
    """The usual number of cells."""
    return Counter(len(row) for row in rows).most_common(1)[0][0]


def _filled(row: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _is_data(row: list[str]) -> bool:
    """Whether a first row holds values where names would stand."""
    filled = [cell.strip() for cell in row if not is_missing(cell)]
    odd = [cell for cell in filled if _NUMERIC.fullmatch(cell) or date_of(cell)]
    return (
        len(filled) > 0
        and len(odd) >= max(1, 0.5 * len(filled))
        and not all(re.fullmatch(r"(?:19|20)\d\d", cell) for cell in odd)
    )
