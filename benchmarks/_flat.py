"""`customer_support` as MaskablePPO can take it: a fixed tool list, a row of numbers, independent heads and masks.

Observation: the user's words and the tools' outcomes as hashed counts, the scalars and each tool's past that our own
policy reads too. Action: (decision, first, second, third argument), an argument as the number of a candidate. The
candidates are ours, put in an order that favours the peer: the most plausible first, by the sum of their features. A
head's mask cannot depend on another head, so only the decision is masked.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from models_registry.policies.conversation import OMIT, SCALARS, Conversation
from models_registry.policies.runtime import ANSWERS
from models_registry.policies.toolset import DYNAMICS, ToolSet
from scenarios.core.env import ToolEnv
from scenarios.core.types import Decision, Json, Split, ToolCall
from scenarios.library import library

WORDS, FACTS = 256, 256
CANDIDATES = 8


class FlatSupport(gymnasium.Env[Any, Any]):
    """One scenario's `ToolEnv` behind plain spaces."""

    def __init__(self, scenario: str = "customer_support", split: Split = "train") -> None:
        self.inner = ToolEnv(library.get(scenario)(), split)
        self.tools = ToolSet(self.inner.scenario.tools)
        most = max(len(view.parameters) for view in self.tools.views)
        count = len(self.tools.views)
        size = WORDS + FACTS + SCALARS + count * DYNAMICS
        self.observation_space = spaces.Box(-np.inf, np.inf, (size,), np.float32)
        self.action_space = spaces.MultiDiscrete([count, *[CANDIDATES] * most])
        self._open_heads = np.ones(CANDIDATES * most, np.bool_)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        turns, info = self.inner.reset(seed=seed, options=options)
        self.conversation = Conversation(self.tools)
        self.conversation.extend(turns)
        self.seen = len(turns)
        return self._observe(), info

    def step(self, action: Any) -> Any:
        decision = self._decision([int(number) for number in action])
        turns, reward, terminated, truncated, info = self.inner.step(decision)
        self.conversation.extend(turns[self.seen :])
        self.seen = len(turns)
        ending = {"is_success": info["success"]} if "success" in info else {}
        return self._observe(), reward, terminated, truncated, ending

    def action_masks(self) -> Any:
        """(sum of the heads' choices,) as sb3-contrib wants it."""
        return np.concatenate([self._now.mask, self._open_heads])

    def _observe(self) -> Any:
        now = self._now = self.conversation.observe()
        words, facts = (
            np.bincount(np.concatenate([bag.rows for bag in bags]) % size, minlength=size)
            for bags, size in ((now.texts, WORDS), (now.facts, FACTS))
        )
        parts = [np.minimum(words, 3), np.minimum(facts, 3), now.scalars, now.dynamics.ravel()]
        return np.concatenate(parts).astype(np.float32)

    def _decision(self, action: list[int]) -> Decision:
        tool, *numbers = action
        view = self.tools.views[tool]
        if view.kind != "tool":
            return Decision(view.kind, None, ANSWERS.get(view.kind, ""))
        arguments: dict[str, Json] = {}
        for parameter, number in zip(view.parameters, numbers, strict=False):
            choices = self.conversation.choices(tool, parameter, arguments)
            order = np.argsort(-choices.pair.sum(1), kind="stable")
            chosen = choices.candidates[order[min(number, len(order) - 1)]]
            if chosen.value is not OMIT:
                arguments[parameter.name] = chosen.value
        return Decision("tool", ToolCall(view.name, arguments))
