"""Rollouts of Gymnasium environments: side by side in one process, one batched decision at a time, no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import numpy as np

from training.rl.gym.network import GymExperience
from training.rl.gym.scales import LIMIT, SCALES, Eye
from training.rl.gym.spaces import Actions, Bools, Env, Floats, Ints, Observations, mask_of
from training.rl.gym.towers import Actor
from training.rl.lanes import Finished
from training.rl.returns import gae
from training.rl.rollout import Order

Weights = Mapping[str, Floats]


@dataclass(slots=True)
class Lane:
    """An environment and the episode that runs in it."""

    env: Env
    observation: Any = None
    mask: Any = None
    total: float = 0.0
    length: int = 0

    def open(self, seed: int | None = None) -> None:
        """Start an episode; without a seed, the environment's own random numbers go on."""
        self.observation, info = self.env.reset(seed=seed)
        self.mask = mask_of(self.env, info)
        self.total, self.length = 0.0, 0

    def step(self, action: Any) -> tuple[float, bool, bool, dict[str, Any]]:
        """Reward, terminated, truncated and info; the next observation and its mask are kept."""
        self.observation, reward, terminated, truncated, info = self.env.step(action)
        self.total += float(reward)
        self.length += 1
        if self.mask is not None:
            self.mask = mask_of(self.env, info)
        return float(reward), bool(terminated), bool(truncated), info


@dataclass(slots=True)
class _Rollout:
    """T steps of N environments. ends: (step, environment, last observation) of every truncated episode."""

    observations: Floats
    noise: Floats
    scores: Floats
    chosen: Ints
    mask: Bools | None
    rewards: Floats
    terminated: Bools
    truncated: Bools
    ends: list[tuple[int, int, Any]] = field(default_factory=list)

    @classmethod
    def empty(cls, shape: tuple[int, int], features: int, noise: Floats, heads: int) -> _Rollout:
        return cls(
            np.empty((*shape, features), np.float32),
            noise,
            np.empty_like(noise),
            np.empty((*shape, heads), np.int64),
            None,
            np.zeros(shape, np.float32),
            np.zeros(shape, np.bool_),
            np.zeros(shape, np.bool_),
        )


