"""The words of a conversation with tools: Tool, ToolCall, ToolResult, Turn, Decision.

They are frozen, comparable and JSON-able, and are the same objects in training, in evaluation and inside a framework.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Json = Any
"""A value that `json.dumps` takes: dict, list, str, int, float, bool or None."""

Role = Literal["user", "assistant", "tool"]
DecisionKind = Literal["tool", "final", "ask", "hand_over"]
Difficulty = Literal["easy", "medium", "hard"]
Split = Literal["train", "validation", "test"]

Sharing = Literal["shared", "individual", "weighted", "competitive"]
"""What each member of a team is paid, see `scenarios.core.team.share`."""

DIFFICULTIES: tuple[Difficulty, ...] = ("easy", "medium", "hard")
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
SHARING: tuple[Sharing, ...] = ("shared", "individual", "weighted", "competitive")
DECISION_KINDS: tuple[DecisionKind, ...] = ("tool", "final", "ask", "hand_over")


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool on offer: its name, what it does, and a JSON Schema (draft 2020-12, type object) of its parameters."""

    name: str
    description: str
    parameters: Mapping[str, Json]

    @property
    def properties(self) -> Mapping[str, Mapping[str, Json]]:
        """Parameter name -> its schema, in declared order."""
        found: Mapping[str, Mapping[str, Json]] = self.parameters.get("properties", {})
        return found

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the parameters that a call must carry."""
        return tuple(self.parameters.get("required", ()))

    def as_json(self) -> dict[str, Json]:
        """The tool in the OpenAI function-calling shape."""
        return {
            "name": self.name,
            "description": self.description,
            "parameters": dict(self.parameters),
        }


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A request to run one tool with these arguments."""

    name: str
    arguments: Mapping[str, Json] = field(default_factory=dict)

    def as_json(self) -> dict[str, Json]:
        return {"name": self.name, "arguments": dict(self.arguments)}


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered: a JSON value, whether it is an error, and the seconds the real tool would have taken."""

    content: Json
    is_error: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation.

    `user`: `content` is text. `assistant`: `content` is text, or `call` is set. `tool`: `content` is the JSON value
    that the call in `call` returned.
    """

    role: Role
    content: Json = ""
    call: ToolCall | None = None
    is_error: bool = False

    def as_json(self) -> dict[str, Json]:
        call = self.call.as_json() if self.call else None
        return {"role": self.role, "content": self.content, "call": call, "is_error": self.is_error}


@dataclass(frozen=True, slots=True)
class Decision:
    """What an agent does next, with its confidence in [0, 1].

    `tool` carries `call`; `final` ends the conversation with an answer, `ask` puts a question to the user, `hand_over`
    ends it by passing the conversation to a person. `alternatives` are (label, probability) pairs, best first.
    """

    kind: DecisionKind
    call: ToolCall | None = None
    text: str = ""
    confidence: float = 1.0
    alternatives: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if (self.kind == "tool") != (self.call is not None):
            raise ValueError("a decision carries a call if and only if its kind is 'tool'")

    @property
    def label(self) -> str:
        """The tool's name, or the kind of decision."""
        return self.call.name if self.call else self.kind

    def as_json(self) -> dict[str, Json]:
        return {
            "kind": self.kind,
            "call": self.call.as_json() if self.call else None,
            "text": self.text,
            "confidence": self.confidence,
            "alternatives": [list(pair) for pair in self.alternatives],
        }
