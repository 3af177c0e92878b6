"""Mistakes as the evidence page shows them: a heat map of what was due and what was called, and filled parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

MOST_LABELS = 16
"""Rows and columns of the heat map; the decisions that are in the fewest mistakes are left out beyond."""
TOP = 5
HEAT = (0.01, 0.03, 0.1, 0.25)
"""Shares of the decisions in a row at which a cell gets warmer; from 1 to 5."""


def mistakes_context(agent: Mapping[str, Any]) -> dict[str, Any] | None:
    """The heat map: rows of what was due, columns of what was called; None where no counts were kept."""
    confusion = agent.get("confusion")
    if not isinstance(confusion, Mapping):
        return None
    cells = confusion.get("cells", ())
    labels = _labels(cells)
    found = {(c["due"], c["called"]): c for c in cells}
    rows = [_row(due, labels, found, confusion["due"].get(due, {})) for due in labels]
    shown = sum(row["wrong"] for row in rows)
    total = sum(c["count"] for c in cells)
    called = {c["called"] for c in cells}
    columns = [label for label in labels if label in called]
    return {
        "columns": columns,
        "rows": [
            {**row, "cells": [c for c in row["cells"] if c["called"] in called]}
            for row in rows
            if row["wrong"]
        ],
        "total": total,
        "left_out": total - shown,
        "top": [{**c, "kinds": _kinds(c)} for c in cells[:TOP]],
    }


def _labels(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Decisions in mistakes, the ones that are in most of them first."""
    counts: Counter[str] = Counter()
    for cell in cells:
        for label in {cell["due"], cell["called"]}:
            counts[label] += cell["count"]
    return sorted(counts, key=lambda label: (-counts[label], label))[:MOST_LABELS]


def _row(
    due: str,
    labels: Sequence[str],
    found: Mapping[tuple[str, str], Mapping[str, Any]],
    totals: Mapping[str, int],
) -> dict[str, Any]:
    decisions = totals.get("right", 0) + totals.get("wrong", 0)
    cells = []
    for called in labels:
        cell = found.get((due, called))
        count = cell["count"] if cell else 0
        cells.append(
            {
                "called": called,
                "count": count,
                "heat": _heat(count / decisions) if count and decisions else 0,
                "same": called == due,
                "kinds": _kinds(cell) if cell else [],
                "transcripts": cell.get("transcripts", 0) if cell else 0,
            }
        )
    return {
        "due": due,
        "decisions": decisions,
        "right": totals.get("right", 0),
        "wrong": sum(cell["count"] for cell in cells),
        "cells": cells,
    }


def _heat(share: float) -> int:
    return 1 + sum(share >= bound for bound in HEAT)


def _kinds(cell: Mapping[str, Any]) -> list[str]:
    failures: Mapping[str, int] = cell.get("failures", {})
    return sorted(failures, key=lambda kind: (-failures[kind], kind))


def parameters_context(agent: Mapping[str, Any]) -> dict[str, Any] | None:
    """Parameters with errors, and those without; None where none were judged."""
    rows = agent.get("parameters")
    if not rows:
        return None
    faulty = [row for row in rows if row["wrong"] or row["missing"] or row["invalid"]]
    return {"faulty": faulty, "clean": [row for row in rows if row not in faulty]}
