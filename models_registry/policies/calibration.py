"""Calibrated confidence: the chance that a decision is right, from the probability that the policy gives to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EDGE = 1e-6
"""Probabilities are held this far from 0 and 1: float32 cannot tell them apart beyond it."""


def logit(probability: float) -> float:
    """Log-odds; finite for 0 and 1 too."""
    held = min(1 - EDGE, max(EDGE, probability))
    return math.log(held / (1 - held))


@dataclass(frozen=True, slots=True)
class Calibration:
    """confidence -> sigmoid(logit(confidence) / temperature) (Guo 2017, arXiv:1706.04599, on the chosen decision).

    The map rises, so what is surer stays surer, and no decision changes. Temperature 1 leaves confidence as it is.
    """

    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError("calibration: temperature must be a positive number")

    def __call__(self, confidence: float) -> float:
        if self.temperature == 1:
            return confidence
        # tanh does not overflow where exp would
        return 0.5 + 0.5 * math.tanh(0.5 * logit(confidence) / self.temperature)

    @classmethod
    def of(cls, facts: Mapping[str, Any] | None) -> Calibration:
        """From the `calibration` of a manifest; without one, the identity. Raises `ValueError` naming what is wrong."""
        if not facts:
            return cls()
        found = facts.get("temperature")
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise ValueError("calibration: temperature must be a positive number")
        return cls(float(found))
