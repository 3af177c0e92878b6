"""Rollout: many conversations side by side, one batched decision at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_registry.policies.bags import Bag
from models_registry.policies.batch import collate_pointers, collate_states
from models_registry.policies.conversation import Choices, Conversation, Observation
from models_registry.policies.runtime import Forward, Sample, decide
from models_registry.policies.toolset import ToolSet
from scenarios.core.env import ToolEnv
from scenarios.core.stage import Stage
from training.rl.algorithms.base import Credit
from training.rl.batch import Batch
from training.rl.lanes import Finished, Lanes
from training.rl.returns import gae, outcomes

Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Order:
    """One rollout: how long, how rewards are credited, who acts, on which tasks.

    steps: decisions per environment. guidance: share of the episodes that the oracle acts, None after the warm start.
    credit: `gae` cuts conversations anywhere and goes on with them in the next rollout; `outcome` and `group` play
    whole episodes, with a group of `group_size` lanes attempting the same task. epoch: where it changes, all
    conversations start afresh.
    """

    steps: int
    discount: float
    lam: float
    stage: Stage
    guidance: float | None = None
    credit: Credit = "gae"
    group_size: int = 1
    epoch: int = 0


class Collector:
    """Training conversations that go on from rollout to rollout. Everything is drawn from `seed` and the order's epoch."""

    def __init__(
        self, make_env: Callable[[], ToolEnv], environments: int, seed: tuple[int, ...]
    ) -> None:
        self.make_env, self.environments, self.seed = make_env, environments, seed
        self.epoch: int | None = None
        self.lanes: Lanes

    def collect(self, weights: Weights, order: Order) -> tuple[list[Batch], Finished]:
        """One rollout; in the warm start the batch holds the oracle's decisions in place of those that were taken."""
        forward = Forward(weights)
        if order.epoch != self.epoch:
            self.epoch = order.epoch
            seed = (*self.seed, order.epoch)
            self.lanes = Lanes(self.make_env, self.environments, seed, order.stage)
        self.lanes.guidance, self.lanes.stage = order.guidance, order.stage
        play = _cut_anywhere if order.credit == "gae" else _whole_episodes
        made, finished = play(forward, self.lanes, order)
        return [made], finished


def _cut_anywhere(forward: Forward, lanes: Lanes, order: Order) -> tuple[Batch, Finished]:
    """`steps` decisions in every lane, time-major; advantages by GAE, with the cut ends bootstrapped."""
    lanes.open_all()
    shape = (order.steps, len(lanes))
    samples: list[Sample] = []
    rewards, next_values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    terminated, truncated = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    finished = Finished()
    taught: list[Sample | None] = []
    cut: dict[int, float] = {}
    for t in range(order.steps):
        now = decide(forward, lanes.conversations(), lanes.rng, lanes.free())
        if order.guidance is not None:
            taught += [lanes.taught(n, sample) for n, sample in enumerate(now)]
        samples.extend(now)
        if t:
            next_values[t - 1] = [s.value for s in now]
            next_values[t - 1, list(cut)] = list(cut.values())
        ended: dict[int, Conversation] = {}
        for n, sample in enumerate(now):
            step = lanes.step(n, sample, finished)
            rewards[t, n], terminated[t, n], truncated[t, n] = (
                step.reward,
                step.terminated,
                step.truncated,
            )
            if step.truncated and step.ended is not None:
                ended[n] = step.ended
        # A truncated conversation has a future, but it is not the next row's.
        cut = _values(forward, ended)
    next_values[-1] = list(_values(forward, dict(enumerate(lanes.conversations()))).values())
    next_values[-1, list(cut)] = list(cut.values())
    values = np.array([s.value for s in samples], dtype=np.float32).reshape(shape)
    advantages, returns = gae(
        rewards, values, next_values, terminated, truncated, order.discount, order.lam
    )
    if order.guidance is None:
        return batch(forward, lanes.tools, samples, advantages.ravel(), returns.ravel()), finished
    kept = [i for i, label in enumerate(taught) if label is not None]
    labels = [label for label in taught if label is not None]
    made = batch(forward, lanes.tools, labels, advantages.ravel()[kept], returns.ravel()[kept])
    return made, finished


def _whole_episodes(forward: Forward, lanes: Lanes, order: Order) -> tuple[Batch, Finished]:
    """Rounds of one whole episode per lane, until there are about `steps` decisions per lane."""
    samples: list[Sample] = []
    episode: list[int] = []
    totals: list[float] = []
    groups: list[int] = []
    finished = Finished()
    size = order.group_size if order.credit == "group" else 1
    while len(samples) < order.steps * len(lanes):
        first, count = len(totals), len(lanes)
        seeds = lanes.rng.integers(2**31 - 1, size=-(-count // size))
        tasks = [{"task_seed": int(seeds[n // size]), "attempt": n % size} for n in range(count)]
        lanes.start(tasks)
        totals += [0.0] * count
        groups += [(first + n) // size for n in range(count)]
        playing = list(range(count))
        while playing:
            now = decide(forward, [lanes.conversation(n) for n in playing], lanes.rng)
            samples += now
            episode += [first + n for n in playing]
            steps = [
                lanes.step(n, s, finished, reopen=False) for n, s in zip(playing, now, strict=True)
            ]
            for n, step in zip(playing, steps, strict=True):
                totals[first + n] += step.reward
            playing = [n for n, step in zip(playing, steps, strict=True) if step.ended is None]
    lanes.close_all()
    outcome = np.array(totals, dtype=np.float32)
    advantages = outcomes(outcome, np.array(groups) if order.credit == "group" else None)
    made = batch(forward, lanes.tools, samples, advantages[episode], outcome[episode])
    return made, finished


def _values(forward: Forward, conversations: dict[int, Conversation]) -> dict[int, float]:
    """Value of each conversation's present state by lane."""
    if not conversations:
        return {}
    states = collate_states(forward.table, [c.observe() for c in conversations.values()])
    values = map(float, forward.values(forward.state(states)))
    return dict(zip(conversations, values, strict=True))


def batch(
    forward: Forward,
    tools: ToolSet,
    samples: list[Sample],
    advantages: Floats,
    returns: Floats,
    joint: Sequence[Observation] = (),
) -> Batch:
    """The decisions as arrays, over the bags that `forward` has numbered. joint: what a team's critic reads of each."""
    table = forward.table
    at: list[int] = []
    choices: list[Choices] = []
    previous: list[Bag | None] = []
    chosen: list[int] = []
    for i, sample in enumerate(samples):
        before: Bag | None = None
        for choice, index in zip(sample.choices, sample.chosen, strict=True):
            at.append(i)
            choices.append(choice)
            previous.append(before)
            chosen.append(index)
            before = choice.candidates[index].bag
    return Batch(
        table,
        collate_states(table, [s.observation for s in samples]),
        collate_pointers(table, at, choices, previous),
        np.array([table.number(view.bag) for view in tools.views], dtype=np.int64),
        np.array([s.tool for s in samples], dtype=np.int64),
        np.array(chosen, dtype=np.int64),
        np.array([s.log_prob for s in samples], dtype=np.float32),
        advantages,
        returns,
        joint=collate_states(table, joint) if joint else None,
    )
