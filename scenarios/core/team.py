"""Teams: several roles work on one task, pass the work on by hand-offs, and each sees only its own conversation.

A team's world is a world whose milestones belong to roles. A hand-off is a tool like any other: calling it gives the
work to other roles, who read a message. Roles that hold work decide at the same moment; the others wait.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

from scenarios.core.scenario import Scenario
from scenarios.core.tasks import FailureKind, Milestone, Task, Verdict
from scenarios.core.types import Decision, Json, Sharing, Tool, ToolCall, ToolResult, Turn
from scenarios.core.world import Outcome, World


@dataclass(frozen=True, slots=True)
class Role:
    """One member of a team.

    tools: names of the tools that it may call, hand-offs included. passes_to: who gets the work in its place where it
    is missing; None: the work then ends there.
    """

    name: str
    title: str
    duty: str
    tools: tuple[str, ...]
    passes_to: str | None = None


@dataclass(frozen=True, slots=True)
class TeamOutcome:
    """What one role's decision led to: the turns that each role saw of it, and to whom the work went."""

    outcome: Outcome
    seen: Mapping[str, tuple[Turn, ...]]
    to: tuple[str, ...] = ()


class TeamWorld(World):
    """One attempt of a team at one task. Subclasses say what a hand-off tells (`message`), and the rest as `World`.

    The role that decides is `role`; `pending` and `oracle` are about it. `final` means that the role's own part is
    done: the episode ends once nobody holds work any more. `hand_over` ends it at once.
    """

    def __init__(self, task: Task, attempt: int, scenario: TeamScenario) -> None:
        super().__init__(task, attempt, scenario.tools, scenario.fault_rate[task.difficulty])
        self.roles = {role.name: role for role in scenario.roles}
        self.handoffs = scenario.handoffs
        self.role = scenario.roles[0].name
        self.holding: set[str] = {self.role}
        self._awaited: dict[str, set[str]] = {name: set() for name in self.roles}
        """Role -> those whose answers it waits for, since it handed its work to them."""

    @abstractmethod
    def message(self, sender: str, receiver: str, call: ToolCall) -> str:
        """What the receiver of a hand-off reads."""

    def pending(self) -> list[Milestone]:
        """Of the deciding role: milestones that are not reached and whose prerequisites are."""
        return [m for m in super().pending() if m.role == self.role]

    def active(self) -> tuple[str, ...]:
        """The roles that hold work, in the order of the scenario."""
        return tuple(name for name in self.roles if name in self.holding)

    def oracle_of(self, role: str) -> Decision:
        """The next decision of this role on the reference path."""
        self.role = role
        return self.oracle()

    def act(self, role: str, decision: Decision) -> TeamOutcome:
        """Carry out the decision of a role that holds work. Raises `RuntimeError` for one that does not."""
        if role not in self.holding:
            raise RuntimeError(f"{role} holds no work; only {', '.join(self.active())} may decide")
        self.role = role
        if decision.kind == "final":
            return self._part_done(decision)
        outcome = self.step(decision)
        to: tuple[str, ...] = ()
        seen = {role: outcome.turns}
        if decision.call is not None and not outcome.turns[-1].is_error:
            to = self.handoffs.get(decision.call.name, ())
        if to and decision.call is not None:
            for name in to:
                text = f"{role}: {self.message(role, name, decision.call)}"
                seen[name] = (*seen.get(name, ()), Turn("user", text))
            self._pass_on(role, to)
        return TeamOutcome(outcome, seen, to)

    def _part_done(self, decision: Decision) -> TeamOutcome:
        self.holding.discard(self.role)
        if not self.holding:
            self.holding.add(self.role)
            outcome = self.step(decision)
            return TeamOutcome(outcome, {self.role: outcome.turns})
        failure: FailureKind | None = "stopped_early" if self.unfinished() else None
        turn = Turn("assistant", decision.text)
        return TeamOutcome(
            Outcome((turn,), Verdict(failure is None, failure)), {self.role: (turn,)}
        )

    def unfinished(self) -> list[Milestone]:
        """Of the deciding role: what is needed and not reached, whether or not it could be done now."""
        return [
            m
            for m in self.task.milestones
            if m.role == self.role and not m.optional and m.name not in self.done
        ]

    def _pass_on(self, sender: str, to: Sequence[str]) -> None:
        """The sender waits for those it gave work to; who waits for several goes on once all of them have answered."""
        self.holding.discard(sender)
        self._awaited[sender] = set(to)
        for name in to:
            waits = self._awaited[name]
            waits.discard(sender)
            if not waits & self.holding:
                waits.clear()
                self.holding.add(name)

    def run(self, call: ToolCall) -> ToolResult:
        """Hand-offs succeed; subclasses run the other tools in `work`."""
        if (to := self.handoffs.get(call.name)) is not None:
            return ToolResult({"handed_to": list(to)}, seconds=0.1)
        return self.work(call)

    @abstractmethod
    def work(self, call: ToolCall) -> ToolResult:
        """Execute a schema-valid call that is no hand-off."""


class TeamScenario(Scenario):
    """A family of tasks for a team. `tools` are all roles' tools together; the first role reads the request."""

    roles: ClassVar[tuple[Role, ...]]
    handoffs: ClassVar[Mapping[str, tuple[str, ...]]]
    """Hand-off tool -> the roles that get the work."""

    @abstractmethod
    def world(self, task: Task, attempt: int = 0) -> TeamWorld:
        """A fresh world, see `Scenario.world`."""

    def as_json(self) -> dict[str, Json]:
        return {
            **super().as_json(),
            "roles": [asdict(role) for role in self.roles],
            "handoffs": {name: list(to) for name, to in self.handoffs.items()},
        }

    def role_tools(self, role: str) -> tuple[Tool, ...]:
        """The tools of one role, in the scenario's order."""
        names = next(r.tools for r in self.roles if r.name == role)
        return tuple(tool for tool in self.tools if tool.name in names)


def share(rewards: Mapping[str, float], sharing: Sharing, weight: float = 0.5) -> dict[str, float]:
    """What each role is paid, from what each has earned.

    shared: the team's sum, for everyone. individual: what it earned. weighted: `weight` of the former, the rest of the
    latter. competitive: what it earned less the mean of what the others did, which sums to zero.
    """
    total, others = sum(rewards.values()), max(1, len(rewards) - 1)
    match sharing:
        case "shared":
            return dict.fromkeys(rewards, total)
        case "individual":
            return dict(rewards)
        case "weighted":
            return {name: weight * total + (1 - weight) * own for name, own in rewards.items()}
        case "competitive":
            return {name: own - (total - own) / others for name, own in rewards.items()}
