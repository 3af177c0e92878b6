"""The network whose gradient is taken: the formulas of `runtime.Forward`, in torch.

Shapes: N decisions, T tools and kinds, R arguments, M candidates of them all, U distinct bags. A bag is encoded once per
minibatch; everything else is a gather.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models_registry.policies.architecture import ATTEND, shapes


class PolicyNetwork(nn.Module):
    """Policy and value over one set of weights; names and shapes as in `architecture.shapes()`."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        super().__init__()
        for name in shapes():
            module, _, kind = name.partition(".")
            if not hasattr(self, module):
                self.add_module(module, nn.Module())
            value = torch.from_numpy(weights[name].copy())
            getattr(self, module).register_parameter(kind, nn.Parameter(value))

    def linear(self, name: str, x: Tensor) -> Tensor:
        module = getattr(self, name)
        return functional.linear(x, module.weight, module.bias)

    def encode(self, rows: Tensor, offsets: Tensor, sizes: Tensor) -> Tensor:
        """(U + 1, EMBED); row 0 is the empty bag. rows: all token rows in a row; offsets, sizes: (U,)."""
        table = self.get_parameter("table.weight")
        sums = functional.embedding_bag(rows, table, offsets, mode="sum")
        sums = sums / sizes.clamp(min=1).sqrt()[:, None]
        return torch.cat([sums.new_zeros(1, sums.shape[1]), sums])

    def state(self, e: Tensor, texts: Tensor, facts: Tensor, scalars: Tensor) -> Tensor:
        """(N, HIDDEN)"""
        active = torch.relu(self.linear("sentence", e)) * (torch.arange(len(e)) > 0)[:, None]
        each = functional.embedding(texts, active)
        text = torch.cat([each.amax(1), each.sum(1)], dim=1)
        fact = functional.embedding(facts, e).sum(1)
        first = torch.relu(self.linear("state_in", torch.cat([text, fact, scalars], dim=1)))
        return first + torch.relu(self.linear("state_mid", first))

    def values(self, h: Tensor) -> Tensor:
        """(N,)"""
        return self.linear("value_out", torch.relu(self.linear("value_in", h)))[:, 0]

    def tool_log_probs(
        self, e: Tensor, h: Tensor, tools: Tensor, dynamics: Tensor, mask: Tensor
    ) -> Tensor:
        """(N, T)"""
        own = e[tools]
        mixed = self.linear("tool_state", h)[:, None] + self.linear("tool_text", own)[None]
        mixed = mixed + self.linear("tool_dynamics", dynamics)
        score = self.linear("tool_score", torch.relu(mixed))[..., 0]
        score = score + self.linear("tool_query", h) @ self.linear("tool_key", own).T / math.sqrt(
            ATTEND
        )
        return _log_softmax(score, mask)

    def point_log_probs(  # noqa: PLR0913  (each tensor has another shape)
        self,
        e: Tensor,
        h: Tensor,
        parameter: Tensor,
        previous: Tensor,
        row: Tensor,
        candidates: Tensor,
        pair: Tensor,
    ) -> Tensor:
        """(M,); h is already the state of each argument's decision, (R, HIDDEN). row: (M,) argument of each candidate."""
        query = torch.cat([h, e[parameter], e[previous]], dim=1)
        own = functional.embedding(candidates, e)
        mixed = functional.embedding(row, self.linear("point_query", query))
        mixed = mixed + self.linear("point_text", own) + self.linear("point_pair", pair)
        score = self.linear("point_score", torch.relu(mixed))[:, 0]
        wanted = functional.embedding(row, self.linear("point_dot", query))
        score = score + (self.linear("point_key", own) * wanted).sum(1) / math.sqrt(ATTEND)
        return _log_softmax_by(row, score, len(query))

    def export(self) -> dict[str, NDArray[np.float32]]:
        """A copy of the weights for the runtime and the bundle."""
        return {
            name: value.detach().cpu().numpy().copy() for name, value in self.named_parameters()
        }


def _log_softmax_by(row: Tensor, score: Tensor, count: int) -> Tensor:
    """Log-softmax within each of `count` rows whose scores lie end to end."""
    top = score.new_full((count,), -math.inf)
    top = top.scatter_reduce(0, row, score.detach(), "amax")
    score = score - top.index_select(0, row)
    total = score.new_zeros(count).index_add(0, row, score.exp())
    return score - total.log().index_select(0, row)


def _log_softmax(score: Tensor, mask: Tensor) -> Tensor:
    return torch.log_softmax(score.masked_fill(~mask, -1e9), dim=-1)
