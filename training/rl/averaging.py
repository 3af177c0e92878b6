"""The mean of the weights over the last part of a run: what a run gives back instead of its last, noisy update.

Polyak & Juditsky 1992, doi:10.1137/0330046; for deep networks Izmailov et al. 2018, arXiv:1803.05407.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = dict[str, NDArray[np.float32]]

TAIL = 1 / 3
"""Share of the run's episodes, the last ones, whose updates are averaged."""


class TailAverage:
    """Takes the weights after every update; `mean` is of those that fell into the tail of the run."""

    def __init__(self) -> None:
        self._sums: dict[str, NDArray[np.float64]] = {}
        self._count = 0

    def add(self, weights: Weights, fraction: float) -> None:
        """weights: after an update. fraction: share of the run that is done."""
        if fraction < 1 - TAIL:
            return
        self._count += 1
        for name, value in weights.items():
            if name not in self._sums:
                self._sums[name] = np.zeros(value.shape)
            self._sums[name] += value

    def as_arrays(self) -> dict[str, NDArray[Any]]:
        """What `restore` needs to go on."""
        return {**{n: s.copy() for n, s in self._sums.items()}, "count": np.array(self._count)}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._count = int(arrays["count"])
        self._sums = {name: value.copy() for name, value in arrays.items() if name != "count"}

    def mean(self, latest: Weights) -> Weights:
        """The mean so far; before the tail begins, the latest weights themselves."""
        if not self._count:
            return latest
        return {name: (s / self._count).astype(np.float32) for name, s in self._sums.items()}
