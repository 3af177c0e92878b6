"""Who learns from a rollout: imitation during the warm start, the algorithm after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.rl.algorithms import algorithms
from training.rl.algorithms.base import Credit, Experience, Network
from training.rl.config import TrainConfig
from training.rl.imitation import guidance
from training.rl.problem import Problem
from training.rl.state import Array, load_network, of, pack_adam, under, unpack_adam


class Learners:
    """The network with everything that improves it."""

    def __init__(self, problem: Problem, config: TrainConfig) -> None:
        self.problem, self.config, self.network = problem, config, problem.network
        self.imitation = problem.imitation() if config.demonstrations else None
        self.algorithm = algorithms.get(config.algorithm)(self.network, config)
        self.rng = np.random.default_rng([config.seed, 4])
        self.device = "cpu"
        self.shown = config.demonstrations if self.imitation is not None else 0
        """Episodes of the warm start; a later change of the budget does not bring it back."""

    def place(self, device: str) -> None:
        """Update on this device from now on; before anything is learned or put back."""
        if self.network.movable:
            self.network.place(device)
        self.device = device

    def _twin(self) -> Network:
        network = self.problem.twin()
        if network.movable:
            network.place(self.device)
        return network

    def change(self, config: TrainConfig) -> None:
        """Go on with other settings."""
        self.config = self.algorithm.config = config

    def guidance(self, episodes: int) -> float | None:
        """Share of episodes in which the oracle acts, or None once the warm start is over."""
        return guidance(episodes / self.shown) if episodes < self.shown else None

    def credit(self, episodes: int) -> Credit:
        """How rewards are credited: the warm start needs no outcomes, only returns for the value."""
        return "gae" if episodes < self.shown else self.algorithm.credit

    def update(
        self, batches: Sequence[Experience], episodes: int, spent: float = 0.0
    ) -> dict[str, float]:
        """Learn from a rollout. episodes: trained so far. spent: share of the budget of steps."""
        first = self.shown
        if self.imitation is not None and episodes < first:
            return self.imitation.update(batches, episodes / first, self.rng)
        if self.imitation is not None:
            self.imitation.forget()
        if self.algorithm.leash is None and self.config.kl_leash and first:
            self.algorithm.leash = self._twin()
            load_network(self.algorithm.leash, self.network.export())
        done = (episodes - first) / max(1, self.config.episodes - first)
        return self.algorithm.update(batches, max(done, spent), self.rng)

    def state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Arrays and facts for a checkpoint."""
        arrays: dict[str, Array] = under("network", self.network.export())
        arrays |= under("algorithm", pack_adam(self.algorithm.optimizer))
        if self.imitation is not None:
            arrays |= under("imitation", pack_adam(self.imitation.optimizer))
            arrays |= under("replay", self.imitation.pack())
        if self.algorithm.leash is not None:
            arrays |= under("leash", self.algorithm.leash.export())
        return arrays, {"rng": self.rng.bit_generator.state, "shown": self.shown}

    def restore(self, arrays: Mapping[str, Array], facts: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        load_network(self.network, of("network", arrays))
        unpack_adam(self.algorithm.optimizer, of("algorithm", arrays))
        if self.imitation is not None:
            unpack_adam(self.imitation.optimizer, of("imitation", arrays))
            self.imitation.unpack(of("replay", arrays))
        if leash := of("leash", arrays):
            self.algorithm.leash = self._twin()
            load_network(self.algorithm.leash, leash)
        self.rng.bit_generator.state = facts["rng"]
        self.shown = facts["shown"]
