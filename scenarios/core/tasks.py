"""What a task is: a request with a hidden plan of milestones, and how one call is judged against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from scenarios.core.types import DecisionKind, Difficulty, Json, Split, ToolCall, ToolResult

FailureKind = Literal[
    "wrong_tool",
    "missing_argument",
    "wrong_argument",
    "invalid_argument",
    "order",
    "junk_call",
    "should_have_asked",
    "stopped_early",
    "fault_not_handled",
    "policy_breach",
]

ASK = "ask"
"""The `tool` of a milestone that is reached by asking the user."""


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The values that are right for one argument; the first is the oracle's.

    `anything`: every schema-valid value is right (free text). `omittable`: leaving the argument out is right too.
    """

    values: tuple[Json, ...]
    anything: bool = False
    omittable: bool = False

    def accepts(self, value: Json) -> bool:
        return self.anything or value in self.values


@dataclass(frozen=True, slots=True)
class Milestone:
    """One thing that has to be brought about: a call with right arguments (or a question to the user), once.

    name: unique in the task. tool: tool name, or `ASK`. arguments: parameter -> accepted values; a parameter that is
    not listed must not be passed. after: names of milestones that must be reached first (a partial order).
    optional: right when done once, but neither needed nor paid. returns: what the result's content must satisfy to
    count (a search must have found the article); None: any result that is not an error. role: whose it is, in a team.
    """

    name: str
    tool: str
    arguments: Mapping[str, AnyOf] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    optional: bool = False
    returns: Callable[[Any], bool] | None = None
    role: str = ""

    def oracle_arguments(self) -> dict[str, Json]:
        return {
            name: accepted.values[0] for name, accepted in self.arguments.items() if accepted.values
        }

    def takes(self, call: ToolCall) -> bool:
        """Whether the call's tool and arguments are the ones wanted here."""
        return call.name == self.tool and self.argument_fault(call) is None

    def argument_fault(self, call: ToolCall) -> FailureKind | None:
        """The first thing that is wrong with the arguments of a call to this milestone's tool."""
        for name, accepted in self.arguments.items():
            if name not in call.arguments:
                if not accepted.omittable:
                    return "missing_argument"
            elif not accepted.accepts(call.arguments[name]):
                return "wrong_argument"
        return "wrong_argument" if set(call.arguments) - set(self.arguments) else None

    def reached_by(self, call: ToolCall, result: ToolResult) -> bool:
        if result.is_error or not self.takes(call):
            return False
        return self.returns is None or self.returns(result.content)


@dataclass(frozen=True, slots=True)
class Task:
    """One concrete problem. `kind` (the kind of request), `milestones` and `payload` are hidden from the agent.

    endings: the decisions that may end it well. payload: the scenario's own description of the hidden world.
    """

    scenario: str
    split: Split
    difficulty: Difficulty
    seed: int
    kind: str
    milestones: tuple[Milestone, ...]
    endings: tuple[DecisionKind, ...] = ("final",)
    payload: Any = None

    @property
    def id(self) -> str:
        return f"{self.scenario}/{self.split}/{self.difficulty}/{self.seed}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one decision was right, and if not, in which way it failed."""

    right: bool
    failure: FailureKind | None = None
