"""REINFORCE: one outcome, spread over every step of the trajectory.

Williams 1992, doi:10.1007/BF00992696. Every decision of an episode is credited with the episode's whole reward, less
the mean outcome of the rollout. No value is learned, each batch is used once, and a truncated episode counts as it
stands: without a value there is nothing to bootstrap from.
"""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from training.rl.algorithms.base import Algorithm, Credit


class Reinforce(Algorithm):
    """Policy gradient on whole episodes."""

    credit: ClassVar[Credit] = "outcome"

    @property
    def epochs(self) -> int:
        return 1  # the gradient is only right for decisions of the present policy

    def loss(
        self, mini: Any, log_probs: Tensor, values: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        policy_loss = -(log_probs * mini.advantages).mean()
        return policy_loss, {"policy_loss": policy_loss}
