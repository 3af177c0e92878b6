"""Data sets: what is true of a seeded sample of a domain, before it becomes a file.

The truth is kept as plain Python lists. `mess` writes the file from it; the reference answers are computed from the
truth and never from the file, so a reader or a tool that goes wrong is found out.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from scenarios.core.types import DIFFICULTIES, SPLITS, Difficulty, Split
from scenarios.library.data_analysis.files.table import Cell, Kind

VARIANTS = 30
"""Samples of each domain. Tasks share them, so that the files' tables and the engine's answers can be remembered."""

IDS: Mapping[Split, tuple[int, int]] = {
    "train": (10_000, 40_000),
    "validation": (40_000, 60_000),
    "test": (60_000, 90_000),
}
_ROWS: Mapping[Difficulty, tuple[int, int]] = {
    "easy": (30, 60),
    "medium": (50, 110),
    "hard": (80, 150),
}
_COLUMNS: Mapping[Difficulty, tuple[int, int]] = {"easy": (2, 2), "medium": (2, 3), "hard": (3, 4)}
"""Text and number columns that are kept."""

Role = Literal["id", "text", "number", "date"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Field:
    """A column as it is in truth. spoken: how a person names it. unit: the sign that the file writes, if any."""

    name: str
    spoken: str
    role: Role
    values: tuple[Cell, ...]
    decimals: int = 0
    unit: str = ""
    group: str = ""
    """The nested object that a JSON file keeps it in."""

    @property
    def kind(self) -> Kind:
        return "text" if self.role == "id" else self.role


@dataclass(frozen=True, slots=True)
class Dataset:
    """file: its name with ending. rows: what one row is, in the plural. fields: in the order of the file."""

    file: str
    format: str
    rows: str
    fields: tuple[Field, ...]

    def of(self, role: Role) -> list[Field]:
        return [field for field in self.fields if field.role == role]

    @property
    def length(self) -> int:
        return len(self.fields[0].values)


@lru_cache(maxsize=8)
def domains(split: Split) -> tuple[dict[str, Any], ...]:
    """The domains of a split, from `domains/<split>.json`."""
    path = Path(__file__).parent / "domains" / f"{split}.json"
    return tuple(json.loads(path.read_text(encoding="utf-8")))


@lru_cache(maxsize=4_096)
def dataset(split: Split, difficulty: Difficulty, domain: int, variant: int) -> Dataset:
    """The same arguments always give the same data set."""
    spec = domains(split)[domain]
    rng = np.random.default_rng(
        [7, SPLITS.index(split), DIFFICULTIES.index(difficulty), domain, variant]
    )
    rows = int(rng.integers(*_ROWS[difficulty]))
    texts, numbers = _COLUMNS[difficulty]
    form = str(spec["formats"][int(rng.integers(len(spec["formats"])))])
    style = int(rng.integers(4))
    days = _days(spec, rng, rows)
    fields = [Field(_styled(spec["date"], style), _spoken(spec["date"]), "date", tuple(days))]
    chosen = [list(spec["texts"])[n] for n in sorted(rng.permutation(len(spec["texts"]))[:texts])]
    effect = np.ones(rows)
    for name in chosen:
        codes = _codes(rng, len(spec["texts"][name]), rows)
        effect *= rng.uniform(0.75, 1.3, len(spec["texts"][name]))[codes]
        fields.append(_text_field(spec, name, codes, style, rng, difficulty))
    fields += _numbers(spec, numbers, effect, style, rng, difficulty)
    if "id" in spec:
        name, prefix = spec["id"]
        low, high = IDS[split]
        serial = sorted(low + n for n in rng.choice(high - low, rows, replace=False).tolist())
        ids = tuple(f"{prefix}{n}" for n in serial)
        fields.insert(0, Field(_styled(name, style), _spoken(name), "id", ids))
    stem = f"{spec['file']}_{2019 + variant % 6}"
    return Dataset(f"{stem}.{form}", form, spec["rows"], tuple(fields))


def _days(spec: Mapping[str, Any], rng: Generator, rows: int) -> list[dt.date]:
    start = dt.date(2021, 1, 1) + dt.timedelta(days=int(rng.integers(0, 1000)))
    if spec["family"] == "series":
        step = int(rng.integers(3, 6))
        return [start + dt.timedelta(days=step * n) for n in range(rows)]
    span = int(rng.integers(150, 400))
    return [start + dt.timedelta(days=n) for n in sorted(rng.integers(0, span, rows).tolist())]


def _codes(rng: Generator, different: int, rows: int) -> NDArray[np.int64]:
    """Which value each row has; every value occurs, and some more often than others."""
    weights = rng.uniform(0.5, 1.6, different)
    codes = rng.choice(different, rows, p=weights / weights.sum())
    codes[:different] = np.arange(different)
    return rng.permutation(codes).astype(np.int64)


def _text_field(
    spec: Mapping[str, Any],
    name: str,
    codes: NDArray[np.int64],
    style: int,
    rng: Generator,
    difficulty: Difficulty,
) -> Field:
    pool = spec["texts"][name]
    gone = rng.random(len(codes)) < (0.0 if difficulty == "easy" else 0.03)
    values = tuple(None if out else pool[code] for code, out in zip(codes, gone, strict=True))
    group = next((g for g, names in spec.get("nest", {}).items() if name in names), "")
    return Field(_styled(name, style), _spoken(name), "text", values, group=group)


def _numbers(
    spec: Mapping[str, Any],
    count: int,
    effect: Floats,
    style: int,
    rng: Generator,
    difficulty: Difficulty,
) -> list[Field]:
    names = list(spec["numbers"])
    chosen = sorted(rng.permutation(len(names))[:count].tolist())
    rows = len(effect)
    shared = rng.standard_normal(rows)
    fields = []
    for name in (names[n] for n in chosen):
        low, high, decimals, unit = spec["numbers"][name]
        tie = float(rng.choice([0.95, 0.7, 0.0, -0.7, -0.95]))
        noise = tie * shared + np.sqrt(1 - tie * tie) * rng.standard_normal(rows)
        slope = float(rng.choice([-0.5, 0.0, 0.0, 0.6]))
        share = 1 / (1 + np.exp(-1.1 * noise))
        drift = 1 + slope * np.linspace(-0.5, 0.5, rows)
        values = low + (high - low) * 0.6 * share * effect * drift
        values = np.clip(values, low, high)
        for at in rng.choice(rows, int(rng.integers(0, 4)), replace=False):
            values[at] = high * float(rng.uniform(1.3, 2.2))
        gone = rng.random(rows) < (0.0 if difficulty == "easy" else 0.05)
        plain = [round(float(v), decimals) for v in values]
        kept = tuple(None if out else value for value, out in zip(plain, gone, strict=True))
        fields.append(Field(_styled(name, style), _spoken(name), "number", kept, decimals, unit))
    return fields


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _styled(name: str, style: int) -> str:
    """order_date, Order Date, orderDate or ORDER_DATE."""
    words = name.split("_")
    match style:
        case 1:
            return " ".join(word.capitalize() for word in words)
        case 2:
            return words[0] + "".join(word.capitalize() for word in words[1:])
        case 3:
            return name.upper()
        case _:
            return name
