"""Warm start: learn from the oracle's demonstrations before learning from reward.

DAgger (Ross, Gordon & Bagnell 2011, arXiv:1011.0686): at first the oracle acts, then more and more the policy does,
and all along the oracle says what it would have done, so that the policy also learns the way back from its own
mistakes. Only training tasks are demonstrated; the oracle never plays or labels a held-out one for the learner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models_registry.policies.conversation import OMIT, Choices, Conversation, Observation
from models_registry.policies.runtime import Sample
from scenarios.core.tasks import AnyOf
from scenarios.core.types import Json
from scenarios.core.world import World
from training.rl.algorithms.base import (
    Experience,
    Network,
    descend,
    minibatches,
    optimizer,
    set_rate,
)
from training.rl.algorithms.ppo import VALUE_COEFFICIENT
from training.rl.batch import Batch

RATE = 3e-3
EPOCHS = 2
MINIBATCH = 256
REPLAYED = 2
"""Older batches beside each fresh one."""
KEPT = 40
"""Batches that may be replayed; beyond it, one drawn at random makes room."""
FINAL_GUIDANCE = 0.2
"""Share of the episodes in which the oracle still acts when the warm start ends."""


def guidance(progress: float) -> float:
    """Share of the episodes in which the oracle acts, after this share of the warm start."""
    return 1.0 - (1.0 - FINAL_GUIDANCE) * min(1.0, progress)


def demonstrate(
    world: World, conversation: Conversation, observation: Observation
) -> Sample | None:
    """The oracle's next decision, in terms of what the policy can point at; None where it cannot say that."""
    decision = world.oracle()
    tool = conversation.tools.index[decision.label]
    if not observation.mask[tool]:
        return None
    sample = Sample(observation, tool, decision, 0.0, 0.0)
    if decision.call is None:
        return sample
    accepted = next(m for m in world.pending() if m.takes(decision.call)).arguments
    arguments: dict[str, Json] = {}
    for parameter in conversation.tools.views[tool].parameters:
        choices = conversation.choices(tool, parameter, arguments)
        wanted = decision.call.arguments.get(parameter.name, OMIT)
        index = _find(choices, wanted, accepted.get(parameter.name))
        if index is None:
            return None
        sample.choices.append(choices)
        sample.chosen.append(index)
        if wanted is not OMIT:
            arguments[parameter.name] = choices.candidates[index].value
    return sample


def _find(choices: Choices, wanted: Json, accepted: AnyOf | None) -> int | None:
    """The newest candidate with the wanted value; for free text, the user's whole message will do."""
    values = [candidate.value for candidate in choices.candidates]
    if accepted is not None and accepted.anything:
        whole = [i for i, c in enumerate(choices.candidates) if c.key == "message"]
        if whole:
            return whole[0]
    if wanted is OMIT:
        return next((i for i, value in enumerate(values) if value is OMIT), None)
    same = [
        i for i, v in enumerate(values) if v is not OMIT and v == wanted and type(v) is type(wanted)
    ]
    loose = same or [i for i, v in enumerate(values) if v is not OMIT and v == wanted]
    return loose[-1] if loose else None


class Imitation:
    """Maximises the likelihood of the demonstrated decisions, and fits the value to the returns seen.

    Like DAgger it learns from everything that was shown so far, not from the latest rollout alone: beside each fresh
    batch go `REPLAYED` older ones, drawn at random from at most `KEPT`.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.optimizer = optimizer(network, RATE)
        self._kept: list[Batch] = []
        self._packed: dict[int, NDArray[np.uint8]] = {}

    def update(
        self, batches: Sequence[Experience], progress: float, rng: np.random.Generator
    ) -> dict[str, float]:
        """One pass of updates. progress: share of the warm start that is done; the rate falls with it."""
        set_rate(self.optimizer, RATE * (1.0 - 0.8 * progress))
        totals = np.zeros(3)
        count = 0
        shown = [*batches, *self._replayed(len(batches), rng)]
        for _ in range(EPOCHS):
            for batch, index in minibatches(shown, MINIBATCH, rng):
                mini = self.network.placed(batch.minibatch(index))
                log_probs, entropy, values = self.network.terms(mini)
                value_loss = (values - mini.returns).square().mean()
                loss = -log_probs.mean() + VALUE_COEFFICIENT * value_loss
                descend(self.optimizer, self.network, loss)
                terms = (-log_probs.detach().mean(), value_loss.detach(), entropy.detach().mean())
                totals += [float(term) for term in terms]
                count += 1
        self._keep(batches, rng)
        losses = dict(zip(("imitation_loss", "value_loss", "entropy"), totals / count, strict=True))
        return {name: float(value) for name, value in losses.items()}

    def _replayed(self, fresh: int, rng: np.random.Generator) -> list[Batch]:
        chosen = rng.permutation(len(self._kept))[: REPLAYED * fresh]
        return [self._kept[i] for i in chosen]

    def _keep(self, batches: Sequence[Experience], rng: np.random.Generator) -> None:
        self._kept += [batch for batch in batches if isinstance(batch, Batch)]
        while len(self._kept) > KEPT:
            out = self._kept.pop(int(rng.integers(len(self._kept))))
            self._packed.pop(id(out), None)

    def forget(self) -> None:
        """The warm start is over: nothing is replayed any more."""
        self._kept.clear()
        self._packed.clear()

    def pack(self) -> dict[str, NDArray[np.uint8]]:
        """What may be replayed, for a checkpoint; each batch is compressed once."""
        for batch in self._kept:
            if id(batch) not in self._packed:
                self._packed[id(batch)] = batch.pack()
        return {f"{n:03d}": self._packed[id(batch)] for n, batch in enumerate(self._kept)}

    def unpack(self, arrays: Mapping[str, NDArray[np.uint8]]) -> None:
        """Go on from what `pack` gave."""
        self._kept = [Batch.unpack(arrays[name]) for name in sorted(arrays)]
