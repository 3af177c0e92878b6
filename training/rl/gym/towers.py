"""Two towers of tanh layers in numpy, with their gradient written out: one for the policy, one for the value.

As Stable-Baselines3 has them (Raffin et al. 2021, https://jmlr.org/papers/v22/20-1364.html). At this size the calls cost
more than the arithmetic, and numpy's tanh takes an eighth of torch's time, so torch is left only the optimizer's part.
Both towers are one stack of matrices, (2, in, out). Weights begin orthogonal (Saxe et al. 2013, arXiv:1312.6120).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.rl.gym.spaces import Actions, Floats, Ints

LAYERS = (64, 64)
MASKED = np.float32(-1e9)
"""Score of what is masked: finite, so that its gradient is 0 and not NaN."""

Weights = Mapping[str, Floats]


def initial_weights(features: int, outputs: int, seed: int) -> dict[str, Floats]:
    """Weights of an untrained network with so many scores; the policy begins almost even."""
    rng = np.random.default_rng([seed, 5])
    weights: dict[str, Floats] = {}
    width = features
    for number, units in enumerate(LAYERS):
        towers = [_orthogonal(rng, width, units, 2**0.5) for _ in range(2)]
        weights[f"hidden.{number}.weight"] = np.stack(towers)
        weights[f"hidden.{number}.bias"] = np.zeros((2, 1, units), np.float32)
        width = units
    for name, size, gain in (("policy", outputs, 0.01), ("value", 1, 1.0)):
        weights[f"{name}.weight"] = _orthogonal(rng, width, size, gain)
        weights[f"{name}.bias"] = np.zeros(size, np.float32)
    return weights


def _orthogonal(rng: np.random.Generator, rows: int, columns: int, gain: float) -> Floats:
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return np.ascontiguousarray(gain * (q if rows >= columns else q.T), dtype=np.float32)


class Actor:
    """One tower at a time, for acting."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    def scores(self, observations: Floats) -> Floats:
        """(N, F) scaled -> (N, A)."""
        return _head(self.weights, "policy", self._tower(observations, 0))

    def values(self, observations: Floats) -> Floats:
        """(N, F) scaled -> (N,)."""
        return _head(self.weights, "value", self._tower(observations, 1))[:, 0]

    def _tower(self, h: Floats, tower: int) -> Floats:
        for number in range(len(LAYERS)):
            weight = self.weights[f"hidden.{number}.weight"][tower]
            h = np.tanh(h @ weight + self.weights[f"hidden.{number}.bias"][tower])
        return h


def forward(weights: Weights, x: Floats) -> tuple[Floats, Floats, list[Floats]]:
    """(B, F) -> scores (B, A), values (B,), and each layer's output, (2, B, units), for `backward`."""
    hidden: list[Floats] = []
    h = x
    for number in range(len(LAYERS)):
        h = np.matmul(h, weights[f"hidden.{number}.weight"])
        h += weights[f"hidden.{number}.bias"]
        hidden.append(np.tanh(h, out=h))
    return _head(weights, "policy", h[0]), _head(weights, "value", h[1])[:, 0], hidden


def backward(
    weights: Weights, x: Floats, hidden: list[Floats], to_scores: Floats, to_values: Floats
) -> dict[str, Floats]:
    """Gradient of every weight from those of scores (B, A) and values (B,)."""
    tops = {"policy": to_scores, "value": to_values[:, None]}
    found: dict[str, Floats] = {}
    g = np.empty_like(hidden[-1])
    for tower, (name, top) in enumerate(tops.items()):
        found[f"{name}.weight"] = hidden[-1][tower].T @ top
        found[f"{name}.bias"] = top.sum(0)
        np.matmul(top, weights[f"{name}.weight"].T, out=g[tower])
    for number in reversed(range(len(LAYERS))):
        h = hidden[number]
        g *= 1 - h * h
        below = hidden[number - 1] if number else x
        found[f"hidden.{number}.weight"] = np.matmul(below.swapaxes(-1, -2), g)
        found[f"hidden.{number}.bias"] = g.sum(1, keepdims=True)
        if number:
            g = np.matmul(g, weights[f"hidden.{number}.weight"].swapaxes(1, 2))
    return found


def _head(weights: Weights, name: str, h: Floats) -> Floats:
    found: Floats = h @ weights[f"{name}.weight"] + weights[f"{name}.bias"]
    return found


def choice(actions: Actions, scores: Floats, chosen: Ints) -> tuple[Floats, Floats, Floats, Floats]:
    """Of a choice in every head: log-probability and entropy (B,), summed over heads, and their gradients (B, A)."""
    logs = actions.log_softmax(scores)
    chances = np.exp(logs)
    to_log_probs = -chances
    rows = np.arange(len(scores))
    log_probs, entropy = np.zeros((2, len(scores)), np.float32)
    to_entropy = np.empty_like(scores)
    for head, part in enumerate(actions.slices):
        own = part.start + chosen[:, head]
        to_log_probs[rows, own] += 1
        log_probs += logs[rows, own]
        spread = -(chances[:, part] * logs[:, part]).sum(1)
        entropy += spread
        to_entropy[:, part] = -chances[:, part] * (logs[:, part] + spread[:, None])
    return log_probs, entropy, to_log_probs, to_entropy
