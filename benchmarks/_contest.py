"""One training of ours or of a peer, in a process of its own, with what it reached and what it cost."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

import gymnasium
import numpy as np
import torch

from models_registry.artifacts.bundle import Weights
from training.rl.config import parse_config
from training.rl.gym import presets
from training.rl.gym.problem import TEST_SEEDS
from training.rl.problem import problem_of
from training.rl.train import train

WINDOW = 100
"""Episodes whose mean return has to reach the threshold."""


@dataclass(frozen=True, slots=True)
class Zoo:
    """Settings as rl-baselines3-zoo has them (hyperparams/ppo.yml, 00128b5d); steps is our budget, where theirs is longer."""

    steps: int
    environments: int
    rollout_steps: int
    batch_size: int = 64
    epochs: int = 4
    discount: float = 0.99
    lam: float = 0.95
    rate: float = 3e-4
    entropy: float = 0.0
    decays: bool = False
    normalise: bool = False


@dataclass(slots=True)
class Clock:
    """CPU seconds (children included) and wall seconds of a training, and when it reached its target."""

    target: float | None
    cpu: float = 0.0
    wall: float = 0.0
    steps: int = 0
    at: dict[str, float] | None = None
    returns: deque[tuple[int, float]] = field(default_factory=deque)
    began: tuple[float, float] = (0.0, 0.0)

    def start(self) -> None:
        self.began = _cpu(), time.perf_counter()

    def add(self, steps: int, episodes: int, mean: float | None) -> None:
        """Take in one rollout: its episodes and their mean return."""
        self.steps = steps
        self.cpu, self.wall = _cpu() - self.began[0], time.perf_counter() - self.began[1]
        if not episodes or mean is None:
            return
        self.returns.append((episodes, mean))
        while sum(n for n, _ in self.returns) - self.returns[0][0] >= WINDOW:
            self.returns.popleft()
        count = sum(n for n, _ in self.returns)
        recent = sum(n * value for n, value in self.returns) / count
        there = self.target is not None and count >= WINDOW and recent >= self.target
        if there and self.at is None:
            self.at = {"cpu": self.cpu, "wall": self.wall, "steps": steps}

    def result(self, reached: float) -> dict[str, Any]:
        return {"return": reached, "cpu": self.cpu, "wall": self.wall, "steps": self.steps, "at": self.at}  # fmt: skip


def _cpu() -> float:
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def ours(
    env: str, settings: dict[str, Any], zoo: Zoo | None, target: float | None
) -> dict[str, Any]:
    """Our trainer on a Gymnasium environment; zoo: its schedule and scaling in place of the preset's."""
    if zoo is not None:
        usual = presets.preset(env)
        presets.PRESETS[env] = replace(
            usual, normalise=zoo.normalise, final_rate=0.0 if zoo.decays else 1.0
        )
    config = parse_config({"scenario": f"gym:{env}", **settings})
    for _ in train(replace(config, steps=300, evaluation_tasks=1, environments=2)):
        pass  # what is only imported once
    clock, episodes = Clock(target), 0
    weights: Weights = {}
    clock.start()
    for progress in train(config):
        if progress.metrics:
            more = progress.episodes - episodes
            episodes = progress.episodes
            clock.add(progress.env_steps, more, progress.metrics["reward"])
        weights = progress.weights or weights
        if progress.fraction == 1 and progress.weights:
            break  # all is learned; the evaluation would follow
    task: Any = problem_of(config)
    *_, played = task.play(weights, TEST_SEEDS, config.evaluation_tasks)
    return clock.result(float(np.mean(played.returns)))


def ours_on_support(settings: dict[str, Any], tasks: int) -> dict[str, Any]:
    """Our trainer on the scenario itself; reached: share of validation tasks that succeed."""
    config = parse_config({"scenario": "customer_support", "collectors": 1, **settings})
    for _ in train(replace(config, episodes=1, evaluation_tasks=1, evaluation_attempts=1)):
        break
    clock = Clock(None)
    weights: Weights = {}
    clock.start()
    for progress in train(config):
        if progress.metrics:
            clock.add(progress.env_steps, 0, None)
        weights = progress.weights or weights
        if progress.fraction == 1 and progress.weights:
            break  # all is learned; the evaluation would follow
    return clock.result(problem_of(config).validate(weights)["validation_success"] or 0.0)


