"""Who of a team has the floor: which roles hold work, what a hand-off tells, and when the team is done.

The rules are those of `scenarios.core.team.TeamWorld`, so that a team works in a framework as it did in training.
`WorldTeam` plugs a simulated world in; without one, hand-offs are worded by the caller.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from models_registry.adapters._livetools import LiveTool
from scenarios.core.team import TeamScenario, TeamWorld
from scenarios.core.types import Decision, Json, Tool, ToolCall, ToolResult

Wording = Callable[[str, str, ToolCall], str]
"""What a hand-off tells: (sender, receiver, call) -> text."""


def plain_wording(sender: str, receiver: str, call: ToolCall) -> str:
    """A hand-off's arguments as words."""
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in call.arguments.items())
    return told or call.name.replace("_", " ")


@dataclass
class Floor:
    """One conversation of a team. roles: in order, the first one reads the request. person: who answers questions.

    on_text: told of every decision that is no call, as (role, decision).
    """

    roles: tuple[str, ...]
    handoffs: Mapping[str, tuple[str, ...]]
    wording: Wording = plain_wording
    person: str | None = None
    on_text: Callable[[str, Decision], None] | None = None
    holding: set[str] = field(default_factory=set)
    asked: str | None = None
    """The role that waits for an answer of the person."""
    answered: bool = False
    over: bool = False
    _meant: dict[str, str] = field(default_factory=dict)
    _awaited: dict[str, set[str]] = field(default_factory=dict)
    _round: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.holding = {self.roles[0]}

    def next(self) -> str:
        """Who decides now: everyone who holds work once, in the order of the roles, then again."""
        if self.asked is not None:
            return self.asked if self.answered or self.person is None else self.person
        self._round = [role for role in self._round if role in self.holding]
        if not self._round:
            self._round = [role for role in self.roles if role in self.holding]
        return self._round.pop(0)

    def heard(self, message: str) -> None:
        """The person said something (message: its id): an answer to who asked, or a request to the first role."""
        if self.over:
            self.over, self.holding, self._awaited = False, {self.roles[0]}, {}
        self.answered = self.asked is not None
        self._meant[message] = self.asked or self.roles[0]

    def reads(self, role: str, message: str) -> bool:
        """Whether what the person said is meant for this role."""
        return self._meant.get(message) == role

    def begins(self, role: str) -> None:
        """A role takes its turn; if it had asked, it has its answer now."""
        if self.asked == role:
            self.asked, self.answered = None, False

    def passed(self, sender: str, call: ToolCall) -> dict[str, str]:
        """A hand-off succeeded: the work goes to its receivers, who read these texts."""
        to = self.handoffs[call.name]
        texts = {name: self.wording(sender, name, call) for name in to}
        self.holding.discard(sender)
        self._awaited[sender] = set(to)
        for name in to:
            waits = self._awaited.setdefault(name, set())
            waits.discard(sender)
            if not waits & self.holding:
                waits.clear()
                self.holding.add(name)
        self.over = not self.holding
        return texts

    def spoke(self, role: str, decision: Decision) -> None:
        """A role's decision was no call: its part is done, it asks the person, or it hands the whole case over."""
        if self.on_text:
            self.on_text(role, decision)
        if decision.kind == "ask":
            self.asked = role
        elif decision.kind == "hand_over":
            self.over = True
        else:
            self.holding.discard(role)
            self.over = not self.holding

    @property
    def waiting(self) -> bool:
        """Nobody can go on: the team is done, or its question goes to somebody who is not in the chat."""
        unanswered = self.asked is not None and not self.answered
        return self.over or (unanswered and self.person is None)


class WorldTeam:
    """A team's simulated world behind a floor: tools step it, texts and questions go to it."""

    def __init__(self, world: TeamWorld, scenario: TeamScenario) -> None:
        self.world, self.scenario = world, scenario
        self.answer = ""
        self._told: dict[str, str] = {}
        self._lock = threading.Lock()

    def tools(self, role: str) -> list[LiveTool]:
        """The tools of one role."""
        return [self._tool(role, spec) for spec in self.scenario.role_tools(role)]

    def _tool(self, role: str, spec: Tool) -> LiveTool:
        def run(arguments: Mapping[str, Json]) -> ToolResult:
            turns = self._act(role, Decision("tool", ToolCall(spec.name, dict(arguments))))
            return ToolResult(turns.content, turns.is_error)

        return LiveTool(spec, run)

    def _act(self, role: str, decision: Decision) -> ToolResult:
        with self._lock:
            acted = self.world.act(role, decision)
        for name in acted.to:
            self._told[name] = str(acted.seen[name][-1].content).removeprefix(f"{role}: ")
        last = acted.outcome.turns[-1]
        if decision.kind == "ask":
            self.answer = str(last.content)
        return ToolResult(last.content, last.is_error)

    def wording(self, sender: str, receiver: str, call: ToolCall) -> str:
        """What the world told the receiver of the latest hand-off."""
        return self._told[receiver]

    def on_text(self, role: str, decision: Decision) -> None:
        """Carry out a decision that is no call."""
        if self.world.ended_by is None:
            self._act(role, decision)

    def floor(self, person: str | None = None) -> Floor:
        """The floor of this world's one conversation."""
        return Floor(
            tuple(self.world.roles),
            self.world.handoffs,
            self.wording,
            person,
            self.on_text,
        )


def role_names(roles: Sequence[str], given: Mapping[str, Sequence[object]]) -> None:
    """Raises `ValueError` where tools are given for other roles than the team has."""
    if set(given) != set(roles):
        raise ValueError(
            f"tools must be given for the roles {', '.join(roles)}; they are for {', '.join(given)}"
        )
