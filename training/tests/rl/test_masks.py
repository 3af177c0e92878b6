"""What a mask promises: a call that its schema refuses cannot be sampled."""

from __future__ import annotations

import numpy as np
import pytest

from models_registry.policies.architecture import initial_weights
from models_registry.policies.conversation import Conversation
from models_registry.policies.runtime import Forward, decide
from models_registry.policies.toolset import ToolSet
from scenarios.core.env import ToolEnv
from scenarios.core.schema import argument_errors
from scenarios.library import library

DECISIONS = 100_000
LANES, DRAWS = 50, 10


@pytest.mark.slow
def test_no_sampled_call_is_refused_by_its_schema() -> None:
    """An untrained policy wanders through hard tasks; in every state some decisions are drawn, and one is taken."""
    scenario = library.get("customer_support")()
    tools = ToolSet(scenario.tools)
    by_name = {tool.name: tool for tool in scenario.tools}
    rng = np.random.default_rng(0)
    forward = Forward(initial_weights(0))
    envs = [ToolEnv(scenario, "train", "hard") for _ in range(LANES)]
    conversations = [_opened(env, tools, seed) for seed, env in enumerate(envs)]
    drawn = calls = 0
    used: set[str] = set()
    while drawn < DECISIONS:
        forward.forget()
        for _ in range(DRAWS):
            samples = decide(forward, conversations, rng)
            drawn += len(samples)
            for sample in samples:
                if (call := sample.decision.call) is not None:
                    calls += 1
                    used.add(call.name)
                    assert argument_errors(by_name[call.name], call.arguments) == ()
        for n, (env, sample) in enumerate(zip(envs, samples, strict=True)):
            before = len(env.turns)
            turns, _, terminated, truncated, _ = env.step(sample.decision)
            conversations[n].extend(turns[before:])
            if terminated or truncated:
                conversations[n] = _opened(env, tools, drawn + n)
    assert calls > DECISIONS / 2
    assert used == set(by_name), "every tool has been called"


def _opened(env: ToolEnv, tools: ToolSet, seed: int) -> Conversation:
    conversation = Conversation(tools)
    conversation.extend(env.reset(options={"task_seed": seed})[0])
    return conversation
