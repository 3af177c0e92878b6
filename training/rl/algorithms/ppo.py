"""PPO: proximal policy optimisation with a clipped objective.

Schulman et al. 2017, arXiv:1707.06347. The probability of a decision is that of its tool times those of its
arguments, so one ratio is clipped for the whole decision. Advantages are GAE's; the value is learned beside the
policy. An update ends early once the policy has moved too far.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from training.rl.algorithms.base import Algorithm

VALUE_COEFFICIENT = 0.5


class PPO(Algorithm):
    """Clipped policy gradient with a learned value as baseline."""

    def loss(
        self, mini: Any, log_probs: Tensor, values: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        clip = self.config.clip_range
        gain = clipped_gain(mini, log_probs, clip)
        value_loss = (values - mini.returns).square().mean()
        with torch.no_grad():
            ratio = (log_probs - mini.old_log_probs).exp()
            spread = mini.returns.var(unbiased=False)
            explained = 1 - value_loss / spread if float(spread) > 0 else torch.zeros(())
            clipped = ((ratio - 1).abs() > clip).float().mean()
        return VALUE_COEFFICIENT * value_loss - gain, {
            "policy_loss": -gain,
            "value_loss": value_loss,
            "clip_fraction": clipped,
            "explained_variance": explained,
        }


def clipped_gain(mini: Any, log_probs: Tensor, clip: float) -> Tensor:
    """Mean over the minibatch of min(r A, clip(r, 1 - c, 1 + c) A), equation 7 of the paper."""
    ratio = (log_probs - mini.old_log_probs).exp()
    bounded = ratio.clamp(1 - clip, 1 + clip)
    gain: Tensor = torch.min(ratio * mini.advantages, bounded * mini.advantages).mean()
    return gain
