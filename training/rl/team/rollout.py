"""Rollouts of teams: whole episodes side by side; the decisions of one role over all of them are one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from models_registry.policies.batch import collate_states
from models_registry.policies.conversation import Observation
from models_registry.policies.runtime import Forward, Sample, decide
from models_registry.policies.team import CRITIC, Floats, Weights, of_role
from scenarios.core.team_env import TeamEnv
from training.rl.batch import Batch
from training.rl.imitation import demonstrate
from training.rl.lanes import MAX_WORD_DROPOUT, Finished
from training.rl.returns import gae, outcomes
from training.rl.rollout import Order, batch
from training.rl.team.lanes import Lane, Move, Views


class Minds:
    """The forward pass of every member, and of the critic where there is one."""

    def __init__(self, weights: Weights, roles: tuple[str, ...], *, critic: bool) -> None:
        self.of = {role: Forward(of_role(weights, role)) for role in roles}
        self.critic = Forward(of_role(weights, CRITIC)) if critic else None

    def values(self, role: str, lanes: list[Lane]) -> list[float]:
        """Value of each lane's present state for this role."""
        return self.judged([lane.overview(role) for lane in lanes]) or _values(
            self.of[role], [lane.conversations[role].observe() for lane in lanes]
        )

    def judged(self, seen: Sequence[Observation | None]) -> list[float]:
        """What the critic makes of this; nothing where there is none."""
        if self.critic is None:
            return []
        return _values(self.critic, [view for view in seen if view is not None])


