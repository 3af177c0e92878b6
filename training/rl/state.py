"""The trainer's state: all that a run needs to go on from a checkpoint as if it had never stopped.

Weights and optimizers are arrays, everything else is plain JSON, so that a checkpoint holds no pickle. Conversations
are not in it: at every checkpoint all of them start afresh, in a run that goes on as in one that comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.rl.algorithms.base import Network

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class TrainerState:
    """arrays: `part.name` -> numbers. facts: JSON."""

    arrays: dict[str, Array] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def under(part: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The same arrays with `part.` before their names."""
    return {f"{part}.{name}": value for name, value in arrays.items()}


def of(part: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays of one part, by their own names; the inverse of `under`."""
    start = f"{part}."
    return {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}


def pack_adam(adam: torch.optim.Adam) -> dict[str, Array]:
    """Moments and step counts of an optimizer: `<number of the parameter>.<name>`."""
    return {
        f"{number}.{name}": value.detach().cpu().numpy().copy()
        for number, kept in adam.state_dict()["state"].items()
        for name, value in kept.items()
    }


def unpack_adam(adam: torch.optim.Adam, arrays: Mapping[str, Array]) -> None:
    """Put back what `pack_adam` took."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in arrays.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = torch.from_numpy(np.array(value))
    adam.load_state_dict({**adam.state_dict(), "state": state})


def load_network(network: Network, arrays: Mapping[str, Array]) -> None:
    """Put weights into a network, in place: optimizers keep their hold on it."""
    with torch.no_grad():
        for name, value in network.named_parameters():
            value.copy_(torch.from_numpy(np.array(arrays[name])))
