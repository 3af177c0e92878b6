"""Gymnasium's spaces as the network sees them: observations as numbers, actions as a choice in each of several heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Env = gymnasium.Env[Any, Any]


class UnsupportedSpace(ValueError):
    """The environment's observations or actions are of a kind that cannot be learned; the message says which can."""


class Observations:
    """Box flattened, Discrete and MultiDiscrete one-hot; `size` numbers each."""

    def __init__(self, space: spaces.Space[Any]) -> None:
        self._starts: Ints | None = None
        if isinstance(space, spaces.Box):
            self.size = int(np.prod(space.shape, dtype=int))
            return
        if isinstance(space, spaces.Discrete):
            counts, lowest = np.array([space.n]), np.array([space.start])
        elif isinstance(space, spaces.MultiDiscrete):
            counts, lowest = np.ravel(space.nvec), np.ravel(space.start)
        else:
            raise UnsupportedSpace(_cannot("observations", space, "Box, Discrete, MultiDiscrete"))
        self.size = int(counts.sum())
        self._starts = np.asarray(np.cumsum(counts) - counts - lowest, dtype=np.int64)

    def encode(self, observations: Sequence[Any]) -> Floats:
        """N observations as (N, size)."""
        count = len(observations)
        if self._starts is None:
            return np.array(observations, dtype=np.float32).reshape(count, self.size)
        hot = np.array(observations, dtype=np.int64).reshape(count, -1) + self._starts
        encoded = np.zeros((count, self.size), dtype=np.float32)
        encoded[np.arange(count)[:, None], hot] = 1.0
        return encoded


class Actions:
    """Discrete: one head. MultiDiscrete: a head per number. `sizes`: choices of each head; A is their sum."""

    def __init__(self, space: spaces.Space[Any]) -> None:
        self._shape: tuple[int, ...] | None = None
        if isinstance(space, spaces.Discrete):
            counts, lowest = np.array([space.n]), np.array([space.start])
        elif isinstance(space, spaces.MultiDiscrete):
            counts, lowest = np.ravel(space.nvec), np.ravel(space.start)
            self._shape = space.nvec.shape
        else:
            raise UnsupportedSpace(_cannot("actions", space, "Discrete, MultiDiscrete"))
        self.sizes = tuple(int(count) for count in counts)
        ends = np.cumsum(self.sizes)
        self.slices = [
            slice(int(end - n), int(end)) for n, end in zip(self.sizes, ends, strict=True)
        ]
        self._lowest = np.asarray(lowest, dtype=np.int64)

    @property
    def size(self) -> int:
        return sum(self.sizes)

    def best(self, scores: Floats) -> Ints:
        """The highest of each head: (N, A) -> (N, heads)."""
        if len(self.sizes) == 1:
            return np.asarray(scores.argmax(1)[:, None])
        return np.stack([scores[:, part].argmax(1) for part in self.slices], axis=1)

    def decode(self, chosen: Ints) -> list[Any]:
        """What `Env.step` takes, from (N, heads)."""
        actions = chosen + self._lowest
        if self._shape is None:
            return list(actions[:, 0].tolist())
        return list(actions.reshape(-1, *self._shape))

    def log_softmax(self, scores: Floats) -> Floats:
        """Log-probabilities of every choice, each head by itself; (..., A), -inf where masked."""
        logs = np.empty_like(scores)
        for part in self.slices:
            own = scores[..., part] - scores[..., part].max(-1, keepdims=True)
            logs[..., part] = own - np.log(np.exp(own).sum(-1, keepdims=True))
        return logs

    def log_probs(self, scores: Floats, chosen: Ints) -> Floats:
        """Log-probability of whole actions: (N, A) and (N, heads) -> (N,)."""
        places = chosen + np.array([part.start for part in self.slices])
        logs = np.take_along_axis(self.log_softmax(scores), places, 1)
        return np.asarray(logs.sum(1), dtype=np.float32)

    def mask(self, given: Any) -> Bools:
        """An environment's mask as (A,): one flat row (as sb3-contrib has it), or a row per head (as Gymnasium has it)."""
        if isinstance(given, (tuple, list)) and given and np.ndim(given[0]):
            given = np.concatenate([np.ravel(part) for part in given])
        mask = np.ravel(np.asarray(given)).astype(np.bool_)
        if len(mask) != self.size:
            raise ValueError(
                f"the action mask has {len(mask)} entries, the action space {self.size}"
            )
        if not all(mask[part].any() for part in self.slices):
            raise ValueError("the action mask leaves no action; allow at least one of each kind")
        return mask


def mask_of(env: Env, info: dict[str, Any]) -> Any:
    """The mask that an environment gives, in its `info` or by its method `action_masks`; None where it gives none."""
    if "action_mask" in info:
        return info["action_mask"]
    method = getattr(env.unwrapped, "action_masks", None)
    return method() if callable(method) else None


def _cannot(what: str, space: spaces.Space[Any], known: str) -> str:
    return (
        f"its {what} are of kind {type(space).__name__}, which cannot be learned; only {known} can"
    )
