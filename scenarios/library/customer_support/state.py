"""The hidden records, and what an attempt changed in them.

The records of a task are built once and shared by all attempts, so they are never written to: changes lie over
them, and the difference that grades an attempt is read from that layer alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scenarios.core.types import Json

Record = dict[str, Json]
Tables = Mapping[str, Mapping[str, Record]]
"""Table name (customers, payments, subscriptions, devices, tickets, logs) -> record id -> record."""

Place = tuple[str, str, str]
"""Table, record id, field."""


class State:
    """One attempt's view of the records: reads see its own writes."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._changes: dict[Place, Json] = {}

    def has(self, table: str, key: str) -> bool:
        return key in self._tables.get(table, {})

    def record(self, table: str, key: str) -> Record:
        """A copy of the record with this attempt's changes. Raises `KeyError` for an unknown record."""
        found = dict(self._tables[table][key])
        for (changed, record, field), value in self._changes.items():
            if changed == table and record == key:
                found[field] = value
        return found

    def rows(self, table: str) -> Iterable[Record]:
        """The stored records of a table, as they were before this attempt; not to be written to."""
        return self._tables.get(table, {}).values()

    def owned(self, table: str, customer_id: str) -> list[tuple[str, Record]]:
        """Id and record of everything in a table that belongs to a customer, in stored order."""
        rows = self._tables.get(table, {})
        return [
            (key, self.record(table, key))
            for key, row in rows.items()
            if row["customer_id"] == customer_id
        ]

    def write(self, table: str, key: str, field: str, value: Json) -> None:
        self._changes[table, key, field] = value

    def append(self, table: str, key: str, field: str, value: Json) -> None:
        """Add to a growing field (mails sent, keys issued), so that doing it twice shows in the difference."""
        place = (table, key, field)
        self._changes[place] = (*self._changes.get(place, ()), value)

    def diff(self) -> dict[Place, tuple[Json, Json]]:
        """Every field that differs now: place -> (before, after)."""
        return {
            place: (before, after)
            for place, after in self._changes.items()
            if (before := self._before(place)) != after
        }

    def _before(self, place: Place) -> Json:
        table, key, field = place
        return self._tables.get(table, {}).get(key, {}).get(field)
