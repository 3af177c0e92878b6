"""Collecting on several cores: each collector has its own conversations, and all but the first their own process.

Collection is synchronous: every collector acts with the same weights and the update waits for all, so the result does
not depend on which process was quicker, only on how many collectors there are.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models_registry.policies.runtime import Forward
from scenarios.core.env import ToolEnv
from scenarios.core.types import Difficulty
from scenarios.library import library
from training.rl.batch import Batch
from training.rl.lanes import Finished
from training.rl.rollout import Collector, Order

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one collector needs to set itself up: its share of the environments, and its number for the seeds."""

    scenario: str
    difficulty: Difficulty
    environments: int
    seed: int
    number: int

    def collector(self) -> Collector:
        scenario = library.get(self.scenario)()
        return Collector(
            lambda: ToolEnv(scenario, "train", self.difficulty),
            self.environments,
            (self.seed, self.number),
        )


class Collectors:
    """`count` collectors that share the environments; use as a context, which ends their processes."""

    def __init__(self, plans: list[Plan]) -> None:
        context = multiprocessing.get_context("spawn")  # never fork a process that has run torch
        self._own = plans[0].collector()
        self._remote: list[tuple[Any, Connection]] = []
        for plan in plans[1:]:
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, plan), daemon=True)
            process.start()
            theirs.close()
            self._remote.append((process, ours))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process, connection in self._remote:
            connection.close()  # the other side reads the end of the pipe and leaves
            process.join(timeout=5)
            if process.is_alive():
                process.kill()

    def collect(self, weights: Weights, order: Order) -> tuple[list[Batch], Finished]:
        """One rollout of every collector, in the order of their numbers. Raises `RuntimeError` where one has died."""
        try:
            for _, connection in self._remote:
                connection.send((dict(weights), order))
            batches, finished = [], Finished()
            for batch, part in [_collect(self._own, weights, order), *self._received()]:
                batches.append(batch)
                finished.add(part)
        except (EOFError, BrokenPipeError, ConnectionResetError) as problem:
            raise RuntimeError(
                "a collector process has died; there may be too little memory"
            ) from problem
        return batches, finished

    def _received(self) -> list[tuple[Batch, Finished]]:
        return [connection.recv() for _, connection in self._remote]


def plans(
    scenario: str,
    difficulty: Difficulty,
    environments: int,
    seed: int,
    count: int,
    group_size: int = 1,
) -> list[Plan]:
    """Split the environments over at most `count` collectors, as evenly as it goes, groups kept whole."""
    groups = max(1, environments // group_size)
    count = min(count, groups)
    shares = [len(part) * group_size for part in np.array_split(np.arange(groups), count)]
    return [Plan(scenario, difficulty, share, seed, i) for i, share in enumerate(shares)]


def _collect(collector: Collector, weights: Weights, order: Order) -> tuple[Batch, Finished]:
    return collector.collect(Forward(weights), order)


def _serve(connection: Connection, plan: Plan) -> None:
    """The loop of a collector process: it ends with the pipe, and leaves Ctrl-C to its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collector = plan.collector()
    try:
        while True:
            weights, order = connection.recv()
            connection.send(_collect(collector, weights, order))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
