"""Teams that can be evaluated: the trained one, baselines, and the trained one with one member replaced or missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from models_registry.policies.runtime import ANSWERS, Forward
from models_registry.policies.team import Weights, of_role, untrained
from scenarios.core.team import TeamScenario
from scenarios.core.types import Decision
from training.rl.agents import (
    Agent,
    OracleAgent,
    PolicyAgent,
    RandomAgent,
    Seat,
    UntrainedAgent,
    best_by_name,
    call_or_end,
)

Members = Mapping[str, Agent]
"""Role -> who plays it."""


class MissingAgent(Agent):
    """Nobody: whatever comes goes on at once to the role that `Role.passes_to` names, or ends there."""

    label = "Missing"

    def __init__(self, scenario: TeamScenario, role: str) -> None:
        target = next(r.passes_to for r in scenario.roles if r.name == role)
        tools = {tool.name for tool in scenario.role_tools(role)}
        self.ways = [
            name for name, to in scenario.handoffs.items() if target in to and name in tools
        ]

    def decide(self, seats: Sequence[Seat]) -> list[Decision]:
        return [self._one(seat) for seat in seats]

    def _one(self, seat: Seat) -> Decision:
        conversation = seat.conversation
        mask = conversation.observe().mask
        for name in self.ways:
            number = conversation.tools.index[name]
            if mask[number]:
                return call_or_end(conversation, number, best_by_name)
        return Decision("final", text=ANSWERS["final"])


@dataclass(frozen=True, slots=True)
class Lineup:
    """A team to evaluate. short: a comparison that is played with fewer attempts."""

    label: str
    members: Callable[[], Members]
    short: bool = False
    batched: bool = False


def lineups(scenario: TeamScenario, weights: Weights, seed: int) -> dict[str, Lineup]:
    """Every team that evidence compares, the trained one first."""
    roles = tuple(role.name for role in scenario.roles)

    def trained() -> dict[str, Agent]:
        return {role: PolicyAgent(Forward(of_role(weights, role))) for role in roles}

    def novice(role: str) -> Agent:
        fresh = untrained(roles, seed, critic=False)
        return UntrainedAgent(Forward(of_role(fresh, role)), seed)

    def instead(role: str, other: Callable[[str], Agent]) -> dict[str, Agent]:
        return {**trained(), role: other(role)}

    found = {
        "trained": Lineup("Trained team", trained, batched=True),
        "untrained": Lineup("Untrained team", lambda: {role: novice(role) for role in roles}),
        "random": Lineup(
            "Random valid calls",
            lambda: {role: RandomAgent(seed * 100 + n) for n, role in enumerate(roles)},
        ),
        "oracle": Lineup("Oracle", lambda: {role: OracleAgent() for role in roles}),
    }
    for role in scenario.roles:
        name, title = role.name, role.title
        found[f"untrained_{name}"] = Lineup(
            f"{title} untrained", partial(instead, name, novice), short=True
        )
        found[f"without_{name}"] = Lineup(
            f"Without {title.lower()}",
            partial(instead, name, partial(MissingAgent, scenario)),
            short=True,
        )
    return found
