"""The hidden world of a spec: tables of rows, drawn from pools that the splits do not share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

from scenarios.core.draws import Draws
from scenarios.core.types import SPLITS, Json, Split
from scenarios.sources.spec.expressions import fill

Row = dict[str, Json]
Tables = dict[str, list[Row]]
T = TypeVar("T")

SHARES: dict[Split, tuple[float, float]] = {
    "train": (0.0, 0.6),
    "validation": (0.6, 0.8),
    "test": (0.8, 1.0),
}
"""From where to where in a list, or in a range of numbers, the parts of each split reach."""
LEAST = 5
"""Members of a list that can be split: fewer would leave a split without any."""
_STRIDE = 7919
"""Steps through a range of ids: a prime, so that numbers that follow each other lie apart and none comes twice."""


def part(values: Any, split: Split) -> list[Any]:
    """What of a pool or of phrases a split may draw: its own list, or its share of one list, first to last."""
    if isinstance(values, dict):
        return list(values.get(split, ()))
    low, high = SHARES[split]
    # The last of every split is rounded down and the first of the next begins there: nothing is lost or shared.
    return list(values[int(low * len(values)) : int(high * len(values))])


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids that one split may give, written with a prefix and so many digits."""

    prefix: str
    digits: int
    low: int
    size: int

    @classmethod
    def of(cls, column: Mapping[str, Any], split: Split) -> Ids:
        digits = int(column.get("digits", 4))
        first, count = 10 ** (digits - 1), 9 * 10 ** (digits - 1)
        low, high = (int(share * count) for share in SHARES[split])
        return cls(str(column["id"]), digits, first + low, high - low)

    def number(self, start: int, n: int) -> str:
        """The n-th id of a table whose ids begin at `start`; none comes twice within `size`."""
        return f"{self.prefix}{self.low + (start + n * _STRIDE) % self.size}"

    def __str__(self) -> str:
        return f"ids {self.prefix}{self.low} to {self.prefix}{self.low + self.size - 1}"


@dataclass(frozen=True, slots=True)
class World:
    """What a spec says about its world, ready to draw from for one split."""

    tables: Mapping[str, Any]
    pools: Mapping[str, list[Any]]
    today: date
    split: Split

    def starts(self, draws: Draws) -> dict[str, int]:
        """Where the ids of each table begin in this task."""
        return {name: draws.below(1_000_000) for name in self.tables}

    def rows(self, difficulty: str, starts: Mapping[str, int], draws: Draws) -> Tables:
        """Fresh tables, in the order of the spec."""
        drawn: Tables = {}
        for name, table in self.tables.items():
            count = table.get("rows", 0)
            count = count[difficulty] if isinstance(count, dict) else count
            drawn[name] = []
            fresh = self._without_repeats(table["columns"], count, draws)
            for n in range(count):
                taken = {column: values[n] for column, values in fresh.items()}
                drawn[name].append(self._row(name, taken, starts[name], n, drawn, draws))
        return drawn

    def _without_repeats(
        self, columns: Mapping[str, Any], count: int, draws: Draws
    ) -> dict[str, list[Json]]:
        """For each column from a pool, as many different members as there are rows."""
        return {
            column: draws.sample(self.pools[how["pool"]], count)
            for column, how in columns.items()
            if isinstance(how, dict) and "pool" in how
        }

    def _row(
        self,
        name: str,
        values: Mapping[str, Json],
        start: int,
        number: int,
        tables: Tables,
        draws: Draws,
    ) -> Row:
        row: Row = {}
        others: dict[str, Row] = {}
        for column, how in self.tables[name]["columns"].items():
            if column in values:
                row[column] = values[column]
            elif isinstance(how, dict) and "id" in how:
                row[column] = Ids.of(how, self.split).number(start, number)
            elif isinstance(how, dict) and "row" in how:
                table, _, wanted = how["row"].partition(".")
                if table not in others:  # columns that name one table speak of one row of it
                    others[table] = draws.pick(tables[table])
                row[column] = others[table][wanted]
            else:
                row[column] = self.value(how, row, tables, draws)
        return row

    def inserted(
        self, name: str, values: Mapping[str, Json], start: int, number: int, count: int
    ) -> Row:
        """The row that a tool adds: the values given, a fresh id, and null in every other column.

        number: how many were added before it; count: how many the table had at the start.
        """
        row: Row = {}
        for column, how in self.tables[name]["columns"].items():
            if column in values:
                row[column] = values[column]
            elif isinstance(how, dict) and "id" in how:
                row[column] = Ids.of(how, self.split).number(start, count + number)
            elif isinstance(how, dict):
                row[column] = None
            else:
                row[column] = how
        return row

    def value(self, how: Json, row: Mapping[str, Json], tables: Tables, draws: Draws) -> Json:
        """One drawn value; what is no draw stands for itself."""
        if not isinstance(how, dict):
            return how
        if "pool" in how:
            return draws.pick(self.pools[how["pool"]])
        if "choice" in how:
            return draws.pick(how["choice"])
        if "integer" in how:
            return draws.between(*how["integer"])
        if "number" in how:
            low, high = how["number"]
            return round(low + (high - low) * draws.unit(), how.get("decimals", 2))
        if "date" in how:
            return str(self.today + timedelta(days=draws.between(*how["date"])))
        if "row" in how:
            table, _, column = how["row"].partition(".")
            return draws.pick(tables[table])[column]
        return fill(str(how["text"]), row)

    def entities(self) -> frozenset[str]:
        """Every name that can be drawn: members of pools, and ranges of ids."""
        found = {str(member) for members in self.pools.values() for member in members}
        for table in self.tables.values():
            for how in table["columns"].values():
                if isinstance(how, dict) and "id" in how:
                    found.add(str(Ids.of(how, self.split)))
        return frozenset(found)


def split_pools(pools: Mapping[str, Any], split: Split) -> dict[str, list[Any]]:
    """Every pool's members in a split."""
    return {name: part(members, split) for name, members in pools.items()}


def too_small(values: Any) -> str:
    """Why a pool or list of phrases cannot serve all splits; empty where it can."""
    if isinstance(values, dict):
        bare = [split for split in SPLITS if not values.get(split)]
        return f"has nothing for {' and '.join(bare)}" if bare else ""
    return "" if len(values) >= LEAST else f"needs at least {LEAST} members, to be split"


def shared_between_splits(values: Any) -> Sequence[str]:
    """Members that stand in two splits."""
    seen: dict[str, Split] = {}
    both = []
    for split in SPLITS:
        for value in {str(member).casefold() for member in part(values, split)}:
            if value in seen:
                both.append(value)
            seen[value] = split
    return sorted(both)
