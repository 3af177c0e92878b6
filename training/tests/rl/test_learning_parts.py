"""Batches, collectors, checkpoints and agents, each by itself."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models_registry.artifacts.bundle import BundleError
from models_registry.policies.architecture import initial_weights
from models_registry.policies.runtime import Forward
from scenarios.core.env import ToolEnv
from scenarios.core.stage import Stage
from scenarios.core.types import DIFFICULTIES
from scenarios.library import library
from training.rl import agents, checkpoint, parallel
from training.rl.algorithms.base import Credit, minibatches
from training.rl.batch import Batch, ToolMinibatch
from training.rl.evaluation import baselines
from training.rl.exam import Exam, play
from training.rl.lanes import Finished, Lanes
from training.rl.progress import Progress
from training.rl.rollout import Collector, Order
from training.rl.state import TrainerState
from training.rl.tool_network import ToolNetwork

WEIGHTS = initial_weights(0)


def collected(
    guidance: float | None = None, steps: int = 12, credit: Credit = "gae"
) -> tuple[Batch, Finished]:
    scenario = library.get("customer_support")()
    collector = Collector(lambda: ToolEnv(scenario, "train", "medium"), 8, (0,))
    order = Order(steps, 0.95, 0.9, Stage("medium"), guidance, credit, group_size=4)
    [batch], finished = collector.collect(WEIGHTS, order)
    return batch, finished


def test_the_network_finds_the_probabilities_that_the_runtime_acted_with() -> None:
    batch, _ = collected()
    index = np.arange(len(batch))
    with torch.no_grad():
        log_probs, entropy, _ = ToolNetwork(WEIGHTS).terms(batch.minibatch(index))
    assert log_probs.numpy() == pytest.approx(batch.old_log_probs, abs=2e-4)
    assert (entropy > 0).all()


def test_a_gradient_reaches_every_weight() -> None:
    batch, _ = collected(guidance=1.0)
    network = ToolNetwork(WEIGHTS)
    log_probs, _, values = network.terms(batch.minibatch(np.arange(len(batch))))
    (values.square().mean() - log_probs.mean()).backward()  # type: ignore[no-untyped-call]
    for name, weight in network.named_parameters():
        if name in ("tool_score.bias", "point_score.bias"):
            continue  # added to every score alike, and so without effect on the softmax
        assert weight.grad is not None, name
        assert weight.grad.abs().sum() > 0, name


def test_minibatches_hold_every_decision_once() -> None:
    batch, _ = collected()
    cuts = minibatches([batch, batch], 20, np.random.default_rng(0))
    assert sum(len(index) for _, index in cuts) == 2 * len(batch)
    assert max(len(index) for _, index in cuts) <= 20


def test_a_packed_batch_comes_back_equal() -> None:
    batch, _ = collected()
    other = Batch.unpack(batch.pack())
    index = np.arange(0, len(batch), 3)
    mini, again = batch.minibatch(index), other.minibatch(index)
    tensors = [name for name in ToolMinibatch.__slots__ if name not in ("role", "joint")]
    for name in tensors:
        assert torch.equal(getattr(mini, name), getattr(again, name)), name
    assert len(batch.pack()) < 100 * len(batch) * 8


@pytest.mark.parametrize("credit", ["outcome", "group"])
def test_whole_episodes_share_their_outcome(
    credit: Credit, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    start = Lanes.start

    def noted(lanes: Lanes, options: list[dict[str, Any]]) -> None:
        started.extend(option["task_seed"] for option in options)
        start(lanes, options)

    monkeypatch.setattr(Lanes, "start", noted)
    batch, finished = collected(steps=10, credit=credit)
    lengths, totals = finished.lengths, finished.rewards
    assert sum(lengths) == len(batch) >= 80
    assert len(totals) % 8 == 0
    assert sorted(batch.returns) == pytest.approx(sorted(np.repeat(totals, lengths)), abs=1e-5)
    assert len(set(started)) == len(totals) // (4 if credit == "group" else 1)


def test_what_is_frozen_gets_no_gradient_from_the_policy() -> None:
    batch, _ = collected(guidance=1.0)
    mini = batch.minibatch(np.arange(len(batch)))
    for trained, moved in (("tool", "tool_score.weight"), ("arguments", "point_score.weight")):
        network = ToolNetwork(WEIGHTS, frozenset({trained}))
        network.terms(mini)[0].mean().backward()  # type: ignore[no-untyped-call]
        scores = {"tool_score.weight", "point_score.weight"}
        assert {n for n in scores if network.get_parameter(n).grad is not None} == {moved}


def test_guided_episodes_are_the_oracles_and_do_not_count_as_the_policys() -> None:
    _, finished = collected(guidance=1.0, steps=20)
    assert finished.count > 0
    assert finished.episodes == []
    assert finished.calls == 0


def test_every_decision_of_the_oracle_can_be_pointed_at() -> None:
    """In every split and difficulty, the candidates hold each argument that the reference path needs."""
    from models_registry.policies.conversation import Conversation
    from models_registry.policies.toolset import ToolSet
    from training.rl.imitation import demonstrate

    scenario = library.get("customer_support")()
    tools = ToolSet(scenario.tools)
    for split in ("train", "validation", "test"):
        for difficulty in DIFFICULTIES:
            env = ToolEnv(scenario, split, difficulty)
            for seed in range(25):
                turns, _ = env.reset(options={"task_seed": seed})
                conversation = Conversation(tools)
                conversation.extend(turns)
                over = False
                while not over and env.world is not None:
                    label = demonstrate(env.world, conversation, conversation.observe())
                    assert label is not None, (split, difficulty, seed, env.world.oracle())
                    before = len(turns)
                    turns, _, terminated, truncated, _ = env.step(label.decision)
                    conversation.extend(turns[before:])
                    over = terminated or truncated


def test_collectors_share_the_environments_and_a_dead_one_is_named() -> None:
    made = parallel.plans(parallel.Plan(library.get("echo")(), "easy", 5, 0), 2)
    assert [plan.environments for plan in made] == [3, 2]
    order = Order(4, 0.9, 0.9, Stage("easy"))
    with parallel.Collectors(made) as collectors:
        batches, finished = collectors.collect(WEIGHTS, order)
        assert [len(batch) for batch in batches] == [12, 8]
        assert finished.count == len(finished.rewards)
        process, _ = collectors._remote[0]
        process.kill()
        process.join()
        with pytest.raises(RuntimeError, match="collector process has died"):
            collectors.collect(WEIGHTS, order)


def progress(episodes: int) -> Progress:
    state = TrainerState(
        {"a": np.arange(4), "b": np.ones((2, 3)).T, "c": np.array(7)}, {"rng": 2**100, "x": 0.1}
    )
    return Progress("training", 1, episodes, 100, 50, 1.0, weights=WEIGHTS, state=state)


def test_a_checkpoint_gives_back_what_went_in(tmp_path: Path) -> None:
    digest = checkpoint.save_checkpoint(tmp_path / "one", progress(10), {"scenario": "echo"})
    found = checkpoint.load_checkpoint(tmp_path / "one", digest)
    state = progress(10).state
    assert state is not None
    assert found.facts == state.facts
    assert {name: (v.dtype, v.tolist()) for name, v in found.arrays.items()} == {
        name: (v.dtype, v.tolist()) for name, v in state.arrays.items()
    }
    assert found.weights.keys() == WEIGHTS.keys()


@pytest.mark.parametrize("name", ["policy.safetensors", "state.safetensors", "manifest.json"])
@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, name: str, harm: str) -> None:
    digest = checkpoint.save_checkpoint(tmp_path / "one", progress(10))
    file = tmp_path / "one" / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    if harm == "remove":
        file.unlink()
    else:
        file.write_bytes(data if harm == "flip" else data[: len(data) // 2])
    with pytest.raises(BundleError):
        checkpoint.load_checkpoint(tmp_path / "one", digest)


def test_a_full_disk_leaves_the_earlier_checkpoint_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = checkpoint.save_checkpoint(tmp_path / "one", progress(10))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("models_registry.artifacts.bundle.write_json", full)
    with pytest.raises(checkpoint.CheckpointError, match=r"episode 20 .*No space left"):
        checkpoint.save_checkpoint(tmp_path / "two", progress(20))
    checkpoint.load_checkpoint(tmp_path / "one", digest)
    assert [p.name for p in tmp_path.iterdir()] == ["one"]


def test_a_checkpoint_needs_weights_and_state(tmp_path: Path) -> None:
    for lacking in (replace(progress(1), weights=None), replace(progress(1), state=None)):
        with pytest.raises(ValueError, match="no weights and state"):
            checkpoint.save_checkpoint(tmp_path / "x", lacking)


def test_every_baseline_makes_only_valid_calls_and_comes_to_an_end() -> None:
    scenario = library.get("customer_support")()
    exam = Exam(scenario, "validation", "medium", 12, 1)
    for name, agent in baselines(scenario, 0).items():
        for _, record, _ in play(agent, exam):
            assert len(record.steps) <= scenario.max_steps["medium"], name
            for step in record.steps:
                content = step.turns[-1].content
                if isinstance(content, dict):
                    assert content.get("error") != "invalid_arguments", (name, step.decision)


def test_a_policy_agent_forgets_when_it_has_met_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = library.get("echo")()
    agent = agents.PolicyAgent(Forward(WEIGHTS))
    monkeypatch.setattr(agents, "REMEMBERED", 0)
    records = list(play(agent, Exam(scenario, "validation", "easy", 3, 1)))
    assert len(records) == 3
