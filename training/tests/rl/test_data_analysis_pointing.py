"""Data analysis as the policy meets it: every argument of the reference path is among its candidates."""

from __future__ import annotations

import pytest

from models_registry.policies.conversation import Conversation
from models_registry.policies.toolset import ToolSet
from scenarios.core.env import ToolEnv
from scenarios.core.types import DIFFICULTIES, SPLITS, Difficulty, Split
from scenarios.library.data_analysis import DataAnalysis
from training.rl.imitation import demonstrate

SCENARIO = DataAnalysis()


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("split", SPLITS)
def test_every_step_can_be_pointed_at(split: Split, difficulty: Difficulty) -> None:
    tools = ToolSet(SCENARIO.tools)
    env = ToolEnv(SCENARIO, split, difficulty)
    for seed in range(25):
        turns, _ = env.reset(options={"task_seed": seed, "attempt": seed % 3})
        conversation = Conversation(tools)
        conversation.extend(turns)
        over = False
        while not over and env.world is not None:
            label = demonstrate(env.world, conversation, conversation.observe())
            assert label is not None, (split, seed, env.world.oracle())
            before = len(turns)
            turns, _, terminated, truncated, info = env.step(label.decision)
            assert info["verdict"].right
            conversation.extend(turns[before:])
            over = terminated or truncated
        assert info["success"]
