"""PPO: proximal policy optimisation with a clipped objective.

Schulman et al. 2017, arXiv:1707.06347. The probability of a decision is that of its tool times those of its
arguments, so one ratio is clipped for the whole decision. Learning rate and entropy bonus fall linearly; an update
ends early once the policy has moved further than `MAX_KL`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models_registry.policies.network import PolicyNetwork
from training.rl.algorithms.base import Algorithm
from training.rl.batch import Batch, Minibatch, minibatches
from training.rl.config import TrainConfig

MAX_KL = 0.03
VALUE_COEFFICIENT = 0.5
MAX_GRADIENT = 1.0
TABLE_RATE = 10.0
"""Learning rate of the embedding table over that of the layers: a token's rows are seldom touched."""
FINAL_RATE = 0.05
"""Share of the learning rate that is left at the end of a run."""


class PPO(Algorithm):
    """Clipped policy gradient with a learned value as baseline."""

    def __init__(self, network: PolicyNetwork, config: TrainConfig) -> None:
        super().__init__(network, config)
        self.optimizer = optimizer(network, config.learning_rate)

    def update(
        self, batches: list[Batch], progress: float, rng: np.random.Generator
    ) -> dict[str, float]:
        config = self.config
        left = 1.0 - (1.0 - FINAL_RATE) * min(1.0, progress)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * group["rate"] * left
        _normalise(batches)
        totals: dict[str, float] = {}
        count = 0
        for _ in range(config.update_epochs):
            cuts = minibatches(batches, config.batch_size, rng)
            kl = 0.0
            for batch, index in cuts:
                metrics = self._step(batch.minibatch(index), left)
                totals = {name: totals.get(name, 0.0) + value for name, value in metrics.items()}
                kl += metrics["kl"]
                count += 1
            if kl / len(cuts) > MAX_KL:
                break
        means = {name: value / count for name, value in totals.items()}
        return {**means, "learning_rate": config.learning_rate * left}

    def _step(self, mini: Minibatch, left: float) -> dict[str, float]:
        log_probs, entropy, values = decision_terms(self.network, mini)
        ratio = (log_probs - mini.old_log_probs).exp()
        clip = self.config.clip_range
        gain = torch.min(ratio * mini.advantages, ratio.clamp(1 - clip, 1 + clip) * mini.advantages)
        value_loss = (values - mini.returns).square().mean()
        bonus = self.config.entropy_coefficient * left * entropy.mean()
        loss = -gain.mean() + VALUE_COEFFICIENT * value_loss - bonus
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), MAX_GRADIENT)
        self.optimizer.step()
        with torch.no_grad():
            # Schulman's low-variance estimate of the KL divergence, http://joschu.net/blog/kl-approx.html
            kl = (ratio - 1 - (log_probs - mini.old_log_probs)).mean()
            clipped = ((ratio - 1).abs() > clip).float().mean()
            spread = mini.returns.var(unbiased=False)
            explained = 1 - value_loss / spread if float(spread) > 0 else torch.zeros(())
        return {
            "policy_loss": -float(gain.detach().mean()),
            "value_loss": float(value_loss.detach()),
            "entropy": float(entropy.detach().mean()),
            "kl": float(kl),
            "clip_fraction": float(clipped),
            "explained_variance": float(explained),
        }


def _normalise(batches: list[Batch]) -> None:
    """Advantages to mean 0 and deviation 1 over all batches of the update."""
    everything = np.concatenate([batch.advantages for batch in batches])
    middle, spread = everything.mean(), everything.std() + 1e-8
    for batch in batches:
        batch.advantages = ((batch.advantages - middle) / spread).astype(np.float32)


def optimizer(network: PolicyNetwork, rate: float) -> torch.optim.Adam:
    """Adam with `TABLE_RATE` times the rate for the embedding table; each group's factor is kept as `rate`."""
    table = network.get_parameter("table.weight")
    rest = [p for p in network.parameters() if p is not table]
    groups = [{"params": rest, "rate": 1.0}, {"params": [table], "rate": TABLE_RATE}]
    return torch.optim.Adam(groups, lr=rate, eps=1e-5, fused=True)


def decision_terms(network: PolicyNetwork, mini: Minibatch) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probability, entropy and value of each decision, each (B,); a decision sums over its arguments."""
    e = network.encode(mini.rows, mini.offsets, mini.sizes)
    h = network.state(e, mini.texts, mini.facts, mini.scalars)
    tool_log_probs = network.tool_log_probs(e, h, mini.tools, mini.dynamics, mini.mask)
    log_probs = tool_log_probs.gather(1, mini.tool[:, None])[:, 0]
    entropy = -(tool_log_probs.exp() * tool_log_probs).sum(1)
    if len(mini.p_state):
        point = network.point_log_probs(
            e,
            h[mini.p_state],
            mini.p_parameter,
            mini.p_previous,
            mini.p_candidates,
            mini.p_pair,
            mini.p_mask,
        )
        log_probs = log_probs.index_add(
            0, mini.p_state, point.gather(1, mini.p_chosen[:, None])[:, 0]
        )
        entropy = entropy.index_add(0, mini.p_state, -(point.exp() * point).sum(1))
    return log_probs, entropy, network.values(h)
