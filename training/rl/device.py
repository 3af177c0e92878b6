"""Where the updates run: on the CPU, or on a GPU where one is there and is quicker for this very network."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from training.rl.algorithms.base import Experience, Network
from training.rl.problem import Problem

CPU, GPU, AUTO = "cpu", "cuda", "auto"
PROBES = 6
"""Minibatches whose update is timed on each device; the first two only warm up."""
WORTH = 0.8
"""A GPU is taken where an update costs at most so much of the CPU's time: moving weights back and forth costs too."""


class NoDevice(RuntimeError):
    """The device that was asked for is not there."""


@dataclass(frozen=True, slots=True)
class Device:
    """The choice (a torch device's name) and, in words, why."""

    name: str
    reason: str

    @property
    def label(self) -> str:
        return "GPU" if self.name == GPU else "CPU"


def choose(wanted: str, problem: Problem, batches: Sequence[Experience], size: int) -> Device:
    """The device for a run. wanted: `auto`, `cpu` or `cuda`; batches: its first rollout, which `auto` is timed on.

    Raises `NoDevice` where a GPU was asked for and there is none.
    """
    there = torch.cuda.is_available()
    if wanted == CPU:
        return Device(CPU, "The CPU was asked for.")
    if not problem.network.movable:
        return Device(CPU, "The update of this network is written for the CPU.")
    if wanted == GPU and not there:
        raise NoDevice("A GPU was asked for, and torch sees none; set device=auto or device=cpu.")
    if wanted == GPU:
        return Device(GPU, f"The GPU was asked for: {torch.cuda.get_device_name()}.")
    if not there:
        return Device(CPU, "No GPU is there.")
    return quicker(problem, batches, size, torch.cuda.get_device_name())


def kept(device: Device) -> Device:
    """The device of a run that goes on; the CPU where its GPU is gone."""
    if device.name == GPU and not torch.cuda.is_available():
        return Device(CPU, "The GPU that the run began on is not there any more.")
    return device


def quicker(problem: Problem, batches: Sequence[Experience], size: int, gpu_name: str) -> Device:
    """Time the same updates on both devices, with networks that nobody else uses."""
    seconds = {}
    for name in (CPU, GPU):
        try:
            seconds[name] = probe(problem.twin(), name, batches, size)
        except (
            RuntimeError,
            AssertionError,
        ) as problem_there:  # a kernel that is missing, or no memory left
            why = str(problem_there).splitlines()[0][:160]
            return Device(CPU, f"The update failed on the GPU ({gpu_name}): {why}")
    times = f"{seconds[GPU] * 1e3:.1f} ms on {gpu_name}, {seconds[CPU] * 1e3:.1f} ms on the CPU"
    if seconds[GPU] <= WORTH * seconds[CPU]:
        return Device(GPU, f"An update takes {times}.")
    return Device(CPU, f"The GPU does not pay: an update takes {times}.")


def probe(network: Network, device: str, batches: Sequence[Experience], size: int) -> float:
    """Median seconds of forward and backward over one minibatch."""
    network.place(device)
    spent = []
    for number in range(PROBES):
        batch = batches[number % len(batches)]
        mini = batch.minibatch(np.arange(min(size, len(batch))))
        began = time.perf_counter()
        log_probs, entropy, values = network.terms(network.placed(mini))
        (log_probs.sum() + entropy.sum() + values.sum()).backward()  # type: ignore[no-untyped-call]
        if device == GPU:
            torch.cuda.synchronize()
        spent.append(time.perf_counter() - began)
    return float(np.median(spent[2:]))
