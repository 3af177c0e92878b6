"""The base of every algorithm: what it asks of a network and of experience, and the update that all of them share.

An algorithm's own file holds its loss, beside its paper. Schedules, minibatches, gradient steps, the early stop and
the leash are the same for all and live here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.rl.config import TrainConfig

Credit = Literal["gae", "outcome", "group"]
"""Which decisions an episode's reward is credited to; see `training.rl.rollout`."""

LEAP = 5
"""So many times `Bounds.max_kl` within one minibatch ends an update at once."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far updates of a network may go.

    max_kl: an update ends early once the policy has moved further than this from the one that collected. max_gradient:
    norm at which a gradient is held. final_rate: share of the learning rate and of the entropy bonus that is left at
    the end of a run.
    """

    max_kl: float = 0.03
    max_gradient: float = 1.0
    final_rate: float = 0.05


class Minibatch(Protocol):
    """B decisions; each tensor (B,). What else it holds is between experience and network."""

    old_log_probs: Tensor
    advantages: Tensor
    returns: Tensor


class Experience(Protocol):
    """The decisions of one collector's rollout."""

    advantages: NDArray[np.float32]

    def __len__(self) -> int: ...

    def minibatch(self, index: NDArray[np.int64]) -> Minibatch:
        """The decisions of these numbers, as tensors."""
        ...


class Network(Protocol):
    """A policy with a value, as the gradient sees it."""

    bounds: Bounds
    movable: bool
    """Whether its updates can run on another device than the CPU."""

    def place(self, device: str) -> None:
        """Move the weights; only where it is movable."""
        ...

    def placed(self, mini: Any) -> Any:
        """The minibatch where the weights are."""
        ...

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]: ...

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]: ...

    def groups(self) -> list[dict[str, Any]]:
        """Parameter groups for the optimizer; each group's `rate` is its factor on the learning rate."""
        ...

    def terms(self, mini: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probability, entropy and value of each decision of a minibatch, each (B,)."""
        ...

    def export(self) -> dict[str, NDArray[np.float32]]:
        """A copy of the weights."""
        ...


class Algorithm(ABC):
    """Updates a network from rollouts."""

    credit: ClassVar[Credit] = "gae"

    def __init__(self, network: Network, config: TrainConfig) -> None:
        self.network, self.config = network, config
        self.optimizer = optimizer(network, config.learning_rate)
        self.leash: Network | None = None
        """What the warm start ended with, frozen; the policy is kept near it where `kl_leash` is above 0."""

    @property
    def epochs(self) -> int:
        """Passes over each batch."""
        return self.config.update_epochs

    @abstractmethod
    def loss(
        self, mini: Any, log_probs: Tensor, values: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What one gradient step lowers, entropy bonus and leash aside, and figures worth a look; scalars."""

    def normalise(self, batches: Sequence[Experience]) -> None:
        """Advantages to mean 0 and deviation 1 over all batches of the update."""
        everything = np.concatenate([batch.advantages for batch in batches])
        middle, spread = everything.mean(), everything.std() + 1e-8
        for batch in batches:
            batch.advantages = ((batch.advantages - middle) / spread).astype(np.float32)

    def update(
        self, batches: Sequence[Experience], progress: float, rng: np.random.Generator
    ) -> dict[str, float]:
        """Improve the network. progress: share of the run that is done, in [0, 1], for schedules. Returns metrics."""
        bounds = self.network.bounds
        left = 1.0 - (1.0 - bounds.final_rate) * min(1.0, progress)
        set_rate(self.optimizer, self.config.learning_rate * left)
        self.normalise(batches)
        totals: dict[str, float] = {}
        count = 0
        for _ in range(self.epochs):
            cuts = minibatches(batches, self.config.batch_size, rng)
            kl = 0.0
            for batch, index in cuts:
                metrics = self._step(self.network.placed(batch.minibatch(index)), left)
                totals = {name: totals.get(name, 0.0) + value for name, value in metrics.items()}
                kl += metrics["kl"]
                count += 1
                if metrics["kl"] > LEAP * bounds.max_kl:
                    break
            if kl / len(cuts) > bounds.max_kl:
                break
        means = {name: value / count for name, value in totals.items()}
        return {**means, "learning_rate": self.config.learning_rate * left}

    def _step(self, mini: Minibatch, left: float) -> dict[str, float]:
        log_probs, entropy, values = self.network.terms(mini)
        loss, figures = self.loss(mini, log_probs, values)
        loss = loss - self.config.entropy_coefficient * left * entropy.mean()
        if self.leash is not None:
            with torch.no_grad():
                before = self.leash.terms(mini)[0]
            held = kl_estimate(before - log_probs)
            loss = loss + self.config.kl_leash * held
            figures["leash_kl"] = held
        descend(self.optimizer, self.network, loss)
        with torch.no_grad():
            figures["kl"] = kl_estimate(log_probs - mini.old_log_probs)
            figures["entropy"] = entropy.mean()
        return {name: float(figure.detach()) for name, figure in figures.items()}


def kl_estimate(log_ratio: Tensor) -> Tensor:
    """Mean of r - 1 - log r, an unbiased, always positive estimate of a KL divergence.

    Schulman 2020, http://joschu.net/blog/kl-approx.html (k3), with r the other policy's probability over that of the
    policy which the decisions are drawn from.
    """
    return (log_ratio.exp() - 1 - log_ratio).mean()


def optimizer(network: Network, rate: float) -> torch.optim.Adam:
    """Adam over the network's groups."""
    return torch.optim.Adam(network.groups(), lr=rate, eps=1e-5, fused=True)


def set_rate(adam: torch.optim.Adam, rate: float) -> None:
    """Set the learning rate of every group, by the group's own factor."""
    for group in adam.param_groups:
        group["lr"] = rate * group["rate"]


def descend(adam: torch.optim.Adam, network: Network, loss: Tensor) -> None:
    """One gradient step, with the gradient's norm held at the network's `max_gradient`."""
    adam.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), network.bounds.max_gradient)
    adam.step()


def minibatches(
    batches: Sequence[Experience], size: int, rng: np.random.Generator
) -> list[tuple[Experience, NDArray[np.int64]]]:
    """One epoch in random order: (batch, decisions of it), every decision once; a minibatch is of one batch."""
    cuts: list[tuple[Experience, NDArray[np.int64]]] = []
    for batch in batches:
        order = rng.permutation(len(batch))
        cuts += [(batch, order[start : start + size]) for start in range(0, len(order), size)]
    return [cuts[i] for i in rng.permutation(len(cuts))]
