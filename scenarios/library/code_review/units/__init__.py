"""What files are put together from: units with defects of every kind, their harmless doubles, and clean ones."""

from __future__ import annotations

from scenarios.library.code_review.units import bugs, marked, performance, security, style
from scenarios.library.code_review.units.clean import CLEAN
from scenarios.library.code_review.units.unit import Unit

_ALL = (*bugs.UNITS, *security.UNITS, *performance.UNITS, *style.UNITS, *marked.UNITS)

DEFECTS: tuple[Unit, ...] = tuple(unit for unit in _ALL if unit.defect)
DOUBLES: tuple[Unit, ...] = tuple(unit for unit in _ALL if not unit.defect)

__all__ = ["CLEAN", "DEFECTS", "DOUBLES", "Unit"]
