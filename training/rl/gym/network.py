"""The network of a Gymnasium environment as algorithms see it, and the experience that it learns from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.rl.algorithms.base import Bounds
from training.rl.gym import towers
from training.rl.gym.scales import SCALES
from training.rl.gym.spaces import Actions, Bools, Floats, Ints


@dataclass(slots=True)
class GymMinibatch:
    """B decisions. observations: (B, F). chosen: (B, heads). mask: (B, A) or None. The rest: (B,)."""

    observations: Floats
    chosen: Ints
    mask: Bools | None
    old_log_probs: Tensor
    advantages: Tensor
    returns: Tensor


@dataclass(slots=True)
class GymExperience:
    """N decisions of one rollout; shapes as in `GymMinibatch`."""

    observations: Floats
    chosen: Ints
    mask: Bools | None
    old_log_probs: Floats
    advantages: Floats
    returns: Floats

    def __len__(self) -> int:
        return len(self.chosen)

    def minibatch(self, index: Ints) -> GymMinibatch:
        return GymMinibatch(
            self.observations[index],
            self.chosen[index],
            None if self.mask is None else self.mask[index],
            torch.from_numpy(self.old_log_probs[index]),
            torch.from_numpy(self.advantages[index]),
            torch.from_numpy(self.returns[index]),
        )


class GymNetwork:
    """Two towers and the scales of what they see; observations come scaled."""

    def __init__(self, weights: Mapping[str, Floats], actions: Actions, bounds: Bounds) -> None:
        self.actions, self.bounds = actions, bounds
        self.movable = False  # its gradients are numpy's
        self.arrays = {name: value.copy() for name, value in weights.items()}
        """The very memory of the parameters, as numpy sees it."""
        self._parameters = {
            name: nn.Parameter(torch.from_numpy(value), requires_grad=name not in SCALES.names)
            for name, value in self.arrays.items()
        }
        self._learned = {name: p for name, p in self._parameters.items() if p.requires_grad}

    def place(self, device: str) -> None:
        raise NotImplementedError("this network stays on the CPU")

    def placed(self, mini: GymMinibatch) -> GymMinibatch:
        return mini

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        return iter(self._parameters.values())

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        return iter(self._parameters.items())

    def groups(self) -> list[dict[str, Any]]:
        return [{"params": list(self._learned.values()), "rate": 1.0}]

    def export(self) -> dict[str, Floats]:
        return {name: value.copy() for name, value in self.arrays.items()}

    def terms(self, mini: GymMinibatch) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probability, entropy and value of each decision, each (B,); both sum over the heads."""
        found: tuple[Tensor, Tensor, Tensor] = _Terms.apply(  # type: ignore[no-untyped-call]
            self, mini, *self._learned.values()
        )
        return found

    def gradient(
        self, x: Floats, hidden: list[Floats], to_scores: Floats, to_values: Floats
    ) -> list[Tensor]:
        """Of every learned weight, in the order of `groups`."""
        found = towers.backward(self.arrays, x, hidden, to_scores, to_values)
        return [torch.from_numpy(found[name]) for name in self._learned]


class _Terms(torch.autograd.Function):
    """`towers` with its gradient, as autograd wants it."""

    @staticmethod
    def forward(
        ctx: Any, network: GymNetwork, mini: GymMinibatch, *weights: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        scores, values, hidden = towers.forward(network.arrays, mini.observations)
        if mini.mask is not None:
            scores = np.where(mini.mask, scores, towers.MASKED)
        log_probs, entropy, *gradients = towers.choice(network.actions, scores, mini.chosen)
        ctx.kept = network, mini.observations, hidden, gradients
        return torch.from_numpy(log_probs), torch.from_numpy(entropy), torch.from_numpy(values)

    @staticmethod
    def backward(ctx: Any, *told: Tensor) -> Any:
        network, observations, hidden, (to_log_probs, to_entropy) = ctx.kept
        log_probs, entropy, values = (gradient.numpy() for gradient in told)
        to_scores = log_probs[:, None] * to_log_probs + entropy[:, None] * to_entropy
        return None, None, *network.gradient(observations, hidden, to_scores, values)
