"""GRPO: the advantage of an episode is its outcome relative to other attempts at the same task.

Shao et al. 2024 (DeepSeekMath), arXiv:2402.03300. A group of attempts at one task replaces the critic: an attempt's
advantage is its outcome, less its group's mean, over its group's deviation, for every decision of the attempt. The
objective is PPO's, without a value; the paper's penalty against a reference policy is `kl_leash`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor

from training.rl.algorithms.base import Algorithm, Credit, Experience
from training.rl.algorithms.ppo import clipped_gain


class GRPO(Algorithm):
    """Clipped policy gradient with the group as baseline."""

    credit: ClassVar[Credit] = "group"

    def normalise(self, batches: Sequence[Experience]) -> None:
        """Nothing more to do: advantages come normalised within their groups."""

    def loss(
        self, mini: Any, log_probs: Tensor, values: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        gain = clipped_gain(mini, log_probs, self.config.clip_range)
        return -gain, {"policy_loss": -gain}