def sb3(env: str, zoo: Zoo, seed: int, episodes: int, target: float | None) -> dict[str, Any]:
    """Stable-Baselines3's PPO on the same environment."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import VecNormalize

    torch.set_num_threads(1)
    vec: Any = make_vec_env(env, n_envs=zoo.environments, seed=seed)
    if zoo.normalise:
        vec = VecNormalize(vec, gamma=zoo.discount)
    model = PPO(
        "MlpPolicy",
        vec,
        n_steps=zoo.rollout_steps,
        batch_size=zoo.batch_size,
        n_epochs=zoo.epochs,
        gamma=zoo.discount,
        gae_lambda=zoo.lam,
        ent_coef=zoo.entropy,
        learning_rate=(lambda left: left * zoo.rate) if zoo.decays else zoo.rate,
        clip_range=(lambda left: left * 0.2) if zoo.decays else 0.2,
        seed=seed,
        device="cpu",
    )
    _warm_up(PPO, make_vec_env("CartPole-v1"))
    clock = Clock(target)
    _learn(model, zoo.steps, clock)
    scaled = vec.normalize_obs if zoo.normalise else lambda observation: observation
    return clock.result(_mean_return(env, model, scaled, episodes))


def maskable(steps: int, seed: int, tasks: int) -> dict[str, Any]:
    """sb3-contrib's MaskablePPO on the flattened scenario; reached: share of validation tasks that succeed."""
    from sb3_contrib import MaskablePPO
    from stable_baselines3.common.env_util import make_vec_env

    from benchmarks._flat import FlatSupport

    torch.set_num_threads(1)
    # Its defaults, but for the batch: 64 as it comes is slower.
    settings: dict[str, Any] = {"n_steps": 64, "batch_size": 256, "n_epochs": 4, "gamma": 0.95}
    vec: Any = make_vec_env(FlatSupport, n_envs=16, seed=seed)
    model = MaskablePPO("MlpPolicy", vec, seed=seed, device="cpu", gae_lambda=0.9, **settings)
    _warm_up(MaskablePPO, make_vec_env(FlatSupport))
    clock = Clock(None)
    _learn(model, steps, clock)
    env = FlatSupport(split="validation")
    won = 0
    for task in range(tasks):
        seen, _ = env.reset(options={"task_seed": task, "attempt": 0})
        over, info = False, {}
        while not over:
            action, _ = model.predict(seen, action_masks=env.action_masks(), deterministic=True)
            seen, _, terminated, truncated, info = env.step(action)
            over = terminated or truncated
        won += info["is_success"]
    return clock.result(won / tasks)


def _warm_up(kind: Any, vec: Any) -> None:
    kind("MlpPolicy", vec, n_steps=32, batch_size=32, device="cpu").learn(32)


def _learn(model: Any, steps: int, clock: Clock) -> None:
    """Learn, and tell the clock after every update."""
    since: list[float] = []

    def tell(done: int) -> None:
        clock.add(done, len(since), float(np.mean(since)) if since else None)
        since.clear()

    def after_step(locals_: dict[str, Any], _: Any) -> bool:
        step, count = locals_["n_steps"], model.n_envs
        if step == 0 and model.num_timesteps > count:  # the update of the rollout before is done
            tell(model.num_timesteps - count)
        since.extend(info["episode"]["r"] for info in locals_["infos"] if "episode" in info)
        return True

    clock.start()
    model.learn(steps, callback=after_step)
    tell(model.num_timesteps)


def _mean_return(env_id: str, model: Any, scaled: Any, episodes: int) -> float:
    env = gymnasium.make(env_id)
    totals = []
    for number in range(episodes):
        seen, _ = env.reset(seed=TEST_SEEDS + number)
        total, over = 0.0, False
        while not over:
            action, _ = model.predict(scaled(seen), deterministic=True)
            seen, reward, terminated, truncated, _ = env.step(int(action))
            total, over = total + float(reward), terminated or truncated
        totals.append(total)
    return float(np.mean(totals))
