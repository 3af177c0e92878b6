"""Code review as the policy meets it: every argument of the reference path is among its candidates."""

from __future__ import annotations

from typing import Any

import pytest

from models_registry.policies.conversation import Conversation
from models_registry.policies.toolset import ToolSet
from scenarios.core.env import ToolEnv
from scenarios.core.types import DIFFICULTIES, SPLITS, Difficulty, Split
from scenarios.library import library
from training.rl.imitation import demonstrate


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_decision_of_the_oracle_can_be_pointed_at(
    split: Split, difficulty: Difficulty
) -> None:
    scenario = library.get("code_review")()
    tools, env = ToolSet(scenario.tools), ToolEnv(scenario, split, difficulty)
    for seed in range(40):
        turns, _ = env.reset(options={"task_seed": seed})
        conversation = Conversation(tools)
        conversation.extend(turns)
        over = False
        info: dict[str, Any] = {}
        while not over and env.world is not None:
            label = demonstrate(env.world, conversation, conversation.observe())
            assert label is not None, (split, difficulty, seed, env.world.oracle())
            before = len(turns)
            turns, _, terminated, truncated, info = env.step(label.decision)
            conversation.extend(turns[before:])
            over = terminated or truncated
        assert info["success"]
