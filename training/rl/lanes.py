"""Lanes: environments with the conversations that run in them, and what became of their episodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models_registry.policies.bags import bag
from models_registry.policies.conversation import Conversation
from models_registry.policies.runtime import Sample
from models_registry.policies.toolset import ToolSet
from scenarios.core.env import ToolEnv
from scenarios.core.stage import Stage
from scenarios.core.types import Turn
from training.rl.episodes import EpisodeBuilder
from training.rl.imitation import demonstrate
from training.rl.progress import EpisodeRecord

MAX_WORD_DROPOUT = 0.5
"""Training leaves out up to this share of a request's words, drawn per conversation: the policy meets whole requests,
and ones of which half is missing, so that unseen wording is no surprise."""


@dataclass(slots=True)
class Finished:
    """The episodes that ended during a rollout."""

    count: int = 0
    """Episodes that ended, those of the oracle included; the lists hold only the policy's own."""
    episodes: list[EpisodeRecord] = field(default_factory=list)
    """Those worth a look: the first one, the first success, and each that was better than all before it."""
    rewards: list[float] = field(default_factory=list)
    successes: list[bool] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    calls: int = 0
    right_calls: int = 0

    def end(self, episode: EpisodeRecord) -> None:
        """Count an episode of the policy's own."""
        first = episode.success and not any(self.successes)
        if first or not self.episodes or episode.total_reward > max(self.rewards):
            self.episodes.append(episode)  # all of them would be most of what a collector sends
        self.rewards.append(episode.total_reward)
        self.successes.append(episode.success)
        self.lengths.append(len(episode.steps))

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
class Step:
    """What one decision in one lane led to. ended: the conversation, where the episode is over."""

    reward: float
    terminated: bool
    truncated: bool
    ended: Conversation | None


@dataclass(slots=True)
class _Lane:
    env: ToolEnv
    conversation: Conversation
    turns: tuple[Turn, ...]
    builder: EpisodeBuilder
    guided: bool = False
    """Whether the oracle acts in this episode (warm start only)."""


class Lanes:
    """`count` training environments. Everything is drawn from `seed`: tasks, decisions, word dropout.

    guidance: share of new episodes that the oracle acts, or None where no oracle is asked. stage: dials of new episodes.
    """

    def __init__(
        self, make_env: Callable[[], ToolEnv], count: int, seed: tuple[int, ...], stage: Stage
    ) -> None:
        # What is remembered about texts must not depend on what this process did before: equal seeds, equal bits.
        bag.cache_clear()
        self.rng = np.random.default_rng([*seed, 1])
        self.word_rng = np.random.default_rng([*seed, 2])
        self.guidance: float | None = None
        self.stage = stage
        self.envs = [make_env() for _ in range(count)]
        self.tools = ToolSet(self.envs[0].scenario.tools)
        for env in self.envs:
            env.reset(seed=int(self.rng.integers(2**31 - 1)))
        self._lanes: list[_Lane] = []

    def __len__(self) -> int:
        return len(self.envs)

    def open_all(self) -> None:
        """Start an episode in every lane that has none yet."""
        if not self._lanes:
            self._lanes = [self._open(env) for env in self.envs]

    def close_all(self) -> None:
        """Forget the episodes that are going on."""
        self._lanes = []

    def start(self, options: list[dict[str, Any]]) -> None:
        """Start the given tasks, one in every lane."""
        pairs = zip(self.envs, options, strict=True)
        self._lanes = [self._open(env, option) for env, option in pairs]

    def _open(self, env: ToolEnv, options: dict[str, Any] | None = None) -> _Lane:
        env.stage = self.stage
        turns, info = env.reset(options=options)
        dropout = self.word_rng.uniform(0, MAX_WORD_DROPOUT)
        conversation = Conversation(self.tools, dropout=dropout, rng=self.word_rng)
        conversation.extend(turns)
        guided = self.guidance is not None and self.rng.random() < self.guidance
        attempt = (options or {}).get("attempt", 0)
        return _Lane(env, conversation, turns, EpisodeBuilder(info, turns, attempt), guided)

    def conversations(self) -> list[Conversation]:
        return [lane.conversation for lane in self._lanes]

    def free(self) -> list[bool]:
        """Where the policy acts, and not the oracle."""
        return [not lane.guided for lane in self._lanes]

    def conversation(self, n: int) -> Conversation:
        return self._lanes[n].conversation

    def taught(self, n: int, sample: Sample) -> Sample | None:
        """What the oracle would do here; in a guided episode it is also what is done."""
        lane = self._lanes[n]
        if lane.env.world is None:
            return None
        label = demonstrate(lane.env.world, lane.conversation, sample.observation)
        if lane.guided:
            sample.decision = label.decision if label is not None else lane.env.world.oracle()
        return label

    def step(self, n: int, sample: Sample, finished: Finished, *, reopen: bool = True) -> Step:
        """Carry out a decision. reopen: start the next episode in this lane where this one ends."""
        lane = self._lanes[n]
        before = len(lane.turns)
        turns, reward, terminated, truncated, info = lane.env.step(sample.decision)
        lane.turns = turns
        lane.conversation.extend(turns[before:])
        lane.builder.add(sample.decision, turns[before:], reward, info)
        if sample.decision.kind == "tool" and not lane.guided:
            finished.calls += 1
            finished.right_calls += info["verdict"].right
        if not (terminated or truncated):
            return Step(reward, terminated, truncated, None)
        episode = lane.builder.finish(success=info["success"], truncated=truncated)
        finished.count += 1
        if not lane.guided:
            finished.end(episode)
        if reopen:
            self._lanes[n] = self._open(lane.env)
        return Step(reward, terminated, truncated, lane.conversation)
