"""Where updates run. There may be no GPU here: what needs one is asked of torch, and the rest is tested on the CPU."""

from __future__ import annotations

import pytest
import torch

from training.rl import device
from training.rl.config import parse_config
from training.rl.device import Device, NoDevice, choose, kept, probe, quicker
from training.rl.problem import problem_of
from training.rl.progress import Progress
from training.rl.rollout import Order
from training.rl.train import train

CONFIG = parse_config({"scenario": "echo", "difficulty": "easy", "episodes": 60, "collectors": 1, "environments": 8, "evaluation_tasks": 2, "evaluation_attempts": 1})  # fmt: skip


@pytest.fixture(scope="module")
def rollout() -> tuple[object, list[object]]:
    problem = problem_of(CONFIG)
    with problem.source() as source:
        order = Order(8, 0.95, 0.9, problem.stages[0])
        batches, _ = source.collect(problem.network.export(), order)
    return problem, list(batches)


def first(**more: object) -> Progress:
    steps = train(parse_config({**CONFIG.as_json(), **more}))
    found = next(steps)
    steps.close()
    return found


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_cpu_is_taken_and_the_run_says_so() -> None:
    assert first().device == Device("cpu", "No GPU is there.")


def test_the_cpu_can_be_asked_for() -> None:
    assert first(device="cpu").device == Device("cpu", "The CPU was asked for.")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(NoDevice, match="device=auto"):
        first(device="cuda")


def test_the_choice_is_told_once() -> None:
    told = [p.device for p in train(CONFIG) if p.phase == "training"]
    assert told[0] is not None
    assert set(told[1:]) == {None}


def test_a_network_of_numpy_stays_on_the_cpu() -> None:
    problem = problem_of(parse_config({"scenario": "gym:CartPole-v1"}))
    assert "written for the CPU" in choose("cuda", problem, [], 8).reason


@pytest.mark.parametrize(
    ("seconds", "name", "words"),
    [
        ({"cpu": 0.010, "cuda": 0.002}, "cuda", "2.0 ms on H1, 10.0 ms on the CPU"),
        ({"cpu": 0.010, "cuda": 0.009}, "cpu", "does not pay"),
    ],
)
def test_the_quicker_device_is_taken_where_it_pays(
    rollout: tuple[object, list[object]],
    monkeypatch: pytest.MonkeyPatch,
    seconds: dict[str, float],
    name: str,
    words: str,
) -> None:
    monkeypatch.setattr(device, "probe", lambda network, where, *_: seconds[where])
    found = quicker(rollout[0], rollout[1], 64, "H1")  # type: ignore[arg-type]
    assert found.name == name
    assert words in found.reason


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_fails_is_left_alone(rollout: tuple[object, list[object]]) -> None:
    found = quicker(rollout[0], rollout[1], 64, "H1")  # type: ignore[arg-type]
    assert found.name == "cpu"
    assert "failed on the GPU (H1)" in found.reason


def test_a_probe_updates_nothing_that_the_run_uses(rollout: tuple[object, list[object]]) -> None:
    problem, batches = rollout
    before = problem.network.export()  # type: ignore[attr-defined]
    assert probe(problem.twin(), "cpu", batches, 64) > 0  # type: ignore[attr-defined, arg-type]
    after = problem.network.export()  # type: ignore[attr-defined]
    assert all((before[name] == after[name]).all() for name in before)


def test_every_tensor_of_a_minibatch_moves(rollout: tuple[object, list[object]]) -> None:
    import numpy as np

    mini = rollout[1][0].minibatch(np.arange(4))  # type: ignore[attr-defined]
    moved = mini.to("meta")
    tensors = [
        v for v in (getattr(moved, n) for n in moved.__slots__) if isinstance(v, torch.Tensor)
    ]
    assert len(tensors) > 15
    assert {tensor.device.type for tensor in tensors} == {"meta"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_run_whose_gpu_is_gone_goes_on_without_it() -> None:
    assert kept(Device("cuda", "")).name == "cpu"
    assert kept(Device("cpu", "x")) == Device("cpu", "x")
