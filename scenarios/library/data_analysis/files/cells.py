"""What a cell says: missing, a number (with its unit), a date, or text. Columns are judged as a whole."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Sequence

from scenarios.library.data_analysis.files.table import MAX_TEXT, Cell, Column

MOSTLY = 0.85
"""Share of a column's filled cells that have to be numbers (or dates) for the column to be one of them."""

_MISSING = frozenset(
    {"", "na", "n/a", "#n/a", "nan", "null", "-", "--", "\u2013", "?", "missing", "."}
)
_MARKS = re.compile(r"\s*(?:\*+|†|‡|\[\d+\])$")
_SIGNS = "$€£¥"
_NUMBER = re.compile(
    r"(?P<sign>[-+\u2212]?)\s*(?P<before>[$€£¥]|[A-Z]{3}(?=\s?\d))?\s*(?P<inner>[-+]?)(?P<digits>\d(?:[\d.,'  ]*\d)?\.?(?:[eE][-+]?\d+)?|\.\d+)"
    r"\s*(?P<after>[$€£¥%°]?[A-Za-z/²³]{0,8}|%)"
)
_ENGLISH = re.compile(r"(?:\d{1,3}(?:[,'  ]\d{3})+|\d+)?(?:\.\d*)?(?:[eE][-+]?\d+)?")
_EUROPEAN = re.compile(r"(?:\d{1,3}(?:[.'  ]\d{3})+|\d+)(?:,\d+)?")
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul",
         "august aug", "september sep sept", "october oct", "november nov", "december dec"), 1)
    for name in names.split()
}  # fmt: skip
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?:[T ]\d{1,2}:\d{2}.*)?")
_SLASHED = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?: \d{1,2}:\d{2}.*)?")
_DAY_FIRST = re.compile(
    r"(?:[A-Za-z]{3,9},? )?(\d{1,2})(?:st|nd|rd|th)?[- ]([A-Za-z]{3,9})\.?,?[- ](\d{4}|\d{2})"
)
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})\.?[- ](?:(\d{1,2})(?:st|nd|rd|th)?,?[- ])?(\d{4})")


def is_missing(raw: object) -> bool:
    if isinstance(raw, float):
        return math.isnan(raw) or math.isinf(raw)
    if not isinstance(raw, str):
        return raw is None
    text = raw.strip()
    return text.lower() in _MISSING and text != "Na"  # sodium is not missing


def decimal_comma(columns: Sequence[Sequence[object]]) -> bool:
    """Whether a file writes 1.234,5: some column can only be read so, and none only the other way."""
    commas = [[c for c in cells if isinstance(c, str) and "," in c] for cells in columns]
    points = [[c for c in cells if isinstance(c, str) and "." in c] for cells in columns]
    return any(_reads(c, True) > _reads(c, False) for c in commas) and not any(
        _reads(c, False) > _reads(c, True) for c in points
    )


def _reads(cells: Sequence[object], european: bool) -> int:
    """How many cells are numbers if a comma (or else a point) stands before decimals."""
    return _count([_number(cell, european=european) for cell in cells])


def column(name: str, cells: Sequence[object], *, european: bool = False) -> Column:
    """The typed column of these raw cells (str, int, float, bool, date or None). european: a comma before decimals."""
    filled = [cell for cell in cells if not is_missing(cell)]
    numbers = _numbers(name, cells, len(filled), european)
    if numbers is not None:
        return numbers
    dates = _dates(cells)
    found = sum(day is not None for day in dates)
    if filled and found >= MOSTLY * len(filled):
        return Column(name, "date", tuple(dates), unreadable=len(filled) - found)
    return Column(name, "text", _texts(cells))


