"""Tables on a terminal; where the output is a pipe or a file nothing is cut off."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 400


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, and how to read its cell from a row."""

    title: str
    cell: Callable[[dict[str, Any]], Any]
    right: bool = False


def print_table(title: str, columns: Sequence[Column], rows: Sequence[dict[str, Any]]) -> None:
    """A titled table on stdout; says so where there are no rows."""
    console = console_for_output()
    console.print(Text(title, style="bold"))
    if not rows:
        console.print("  none yet\n")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column.title, justify="right" if column.right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_text(column.cell(row))) for column in columns))
    console.print(table)
    console.print()


def print_facts(title: str, facts: dict[str, Any]) -> None:
    """A titled list of names and values on stdout."""
    console = console_for_output()
    console.print(Text(title, style="bold"))
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        console.print(Text(f"  {name:<{width}}  ", style="dim") + Text(_text(value)))
    console.print()


def console_for_output() -> Console:
    """As wide as the terminal; elsewhere wide enough for everything."""
    return Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
