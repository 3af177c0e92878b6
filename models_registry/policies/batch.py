"""Ragged features as index arrays over a table of distinct bags: states padded, candidates end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_registry.policies.bags import Bag
from models_registry.policies.conversation import FACT_BAGS, PAIR, TEXT_BAGS, Choices, Observation

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float32]


class BagTable:
    """Distinct bags, numbered from 1; number 0 is the empty bag that pads every array."""

    def __init__(self) -> None:
        self.bags: list[Bag] = []
        self._numbers: dict[int, int] = {}

    def number(self, bag: Bag) -> int:
        known = self._numbers.get(bag.serial)
        if known is None:
            self.bags.append(bag)
            known = self._numbers[bag.serial] = len(self.bags)
        return known

    def numbers(self, rows: Sequence[Sequence[Bag]], width: int) -> IntArray:
        """(len(rows), width) bag numbers, padded with 0."""
        out = np.zeros((len(rows), width), dtype=np.int64)
        for i, row in enumerate(rows):
            for j, bag in enumerate(row):
                out[i, j] = self.number(bag)
        return out


@dataclass(slots=True)
class States:
    """N observations: texts (N, TEXT_BAGS), facts (N, FACT_BAGS), scalars (N, SCALARS), dynamics (N, T, DYNAMICS),
    mask (N, T)."""

    texts: IntArray
    facts: IntArray
    scalars: FloatArray
    dynamics: FloatArray
    mask: NDArray[np.bool_]


@dataclass(slots=True)
class Pointers:
    """R arguments to choose, with M candidates end to end: some have three, some a hundred, and padding would cost most.

    state: (R,) row of the state. parameter: (R,). previous: (R,) bag of the argument chosen before. sizes: (R,) number
    of candidates, at least 1. candidates: (M,). pair: (M, PAIR).
    """

    state: IntArray
    parameter: IntArray
    previous: IntArray
    sizes: IntArray
    candidates: IntArray
    pair: FloatArray

    @property
    def row(self) -> IntArray:
        """(M,) the argument that each candidate is for."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @property
    def starts(self) -> IntArray:
        """(R,) where each argument's candidates begin."""
        return starts_of(self.sizes)


def starts_of(sizes: IntArray) -> IntArray:
    """Where parts of these sizes begin that lie end to end."""
    starts: IntArray = np.cumsum(sizes) - sizes
    return starts


def spans(starts: IntArray, sizes: IntArray) -> IntArray:
    """The indices of some parts, end to end: from each start so many."""
    return np.repeat(starts - starts_of(sizes), sizes) + np.arange(sizes.sum())


def collate_states(table: BagTable, observations: Sequence[Observation]) -> States:
    return States(
        table.numbers([o.texts for o in observations], TEXT_BAGS),
        table.numbers([o.facts for o in observations], FACT_BAGS),
        np.stack([o.scalars for o in observations]),
        np.stack([o.dynamics for o in observations]),
        np.stack([o.mask for o in observations]),
    )


def collate_pointers(
    table: BagTable,
    states: Sequence[int],
    choices: Sequence[Choices],
    previous: Sequence[Bag | None],
) -> Pointers:
    return Pointers(
        np.array(states, dtype=np.int64),
        np.array([table.number(c.parameter.bag) for c in choices], dtype=np.int64),
        np.array([table.number(b) if b is not None else 0 for b in previous], dtype=np.int64),
        np.array([len(c.candidates) for c in choices], dtype=np.int64),
        np.array([table.number(c.bag) for choice in choices for c in choice.candidates], np.int64),
        np.concatenate([c.pair for c in choices] or [np.zeros((0, PAIR), np.float32)]),
    )
