"""Running scales of observations and rewards, kept among the weights so that a checkpoint and a bundle hold them.

Observations are brought to mean 0 and deviation 1; rewards are divided by the deviation of their running discounted
sum (Engstrom et al. 2020, arXiv:2005.12729, section 2). Updated once per rollout, with the moments of the whole rollout
(Chan, Golub & LeVeque 1983, doi:10.1080/00031305.1983.10483115).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.rl.gym.spaces import Floats

LIMIT = 10.0
"""Scaled observations and rewards are cut off here."""
MOST = 1e6
"""Steps after which older ones begin to fade; also keeps the count exact in float32."""


class Scales:
    """names: of the weights that hold the scales."""

    names = ("observations.mean", "observations.variance", "observations.count", "rewards.moments")

    def initial(self, features: int) -> dict[str, Floats]:
        """Scales that change nothing. rewards.moments: mean, variance and count of discounted sums."""
        return {
            "observations.mean": np.zeros(features, np.float32),
            "observations.variance": np.ones(features, np.float32),
            "observations.count": np.zeros(1, np.float32),
            "rewards.moments": np.array([0, 1, 0], np.float32),
        }

    def observe(self, weights: Mapping[str, Floats], seen: Floats) -> dict[str, Floats]:
        """The scales after (M, F) more observations."""
        old = (
            weights["observations.mean"],
            weights["observations.variance"],
            weights["observations.count"][0],
        )
        mean, variance, count = _merged(*old, seen)
        return {
            "observations.mean": mean,
            "observations.variance": variance,
            "observations.count": np.array([count], np.float32),
        }

    def rewarded(self, weights: Mapping[str, Floats], sums: Floats) -> dict[str, Floats]:
        """The scale of rewards after (M,) more discounted sums."""
        moments = weights["rewards.moments"]
        mean, variance, count = _merged(moments[:1], moments[1:2], moments[2], sums[:, None])
        return {"rewards.moments": np.array([mean[0], variance[0], count], np.float32)}


def _merged(
    mean: Floats, variance: Floats, count: float, more: Floats
) -> tuple[Floats, Floats, float]:
    n = len(more)
    total = float(count) + n
    gap = more.mean(0) - mean
    spread = variance * count + more.var(0) * n + gap**2 * (count * n / total)
    return (
        (mean + gap * (n / total)).astype(np.float32),
        (spread / total).astype(np.float32),
        min(total, MOST),
    )


SCALES = Scales()


class Eye:
    """Scales observations with fixed weights."""

    def __init__(self, weights: Mapping[str, Floats], *, on: bool) -> None:
        self.on = on
        self._mean = weights["observations.mean"]
        self._factor = 1 / np.sqrt(weights["observations.variance"] + np.float32(1e-8))

    def __call__(self, observations: Floats) -> Floats:
        """(N, F) as the network takes them."""
        if not self.on:
            return observations
        scaled: Floats = np.clip((observations - self._mean) * self._factor, -LIMIT, LIMIT)
        return scaled
