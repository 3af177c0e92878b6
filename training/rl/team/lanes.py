"""A team at work on one task: every role's conversation, what each decided, and what it earned by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models_registry.policies.bags import bag
from models_registry.policies.conversation import Conversation, Observation
from models_registry.policies.runtime import Sample
from models_registry.policies.toolset import ToolSet
from scenarios.core.team import TeamScenario
from scenarios.core.team_env import TeamEnv
from scenarios.core.types import Decision, Turn
from training.rl.episodes import EpisodeBuilder
from training.rl.progress import EpisodeRecord


@dataclass(slots=True)
class Move:
    """One decision of a role. label: what is learned of it, None where the oracle could not say.

    reward: all that the role was paid until its next decision. joint: what the critic reads.
    """

    label: Sample | None
    value: float
    joint: Observation | None
    reward: float = 0.0


class Views:
    """The tools of a team as its members and its critic see them."""

    def __init__(self, scenario: TeamScenario) -> None:
        self.roles = tuple(role.name for role in scenario.roles)
        self.of = {name: ToolSet(scenario.role_tools(name)) for name in self.roles}
        self.joint = ToolSet(scenario.tools)

    def conversations(
        self, dropout: float = 0.0, rng: np.random.Generator | None = None
    ) -> dict[str, Conversation]:
        """A fresh one for every role."""
        return {
            name: Conversation(tools, dropout=dropout, rng=rng) for name, tools in self.of.items()
        }

    def together(self, dropout: float, rng: np.random.Generator) -> Conversation:
        """A fresh one that reads what everybody reads."""
        return Conversation(self.joint, dropout=dropout, rng=rng)


@dataclass(slots=True)
class Lane:
    """One episode. conversations: of each role. joint: of all together, where there is a critic."""

    env: TeamEnv
    conversations: dict[str, Conversation]
    joint: Conversation | None
    builder: EpisodeBuilder
    guided: bool = False
    moves: dict[str, list[Move]] = field(default_factory=dict)
    record: EpisodeRecord | None = None
    """Set once the episode is over."""
    terminated: bool = False
    calls: int = 0
    right_calls: int = 0

    @classmethod
    def open(
        cls,
        env: TeamEnv,
        options: Mapping[str, Any],
        conversations: dict[str, Conversation],
        joint: Conversation | None = None,
        *,
        guided: bool = False,
    ) -> Lane:
        """Start the task that the options name, in fresh conversations."""
        seen, infos = env.reset(options=dict(options))
        first = env.possible_agents[0]
        for conversation in (conversations[first], joint):
            if conversation is not None:
                conversation.extend(seen[first])
        builder = EpisodeBuilder(infos[first], seen[first], int(options.get("attempt", 0)))
        return cls(env, conversations, joint, builder, guided)

    @property
    def active(self) -> tuple[str, ...]:
        return self.env.world.active() if self.env.world is not None else ()

    def overview(self, role: str) -> Observation | None:
        """What the critic reads before this role decides."""
        if self.joint is None:
            return None
        seen = self.joint.observe()
        seen.facts[-1] = bag((f"role:{role}", f"last:{self.joint.last_tool}"))
        return seen

    def step(
        self, decisions: Mapping[str, Decision], due: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Carry out the decisions of the roles that hold work; everyone is paid and reads what it may read."""
        _, rewards, terminated, truncated, infos = self.env.step(dict(decisions))
        self.terminated = any(terminated.values())
        acted = [role for role in decisions if "verdict" in infos[role]]
        for role in acted:
            for name, turns in infos[role]["seen"].items():
                self.conversations[name].extend(turns)
                self._read_together(turns)
            if decisions[role].kind == "tool":
                self.calls += 1
                self.right_calls += infos[role]["verdict"].right
        for role, moves in self.moves.items():
            if moves:
                moves[-1].reward += rewards[role]
        over = self.terminated or any(truncated.values())
        if over:
            _add_ends(infos, acted[-1])
        for role in acted:
            info = {**infos[role], "role": role, "due": (due or {}).get(role, "")}
            earned = float(sum(info["reward_terms"].values()))
            self.builder.add(decisions[role], _shown(role, info["seen"]), earned, info)
        if over:
            success = infos[acted[-1]]["success"]
            self.record = self.builder.finish(success=success, truncated=not self.terminated)
        return infos

    def _read_together(self, turns: tuple[Turn, ...]) -> None:
        if self.joint is not None:
            self.joint.extend(turns)


def _add_ends(infos: dict[str, dict[str, Any]], last: str) -> None:
    """In the record, what those who wait earned by the end stands with the decision that brought it about."""
    terms = dict(infos[last]["reward_terms"])
    for info in infos.values():
        if "verdict" not in info:
            for name, value in info["reward_terms"].items():
                terms[name] = terms.get(name, 0.0) + value
    infos[last] = {**infos[last], "reward_terms": terms}


def _shown(role: str, seen: Mapping[str, tuple[Turn, ...]]) -> tuple[Turn, ...]:
    """The turns of one decision in a transcript: its own, then what others were told."""
    return (*seen[role], *(turn for name, turns in seen.items() if name != role for turn in turns))
