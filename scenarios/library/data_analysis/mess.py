"""Data sets as files, with the mess of real ones: signs and separators in numbers, odd dates, gaps, notes, copied rows."""

from __future__ import annotations

import csv
import datetime as dt
import json
from functools import lru_cache
from io import StringIO

import numpy as np
from numpy.random import Generator

from scenarios.core.types import DIFFICULTIES, SPLITS, Difficulty, Json, Split
from scenarios.library.data_analysis.datasets import Dataset, Field, dataset
from scenarios.library.data_analysis.files.table import Cell
from scenarios.library.data_analysis.parquet import write_parquet

_GAPS = ("", "n/a", "NA", "-", "null")
_COPIES = {"easy": 0.25, "medium": 0.5, "hard": 0.6}
"""Share of the files with identifiers in which records were copied."""
_DATES = ("%Y-%m-%d", "%d %b %Y", "%b %d, %Y", "%Y/%m/%d")
BROKEN: tuple[bytes, ...] = (
    b"",
    b"PK\x03\x04\x14\x00\x06\x00",
    b'[{"a": 1}, {"a": ',
    b"\x1f\x8b\x08\x00\x00",
)
"""What arrives where something went wrong on the way: nothing, a workbook, half a file, an archive."""


@lru_cache(maxsize=4_096)
def order_of(split: Split, difficulty: Difficulty, domain: int, variant: int) -> tuple[int, ...]:
    """The rows of a data set as its file holds them. Where records have identifiers, some may stand there twice."""
    data = dataset(split, difficulty, domain, variant)
    rng = np.random.default_rng(
        [9, SPLITS.index(split), DIFFICULTIES.index(difficulty), domain, variant]
    )
    order = list(range(data.length))
    if data.of("id") and rng.random() < _COPIES[difficulty]:
        copied = rng.choice(data.length, int(rng.integers(1, 5)), replace=False).tolist()
        for row in sorted(copied, reverse=True):  # a copy stands below its record
            order.insert(int(rng.integers(row + 1, len(order) + 1)), row)
    return tuple(order)


@lru_cache(maxsize=4_096)
def file_of(split: Split, difficulty: Difficulty, domain: int, variant: int) -> bytes:
    """The file of a data set, always the same."""
    data = dataset(split, difficulty, domain, variant)
    rng = np.random.default_rng(
        [8, SPLITS.index(split), DIFFICULTIES.index(difficulty), domain, variant]
    )
    order = list(order_of(split, difficulty, domain, variant))
    match data.format:
        case "json":
            return _json(data, order, rng)
        case "parquet":
            return write_parquet(data, order)
        case _:
            return _csv(data, order, rng, messy=difficulty != "easy")


def _csv(data: Dataset, order: list[int], rng: Generator, *, messy: bool) -> bytes:
    delimiter = ",;\t"[int(rng.choice([0, 0, 1, 2]))] if messy else ","
    out = StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    if messy and rng.random() < 0.3:
        out.write(f"Export of {data.rows}\n\n")
    writer.writerow([field.name for field in data.fields])
    gap = _GAPS[int(rng.integers(len(_GAPS)))] if messy else ""
    columns = [_written(field, rng, gap, messy=messy) for field in data.fields]
    for row in order:
        writer.writerow([column[row] for column in columns])
    if messy and rng.random() < 0.4:
        out.write("\n* provisional figures\nSource: internal systems\n")
    encoding = "utf-8-sig" if messy and rng.random() < 0.3 else "utf-8"
    return out.getvalue().encode(encoding)


def _written(field: Field, rng: Generator, gap: str, *, messy: bool) -> list[str]:
    """A column's cells as text. One way of writing a column is kept throughout, but for dates and spaces."""
    if field.role == "date":
        usual = _DATES[int(rng.integers(len(_DATES)))] if messy else _DATES[0]
        odd = rng.random(len(field.values)) < (0.1 if messy else 0.0)
        return [
            _day(value, _DATES[1] if out else usual)
            for value, out in zip(field.values, odd, strict=True)
        ]
    if field.role == "number":
        signed = bool(field.unit) and (messy and rng.random() < 0.6)
        grouped = messy and rng.random() < 0.4
        starred = rng.random(len(field.values)) < (0.02 if messy else 0.0)
        return [
            gap
            if value is None
            else _number(value, field, signed=signed, grouped=grouped) + ("*" if star else "")
            for value, star in zip(field.values, starred, strict=True)
        ]
    if field.role == "id" or not messy:
        return [gap if value is None else str(value) for value in field.values]
    draws = rng.random(len(field.values))
    return [
        gap if value is None else _odd(str(value), float(draw))
        for value, draw in zip(field.values, draws, strict=True)
    ]


def _odd(text: str, draw: float) -> str:
    return (
        f" {text}"
        if draw < 0.03
        else f"{text} "
        if draw < 0.06
        else text.upper()
        if draw < 0.08
        else text
    )


def _day(value: Cell, style: str) -> str:
    return value.strftime(style) if isinstance(value, dt.date) else ""


def _number(value: Cell, field: Field, *, signed: bool, grouped: bool) -> str:
    text = f"{value:{',' if grouped else ''}.{field.decimals}f}"
    if not signed:
        return text
    return f"{field.unit}{text}" if field.unit in "$€£" else f"{text} {field.unit}"


def _json(data: Dataset, order: list[int], rng: Generator) -> bytes:
    shape = int(rng.integers(3))
    as_text = {field.name for field in data.of("number") if rng.random() < 0.2}
    records = [_record(data, row, as_text) for row in order]
    if shape == 0:
        return "\n".join(json.dumps(record) for record in records).encode()
    return json.dumps(
        records if shape == 1 else {"exported": len(records), "items": records}
    ).encode()


def _record(data: Dataset, row: int, as_text: set[str]) -> dict[str, Json]:
    record: dict[str, Json] = {}
    for field in data.fields:
        value = field.values[row]
        if value is None and field.role == "number":
            continue  # logs leave out what they do not know
        home = record.setdefault(field.group, {}) if field.group else record
        home[field.name] = (
            str(value) if isinstance(value, dt.date) or field.name in as_text else value
        )
    return record
