"""Rollout: many conversations side by side, one batched decision at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models_registry.policies.bags import Bag
from models_registry.policies.batch import collate_pointers, collate_states
from models_registry.policies.conversation import Choices, Conversation
from models_registry.policies.runtime import Forward, Sample, decide
from models_registry.policies.toolset import ToolSet
from scenarios.core.env import ToolEnv
from scenarios.core.types import Turn
from training.rl.batch import Batch
from training.rl.episodes import EpisodeBuilder
from training.rl.imitation import demonstrate
from training.rl.progress import EpisodeRecord
from training.rl.returns import gae

MAX_WORD_DROPOUT = 0.5
"""Training leaves out up to this share of a request's words, drawn per conversation: the policy meets whole requests,
and ones of which half is missing, so that unseen wording is no surprise."""


@dataclass(slots=True)
class Finished:
    """The episodes that ended during a rollout, and what the decisions of this rollout were worth."""

    count: int = 0
    """Episodes that ended, those of the oracle included; the lists hold only the policy's own."""
    episodes: list[EpisodeRecord] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    successes: list[bool] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    calls: int = 0
    right_calls: int = 0

    def add(self, other: Finished) -> None:
        """Take in what another collector finished."""
        self.count += other.count
        self.episodes += other.episodes
        self.rewards += other.rewards
        self.successes += other.successes
        self.lengths += other.lengths
        self.calls += other.calls
        self.right_calls += other.right_calls


@dataclass(slots=True)
class _Lane:
    """One environment with the conversation that runs in it."""

    env: ToolEnv
    conversation: Conversation
    turns: tuple[Turn, ...]
    builder: EpisodeBuilder
    guided: bool = False
    """Whether the oracle acts in this episode (warm start only)."""


class Collector:
    """`environments` training conversations that go on from rollout to rollout.

    make_env: a fresh environment. Everything is drawn from `seed`: tasks, decisions, word dropout. While `guidance` is
    a number, that share of new episodes is acted by the oracle, and the batch holds its decisions in place of the ones
    that were taken; episodes that the oracle acted are not counted as the policy's.
    """

    def __init__(
        self,
        make_env: Callable[[], ToolEnv],
        environments: int,
        seed: tuple[int, ...],
        guidance: float | None = None,
    ) -> None:
        self.tools = ToolSet(make_env().scenario.tools)
        self.rng = np.random.default_rng([*seed, 1])
        self.word_rng = np.random.default_rng([*seed, 2])
        self.guidance = guidance
        self.lanes = [self._open(make_env()) for _ in range(environments)]

    def _open(self, env: ToolEnv) -> _Lane:
        env.reset(seed=int(self.rng.integers(2**31 - 1)))
        return self._lane(env)

    def _lane(self, env: ToolEnv) -> _Lane:
        turns, info = env.reset()
        dropout = self.word_rng.uniform(0, MAX_WORD_DROPOUT)
        conversation = Conversation(self.tools, dropout=dropout, rng=self.word_rng)
        conversation.extend(turns)
        guided = self.guidance is not None and self.rng.random() < self.guidance
        return _Lane(env, conversation, turns, EpisodeBuilder(info, turns), guided)

    def collect(
        self, forward: Forward, steps: int, discount: float, lam: float
    ) -> tuple[Batch, Finished]:
        """`steps` decisions in every environment; the batch holds steps * environments decisions, time-major."""
        forward.forget()
        count = len(self.lanes)
        samples: list[Sample] = []
        rewards = np.zeros((steps, count), dtype=np.float32)
        next_values = np.zeros((steps, count), dtype=np.float32)
        terminated = np.zeros((steps, count), dtype=np.bool_)
        truncated = np.zeros((steps, count), dtype=np.bool_)
        finished = Finished()
        taught: list[Sample | None] = []
        cut: dict[int, float] = {}
        for t in range(steps):
            now = decide(forward, [lane.conversation for lane in self.lanes], self.rng)
            if self.guidance is not None:
                taught += [self._taught(n, sample) for n, sample in enumerate(now)]
            samples.extend(now)
            if t:
                next_values[t - 1] = [s.value for s in now]
                next_values[t - 1, list(cut)] = list(cut.values())
            ended: dict[int, Conversation] = {}
            for n, sample in enumerate(now):
                rewards[t, n], terminated[t, n], truncated[t, n] = self._step(
                    n, sample, finished, ended
                )
            cut = self._values(
                forward, ended
            )  # a truncated conversation has a future, but it is not the next row's
        next_values[-1, :] = list(
            self._values(forward, {n: x.conversation for n, x in enumerate(self.lanes)}).values()
        )
        next_values[-1, list(cut)] = list(cut.values())
        values = np.array([s.value for s in samples], dtype=np.float32).reshape(steps, count)
        advantages, returns = gae(
            rewards, values, next_values, terminated, truncated, discount, lam
        )
        kept = [i for i in range(len(samples)) if self.guidance is None or taught[i] is not None]
        learned = samples if self.guidance is None else [s for s in taught if s is not None]
        batch = self._batch(forward, learned, advantages.ravel()[kept], returns.ravel()[kept])
        return batch, finished

    def _taught(self, n: int, sample: Sample) -> Sample | None:
        """What the oracle would do here; in a guided episode it is also what is done."""
        lane = self.lanes[n]
        if lane.env.world is None:
            return None
        label = demonstrate(lane.env.world, lane.conversation, sample.observation)
        if lane.guided:
            sample.decision = label.decision if label is not None else lane.env.world.oracle()
        return label

    def _step(
        self, n: int, sample: Sample, finished: Finished, ended: dict[int, Conversation]
    ) -> tuple[float, bool, bool]:
        lane = self.lanes[n]
        before = len(lane.turns)
        turns, reward, terminated, truncated, info = lane.env.step(sample.decision)
        lane.turns = turns
        lane.conversation.extend(turns[before:])
        lane.builder.add(sample.decision, turns[before:], reward, info)
        if sample.decision.kind == "tool" and not lane.guided:
            finished.calls += 1
            finished.right_calls += info["verdict"].right
        if terminated or truncated:
            episode = lane.builder.finish(success=info["success"], truncated=truncated)
            finished.count += 1
            if not lane.guided:
                finished.episodes.append(episode)
                finished.rewards.append(episode.total_reward)
                finished.successes.append(episode.success)
                finished.lengths.append(len(episode.steps))
            if truncated:
                ended[n] = lane.conversation
            self.lanes[n] = self._lane(lane.env)
        return reward, terminated, truncated

    def _values(self, forward: Forward, conversations: dict[int, Conversation]) -> dict[int, float]:
        """Value of each conversation's present state by lane."""
        if not conversations:
            return {}
        states = collate_states(forward.table, [c.observe() for c in conversations.values()])
        return dict(
            zip(conversations, map(float, forward.values(forward.state(states))), strict=True)
        )

    def _batch(
        self,
        forward: Forward,
        samples: list[Sample],
        advantages: NDArray[np.float32],
        returns: NDArray[np.float32],
    ) -> Batch:
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
            np.array([table.number(view.bag) for view in self.tools.views], dtype=np.int64),
            np.array([s.tool for s in samples], dtype=np.int64),
            np.array(chosen, dtype=np.int64),
            np.array([s.log_prob for s in samples], dtype=np.float32),
            advantages,
            returns,
        )
