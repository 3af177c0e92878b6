"""On which terms a team learns."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.core.types import Sharing


@dataclass(frozen=True, slots=True)
class Terms:
    """sharing, weight: see `scenarios.core.team.share`. critic: whether one critic reads what everybody has seen."""

    sharing: Sharing
    weight: float
    critic: bool
