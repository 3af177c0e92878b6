"""A team as algorithms see it: one network that sends every minibatch to the member whose decisions it holds.

Independent critics: IPPO (de Witt et al. 2020, arXiv:2011.09533). A shared one that reads what the whole team has seen:
MAPPO (Yu et al. 2022, arXiv:2103.01955). One optimizer serves all members: a minibatch gives no gradient to the others,
and Adam leaves out what has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from models_registry.policies.team import CRITIC, Weights, of_role
from training.rl.algorithms.base import Bounds
from training.rl.batch import ToolMinibatch
from training.rl.tool_network import ToolNetwork


class TeamNetwork:
    """One `ToolNetwork` per role; with a shared critic, one more for the values. trained: as for one agent."""

    def __init__(
        self, weights: Weights, roles: tuple[str, ...], trained: frozenset[str], *, critic: bool
    ) -> None:
        self.bounds = Bounds()
        self.movable = True
        self.members = {
            name: ToolNetwork(of_role(weights, name), trained)
            for name in (*roles, *([CRITIC] if critic else []))
        }

    def place(self, device: str) -> None:
        for member in self.members.values():
            member.place(device)

    def placed(self, mini: ToolMinibatch) -> ToolMinibatch:
        return self.members[mini.role].placed(mini)

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        return (parameter for _, parameter in self.named_parameters())

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        for role, member in self.members.items():
            for name, parameter in member.named_parameters():
                yield f"{role}/{name}", parameter

    def groups(self) -> list[dict[str, Any]]:
        return [group for member in self.members.values() for group in member.groups()]

    def terms(self, mini: ToolMinibatch) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probability, entropy and value of each decision of one role, each (B,)."""
        log_probs, entropy, values = self.members[mini.role].terms(mini)
        if mini.joint is not None:
            critic = self.members[CRITIC]
            e = critic.encode(mini.rows, mini.offsets, mini.sizes)
            values = critic.values(critic.state(e, *mini.joint))
        return log_probs, entropy, values

    def export(self) -> dict[str, NDArray[np.float32]]:
        return {
            f"{role}/{name}": value
            for role, member in self.members.items()
            for name, value in member.export().items()
        }
