"""The tool-use policy as algorithms see it: log-probability, entropy and value of whole decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models_registry.policies.network import PolicyNetwork
from training.rl.algorithms.base import Bounds
from training.rl.batch import ToolMinibatch

TABLE_RATE = 10.0
"""Learning rate of the embedding table over that of the layers: a token's rows are seldom touched."""


class ToolNetwork(PolicyNetwork):
    """`PolicyNetwork` with the terms of a decision. trained: parts of a decision that learn, see `Scenario.trained`."""

    def __init__(
        self,
        weights: Mapping[str, NDArray[np.float32]],
        trained: frozenset[str] = frozenset({"tool", "arguments"}),
    ) -> None:
        super().__init__(weights)
        self.bounds = Bounds()
        self.trained = trained
        self.movable = True
        self._device = "cpu"

    def place(self, device: str) -> None:
        self._device = device
        self.to(device)

    def placed(self, mini: ToolMinibatch) -> ToolMinibatch:
        return mini if self._device == "cpu" else mini.to(self._device)

    def groups(self) -> list[dict[str, Any]]:
        table = self.get_parameter("table.weight")
        rest = [p for p in self.parameters() if p is not table]
        return [{"params": rest, "rate": 1.0}, {"params": [table], "rate": TABLE_RATE}]

    def terms(self, mini: ToolMinibatch) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probability, entropy and value of each decision, each (B,); a decision sums over its arguments."""
        e = self.encode(mini.rows, mini.offsets, mini.sizes)
        h = self.state(e, mini.texts, mini.facts, mini.scalars)
        tool_log_probs = self.tool_log_probs(e, h, mini.tools, mini.dynamics, mini.mask)
        log_probs = tool_log_probs.gather(1, mini.tool[:, None])[:, 0]
        entropy = -(tool_log_probs.exp() * tool_log_probs).sum(1)
        if "tool" not in self.trained:
            log_probs, entropy = log_probs.detach(), entropy.detach()
        if len(mini.p_state):
            point = self.point_log_probs(
                e,
                h[mini.p_state],
                mini.p_parameter,
                mini.p_previous,
                mini.p_row,
                mini.p_candidates,
                mini.p_pair,
            )
            if "arguments" not in self.trained:
                point = point.detach()
            log_probs = log_probs.index_add(0, mini.p_state, point.index_select(0, mini.p_chosen))
            decision = mini.p_state.index_select(0, mini.p_row)
            entropy = entropy.index_add(0, decision, -(point.exp() * point))
        return log_probs, entropy, self.values(h)
