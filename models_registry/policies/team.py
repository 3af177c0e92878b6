"""A team's weights: those of each role's policy under the role's name, and of a shared critic under its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from models_registry.policies.architecture import initial_weights

Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]

CRITIC = "critic"
"""No role may have this name."""


def untrained(roles: Iterable[str], seed: int, *, critic: bool) -> dict[str, Floats]:
    """Weights of a team before training; every role draws its own."""
    names = [*roles, *([CRITIC] if critic else [])]
    return {
        f"{name}/{key}": value
        for number, name in enumerate(names)
        for key, value in initial_weights(seed * 1_000 + number).items()
    }


def of_role(weights: Weights, role: str) -> dict[str, Floats]:
    """One member's weights by their own names. Raises `KeyError` where the team has no such member."""
    start = f"{role}/"
    found = {k.removeprefix(start): v for k, v in weights.items() if k.startswith(start)}
    if not found:
        raise KeyError(f"these weights hold no policy for the role {role!r}")
    return found
