"""Collecting on several cores: each collector has its own conversations and its own process.

All collectors act with the same weights and the update waits for all of them, so the result does not depend on which
process was quicker, only on how many collectors there are.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from scenarios.core.env import ToolEnv
from scenarios.core.scenario import Scenario
from scenarios.core.team import TeamScenario
from scenarios.core.team_env import TeamEnv
from scenarios.core.types import Difficulty
from scenarios.sources.catalogue import find
from training.rl.batch import Batch
from training.rl.config import TrainConfig
from training.rl.lanes import Finished
from training.rl.rollout import Collector, Order
from training.rl.team.rollout import TeamCollector
from training.rl.team.terms import Terms

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one collector needs to set itself up: its share of the environments, and its number for the seeds."""

    scenario: Scenario
    difficulty: Difficulty
    environments: int
    seed: int
    number: int = 0
    terms: Terms | None = None
    """Of a team."""

    def collector(self) -> Collector | TeamCollector:
        scenario, terms = self.scenario, self.terms
        if isinstance(scenario, TeamScenario) and terms is not None:
            return TeamCollector(
                lambda: TeamEnv(
                    scenario,
                    "train",
                    self.difficulty,
                    sharing=terms.sharing,
                    weight=terms.weight,
                ),
                self.environments,
                (self.seed, self.number),
                critic=terms.critic,
            )
        return Collector(
            lambda: ToolEnv(scenario, "train", self.difficulty),
            self.environments,
            (self.seed, self.number),
        )


class Collectors:
    """Collectors that share the environments; use as a context, which ends their processes.

    One collector works in this process. Several have a process each and work ahead: while the learner updates, they
    collect the next rollout with the weights that it began with, so that experience is always one update old.
    """

    def __init__(self, plans: list[Plan]) -> None:
        context = multiprocessing.get_context("spawn")  # never fork a process that has run torch
        self._own = plans[0].collector() if len(plans) == 1 else None
        self._remote: list[tuple[BaseProcess, Connection]] = []
        self._ahead: Order | None = None
        """The order that the processes are working on."""
        for plan in plans if self._own is None else ():
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
            connection.close()
            process.kill()  # it holds nothing that anybody would miss
        for process, _ in self._remote:
            process.join(timeout=5)

    def collect(self, weights: Weights, order: Order) -> tuple[list[Batch], Finished]:
        """One rollout of every collector, in the order of their numbers. Raises `RuntimeError` where one has died."""
        if self._own is not None:
            return self._own.collect(weights, order)
        try:
            if self._ahead is not None and not _alike(self._ahead, order):
                self._receive()  # of no use any more
                self._ahead = None
            if self._ahead is None:
                self._send(weights, order)
            found = self._receive()
            self._send(weights, order)
        except (EOFError, BrokenPipeError, ConnectionResetError) as problem:
            raise RuntimeError(
                "a collector process has died; there may be too little memory"
            ) from problem
        finished = Finished()
        for _, part in found:
            finished.add(part)
        return [batch for batches, _ in found for batch in batches], finished

    def _send(self, weights: Weights, order: Order) -> None:
        for _, connection in self._remote:
            connection.send((dict(weights), order))
        self._ahead = order

    def _receive(self) -> list[tuple[list[Batch], Finished]]:
        return [connection.recv() for _, connection in self._remote]


def _alike(ahead: Order, order: Order) -> bool:
    """Whether what was collected ahead serves this order too: the same conversations, for the same learner."""
    told, wanted = (
        (each.epoch, each.credit, each.guidance is None, each.steps) for each in (ahead, order)
    )
    return told == wanted


def collectors(config: TrainConfig, terms: Terms | None = None) -> Collectors:
    """The collectors of a run. terms: of a team."""
    whole = Plan(
        find(config.scenario), config.difficulty, config.environments, config.seed, terms=terms
    )
    groups = config.group_size if config.algorithm == "grpo" else 1
    return Collectors(plans(whole, config.collectors, groups))


def plans(whole: Plan, count: int, group_size: int = 1) -> list[Plan]:
    """Split a plan's environments over at most `count` collectors, as evenly as it goes, groups kept whole."""
    groups = max(1, whole.environments // group_size)
    shares = np.array_split(np.arange(groups), min(count, groups))
    return [
        replace(whole, environments=len(share) * group_size, number=number)
        for number, share in enumerate(shares)
    ]


def _serve(connection: Connection, plan: Plan) -> None:
    """The loop of a collector process: it ends with the pipe, and leaves Ctrl-C to its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collector = plan.collector()
    try:
        while True:
            weights, order = connection.recv()
            connection.send(collector.collect(weights, order))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
