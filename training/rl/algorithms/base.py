"""The base of every algorithm: one batch in, better weights out."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from models_registry.policies.network import PolicyNetwork
from training.rl.batch import Batch
from training.rl.config import TrainConfig


class Algorithm(ABC):
    """Updates a policy network from rollouts."""

    def __init__(self, network: PolicyNetwork, config: TrainConfig) -> None:
        self.network, self.config = network, config

    @abstractmethod
    def update(
        self, batches: list[Batch], progress: float, rng: np.random.Generator
    ) -> dict[str, float]:
        """Improve the network. progress: share of the run that is done, in [0, 1], for schedules. Returns metrics."""