class GymSource:
    """Training environments; use as a context, which closes them. Everything is drawn from `seed` and the order's epoch.

    scaled: told the new scales after every rollout; None where observations and rewards stay as they are.
    """

    def __init__(
        self,
        make: Callable[[], Env],
        count: int,
        seed: int,
        scaled: Callable[[dict[str, Floats]], None] | None = None,
    ) -> None:
        self.make, self.count, self.seed, self.scaled = make, count, seed, scaled
        self.epoch: int | None = None
        self.lanes: list[Lane] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for lane in self.lanes:
            lane.env.close()

    def collect(self, weights: Weights, order: Order) -> tuple[list[GymExperience], Finished]:
        """One rollout of `order.steps` decisions per environment, time-major."""
        if order.epoch != self.epoch:
            self._open(order.epoch)
        actor, eye = Actor(weights), Eye(weights, on=self.scaled is not None)
        finished = Finished()
        rollout, raw = self._play(actor, eye, order.steps, finished)
        rewards = rollout.rewards
        if self.scaled is not None:
            rewards = self._rescale(weights, rollout, raw, order.discount)
        values, next_values = self._values(actor, eye, rollout)
        advantages, returns = gae(
            rewards,
            values,
            next_values,
            rollout.terminated,
            rollout.truncated,
            order.discount,
            order.lam,
        )
        return [self._experience(rollout, advantages, returns)], finished

    def _open(self, epoch: int) -> None:
        """New environments and new random numbers: what went before must not matter."""
        self.__exit__(None, None, None)
        self.epoch = epoch
        self.rng = np.random.default_rng([self.seed, 6, epoch])
        self.lanes = [Lane(self.make()) for _ in range(self.count)]
        self.views = Observations(self.lanes[0].env.observation_space)
        self.actions = Actions(self.lanes[0].env.action_space)
        self.sums = np.zeros(self.count, np.float32)
        for lane in self.lanes:
            lane.open(int(self.rng.integers(2**31 - 1)))

    def _play(
        self, actor: Actor, eye: Eye, steps: int, finished: Finished
    ) -> tuple[_Rollout, Floats]:
        """The rollout, and the observations as they were before they were scaled."""
        shape = (steps, self.count)
        noise = self.rng.gumbel(size=(*shape, self.actions.size)).astype(np.float32)
        rollout = _Rollout.empty(shape, self.views.size, noise, len(self.actions.sizes))
        raw = np.empty_like(rollout.observations)
        masked = self.lanes[0].mask is not None
        if masked:
            rollout.mask = np.empty(noise.shape, np.bool_)
        for t in range(steps):
            raw[t] = self.views.encode([lane.observation for lane in self.lanes])
            rollout.observations[t] = eye(raw[t])
            scores = actor.scores(rollout.observations[t])
            if rollout.mask is not None:
                rollout.mask[t] = [self.actions.mask(lane.mask) for lane in self.lanes]
                scores = np.where(rollout.mask[t], scores, -np.inf)
            rollout.scores[t] = scores
            # The highest of score plus Gumbel noise is a draw from the softmax (Gumbel 1954).
            rollout.chosen[t] = self.actions.best(scores + noise[t])
            for n, action in enumerate(self.actions.decode(rollout.chosen[t])):
                self._step(rollout, t, n, action, finished)
        return rollout, raw

    def _step(self, rollout: _Rollout, t: int, n: int, action: Any, finished: Finished) -> None:
        lane = self.lanes[n]
        reward, terminated, truncated, info = lane.step(action)
        rollout.rewards[t, n] = reward
        if not (terminated or truncated):
            return
        rollout.terminated[t, n], rollout.truncated[t, n] = terminated, truncated
        if not terminated:
            rollout.ends.append((t, n, lane.observation))
        finished.count += 1
        finished.rewards.append(lane.total)
        finished.lengths.append(lane.length)
        if "is_success" in info:
            finished.successes.append(bool(info["is_success"]))
        lane.open()

    def _values(self, actor: Actor, eye: Eye, rollout: _Rollout) -> tuple[Floats, Floats]:
        """Value of every state and of what it led to, each (T, N), all in one call."""
        shape = rollout.rewards.shape
        last = [lane.observation for lane in self.lanes]
        beyond = eye(self.views.encode(last + [end for _, _, end in rollout.ends]))
        everything = np.concatenate([rollout.observations.reshape(-1, self.views.size), beyond])
        found = actor.values(everything)
        inside = shape[0] * shape[1]
        values = found[:inside].reshape(shape)
        next_values = np.concatenate([values[1:], found[None, inside : inside + self.count]])
        # A truncated episode has a future, but it is not the next row's.
        for (t, n, _), value in zip(rollout.ends, found[inside + self.count :], strict=True):
            next_values[t, n] = value
        return values, next_values

    def _rescale(self, weights: Weights, rollout: _Rollout, raw: Floats, discount: float) -> Floats:
        """Take the rollout into the scales; its rewards in the new one, (T, N)."""
        assert self.scaled is not None
        ended = rollout.terminated | rollout.truncated
        sums = np.empty_like(rollout.rewards)
        for t, rewards in enumerate(rollout.rewards):
            self.sums = (discount * self.sums + rewards).astype(np.float32)
            sums[t] = self.sums
            self.sums[ended[t]] = 0.0
        scale = SCALES.rewarded(weights, sums.ravel())
        self.scaled({**scale, **SCALES.observe(weights, raw.reshape(-1, self.views.size))})
        deviation = np.sqrt(scale["rewards.moments"][1] + np.float32(1e-8))
        scaled: Floats = np.clip(rollout.rewards / deviation, -LIMIT, LIMIT)
        return scaled

    def _experience(self, rollout: _Rollout, advantages: Floats, returns: Floats) -> GymExperience:
        chosen = rollout.chosen.reshape(-1, rollout.chosen.shape[-1])
        scores = rollout.scores.reshape(len(chosen), -1)
        return GymExperience(
            rollout.observations.reshape(len(chosen), -1),
            chosen,
            None if rollout.mask is None else rollout.mask.reshape(len(chosen), -1),
            self.actions.log_probs(scores, chosen),
            advantages.ravel(),
            returns.ravel(),
        )