def _numbers(name: str, cells: Sequence[object], filled: int, european: bool) -> Column | None:
    """The column as numbers, or None where too few cells are some."""
    if any(isinstance(cell, str) and re.fullmatch(r"0\d+", cell.strip()) for cell in cells):
        return None  # a code with leading zeros
    best: tuple[list[float | None], Counter[str]] | None = None
    for comma in (european, not european):
        read = [_number(cell, european=comma) for cell in cells]
        units = Counter(pair[1] for pair in read if pair is not None)
        values = [None if pair is None else pair[0] for pair in read]
        if best is None or _count(values) > _count(best[0]):
            best = values, units
        if _count(values) == filled:
            break
    if best is None or not filled or _count(best[0]) < MOSTLY * filled:
        return None
    named = [unit for unit in best[1] if unit]
    if len(named) > 1:  # kilograms and pounds in one column are not numbers of one kind
        return None
    return Column(
        name, "number", tuple(best[0]), named[0] if named else "", filled - _count(best[0])
    )


def _count(values: Sequence[object]) -> int:
    return sum(value is not None for value in values)


def _number(raw: object, *, european: bool) -> tuple[float, str] | None:
    """The number that a cell holds, and its unit."""
    if is_missing(raw) or isinstance(raw, bool | dt.date):
        return None
    if isinstance(raw, int | float):
        return float(raw), ""
    text = _MARKS.sub("", str(raw).strip())
    negative = text.startswith("(") and text.endswith(")")
    match = _NUMBER.fullmatch(text[1:-1] if negative else text)
    if match is None:
        return None
    digits = match["digits"].strip()
    if not (_EUROPEAN if european else _ENGLISH).fullmatch(digits):
        return None
    plain = re.sub(r"['  ]", "", digits)
    plain = plain.replace(".", "").replace(",", ".") if european else plain.replace(",", "")
    try:
        value = float(plain)
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    minus = negative or match["sign"] in ("-", "\u2212") or match["inner"] == "-"
    return (-value if minus else value), (match["before"] or match["after"] or "")


def _dates(cells: Sequence[object]) -> list[dt.date | None]:
    texts = [cell.strip() for cell in cells if isinstance(cell, str)]
    parts = [match for text in texts if (match := _SLASHED.fullmatch(text))]
    day_first = any(int(m[1]) > 12 for m in parts) or (
        not any(int(m[3]) > 12 for m in parts) and any(m[2] == "." for m in parts)
    )
    return [date_of(cell, day_first=day_first) for cell in cells]


def date_of(raw: object, *, day_first: bool = False) -> dt.date | None:
    """The day that a cell names, whatever its spelling; a month is its first day. None where it names none."""
    if isinstance(raw, dt.datetime):
        return raw.date()
    if isinstance(raw, dt.date):
        return raw
    text = raw.strip() if isinstance(raw, str) else ""
    if match := _ISO.fullmatch(text):
        return _day(int(match[1]), int(match[2]), int(match[3] or 1))
    if match := _SLASHED.fullmatch(text):
        first, second = int(match[1]), int(match[3])
        return _day(int(match[4]), *((second, first) if day_first else (first, second)))
    if match := _DAY_FIRST.fullmatch(text):
        return _day(int(match[3]), _MONTHS.get(match[2].lower(), 0), int(match[1]))
    if match := _MONTH_FIRST.fullmatch(text):
        return _day(int(match[3]), _MONTHS.get(match[1].lower(), 0), int(match[2] or 1))
    return None


def _day(year: int, month: int, day: int) -> dt.date | None:
    if year < 100:  # as POSIX reads two digits
        year += 1900 if year >= 69 else 2000
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _texts(cells: Sequence[object]) -> tuple[Cell, ...]:
    """Trimmed texts; spellings that differ in case or spaces only become the most frequent one."""
    texts = [None if is_missing(cell) else _text(cell) for cell in cells]
    spellings: dict[str, Counter[str]] = {}
    for text in texts:
        if text is not None:
            spellings.setdefault(text.lower(), Counter())[text] += 1
    usual = {
        low: max(found, key=lambda text: (found[text], text)) for low, found in spellings.items()
    }
    return tuple(None if text is None else usual[text.lower()] for text in texts)


def _text(cell: object) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(str(cell).replace("\x00", "").split())[:MAX_TEXT]