class TeamCollector:
    """Training episodes of a team. Everything is drawn from `seed` and the order's epoch."""

    def __init__(
        self,
        make_env: Callable[[], TeamEnv],
        environments: int,
        seed: tuple[int, ...],
        *,
        critic: bool,
    ) -> None:
        self.make_env, self.environments, self.seed, self.critic = (
            make_env,
            environments,
            seed,
            critic,
        )
        self.epoch: int | None = None
        self.envs: list[TeamEnv] = []

    def collect(self, weights: Weights, order: Order) -> tuple[list[Batch], Finished]:
        """Whole episodes with at least `order.steps` decisions per environment; a batch for every role that decided."""
        if order.epoch != self.epoch:
            self.epoch = order.epoch
            self.rng = np.random.default_rng([*self.seed, order.epoch, 1])
            self.word_rng = np.random.default_rng([*self.seed, order.epoch, 2])
            self.envs = [self.make_env() for _ in range(self.environments)]
            self.views = Views(self.envs[0].scenario)
        minds = Minds(weights, self.views.roles, critic=self.critic)
        finished, played = Finished(), []
        count, wanted = 0, order.steps * self.environments
        while count < wanted:
            lanes = self._round(minds, order)
            played += lanes
            count += sum(len(moves) for lane in lanes for moves in lane.moves.values())
            for lane in lanes:
                _count(finished, lane)
        made = [
            found
            for role in self.views.roles
            if (found := self._batch(minds, role, played, order)) is not None
        ]
        return made, finished

    def _round(self, minds: Minds, order: Order) -> list[Lane]:
        """One whole episode in every environment."""
        size = order.group_size if order.credit == "group" else 1
        seeds = self.rng.integers(2**31 - 1, size=-(-self.environments // size))
        lanes = []
        for n, env in enumerate(self.envs):
            env.stage = order.stage
            options = {"task_seed": int(seeds[n // size]), "attempt": n % size}
            guided = order.guidance is not None and bool(self.rng.random() < order.guidance)
            dropout = float(self.word_rng.uniform(0, MAX_WORD_DROPOUT))
            conversations = self.views.conversations(dropout, self.word_rng)
            joint = self.views.together(dropout, self.word_rng) if self.critic else None
            lanes.append(Lane.open(env, options, conversations, joint, guided=guided))
        playing = lanes
        while playing:
            decided: list[dict[str, Sample]] = [{} for _ in playing]
            for role in self.views.roles:
                at = [n for n, lane in enumerate(playing) if role in lane.active]
                if at:
                    now = self._decide(minds, role, [playing[n] for n in at], order)
                    for n, sample in zip(at, now, strict=True):
                        decided[n][role] = sample
            for lane, samples in zip(playing, decided, strict=True):
                lane.step({role: sample.decision for role, sample in samples.items()})
            playing = [lane for lane in playing if lane.record is None]
        return lanes

    def _decide(self, minds: Minds, role: str, lanes: list[Lane], order: Order) -> list[Sample]:
        """One decision of this role in every lane; what is to be learned of it is noted there."""
        free = [not lane.guided for lane in lanes]
        now = decide(minds.of[role], [lane.conversations[role] for lane in lanes], self.rng, free)
        seen = [lane.overview(role) for lane in lanes]
        values = minds.judged(seen) or [sample.value for sample in now]
        for lane, sample, value, joint in zip(lanes, now, values, seen, strict=True):
            label: Sample | None = sample
            world = lane.env.world
            if order.guidance is not None and world is not None:
                world.role = role
                label = demonstrate(world, lane.conversations[role], sample.observation)
                if lane.guided:
                    sample.decision = label.decision if label is not None else world.oracle()
            lane.moves.setdefault(role, []).append(Move(label, value, joint))
        return now

    def _batch(self, minds: Minds, role: str, lanes: list[Lane], order: Order) -> Batch | None:
        """The decisions of one role with their advantages; None where nobody could say anything about them."""
        with_moves = [lane for lane in lanes if lane.moves.get(role)]
        if not with_moves:
            return None
        advantages, returns = self._credit(minds, role, with_moves, lanes, order)
        moves = [move for lane in with_moves for move in lane.moves[role]]
        kept = [i for i, move in enumerate(moves) if move.label is not None]
        labels = [move.label for move in moves if move.label is not None]
        if not labels:
            return None
        forward = minds.of[role]
        joint = [view for i in kept if (view := moves[i].joint) is not None]
        tools = self.views.of[role]
        made = batch(forward, tools, labels, advantages[kept], returns[kept], joint)
        made.role = role
        return made

    def _credit(
        self, minds: Minds, role: str, lanes: list[Lane], everyone: list[Lane], order: Order
    ) -> tuple[Floats, Floats]:
        """Advantage and return of every decision of this role, lane by lane."""
        lengths = [len(lane.moves[role]) for lane in lanes]
        if order.credit != "gae":
            totals = np.array(
                [sum(move.reward for move in lane.moves[role]) for lane in lanes], np.float32
            )
            size = order.group_size if order.credit == "group" else 1
            place = {id(lane): n // size for n, lane in enumerate(everyone)}
            # Renumbered, because a role may have had nothing to do in a whole group.
            _, groups = np.unique([place[id(lane)] for lane in lanes], return_inverse=True)
            found = outcomes(totals, groups if order.credit == "group" else None)
            return np.repeat(found, lengths), np.repeat(totals, lengths)
        cut = [lane for lane in lanes if not lane.terminated]
        beyond = dict(zip(map(id, cut), minds.values(role, cut) if cut else [], strict=True))
        parts = [
            _advantages(lane.moves[role], beyond.get(id(lane)), order.discount, order.lam)
            for lane in lanes
        ]
        return np.concatenate([a for a, _ in parts]), np.concatenate([r for _, r in parts])


def _advantages(
    moves: list[Move], beyond: float | None, discount: float, lam: float
) -> tuple[Floats, Floats]:
    """GAE over one role's decisions in one episode, (T,) each. beyond: value of its end, None where that is final."""
    values = np.array([[move.value] for move in moves], np.float32)
    rewards = np.array([[move.reward] for move in moves], np.float32)
    next_values = np.concatenate([values[1:], [[beyond or 0.0]]]).astype(np.float32)
    terminated, truncated = (np.zeros(values.shape, np.bool_) for _ in range(2))
    (terminated if beyond is None else truncated)[-1] = True
    advantages, returns = gae(rewards, values, next_values, terminated, truncated, discount, lam)
    return advantages[:, 0], returns[:, 0]


def _values(forward: Forward, seen: list[Observation]) -> list[float]:
    if not seen:
        return []
    return [float(v) for v in forward.values(forward.state(collate_states(forward.table, seen)))]


def _count(finished: Finished, lane: Lane) -> None:
    finished.count += 1
    if not lane.guided and lane.record is not None:
        finished.calls += lane.calls
        finished.right_calls += lane.right_calls
        finished.end(lane.record)
