"""Delegation by a policy: a manager's coworkers are its tools, and calling one gives it the task.

CrewAI's manager has one tool for all coworkers, with free text for the task. A policy chooses; it does not write. So it
sees a tool per coworker (or the hand-off tools that it was trained with), and the task's own words are passed on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from models_registry.adapters._floor import Wording, plain_wording
from models_registry.adapters._matching import normalised
from scenarios.core.types import Decision, Tool, ToolCall, Turn

DELEGATE = "delegate_work_to_coworker"
NOTHING_MORE = "Nothing more is known."
_NO_PARAMETERS = {"type": "object", "properties": {}}


@dataclass(frozen=True)
class Delegation:
    """How a manager's decisions become delegations.

    handoffs: hand-off tools that the policy was trained with -> the coworker's role; coworkers that none leads to are
    tools without parameters, named after their role. wording: what a trained hand-off adds to the task.
    """

    handoffs: Mapping[str, tuple[Tool, str]] = field(default_factory=dict)
    wording: Wording = plain_wording

    def coworkers(self, tools: Sequence[Any], agent: Any) -> dict[str, str]:
        """Role -> goal of everyone that `agent` can delegate to: those that CrewAI's own tool names, or its crew."""
        own = next((t.agents for t in tools if getattr(t, "agents", None)), None)
        crew = getattr(getattr(agent, "crew", None), "agents", None) or ()
        others = own or [other for other in crew if other is not agent]
        return {str(other.role): str(other.goal) for other in others}

    def tools(self, coworkers: Mapping[str, str]) -> list[Tool]:
        """The manager's tools."""
        reached = {role for _, role in self.handoffs.values()}
        trained = [tool for tool, _ in self.handoffs.values()]
        return trained + [
            Tool(normalised(role), f"{role}: {goal}", _NO_PARAMETERS)
            for role, goal in coworkers.items()
            if role not in reached
        ]

    def turns(self, turns: Sequence[Turn], coworkers: Mapping[str, str]) -> list[Turn]:
        """The conversation with delegations as calls of the manager's own tools."""
        names = {role: tool.name for tool, role in self.handoffs.values()}
        known = {normalised(role): names.get(role, normalised(role)) for role in coworkers}

        def own(call: ToolCall) -> ToolCall:
            if call.name != DELEGATE:
                return call
            name = normalised(str(call.arguments.get("coworker", "")))
            return ToolCall(known.get(name, name))

        return [replace(turn, call=own(turn.call)) if turn.call else turn for turn in turns]

    def delegated(
        self, decision: Decision, turns: Sequence[Turn], coworkers: Mapping[str, str]
    ) -> Decision:
        """A decision of the manager as a call of CrewAI's delegation tool."""
        if decision.call is None:
            return decision
        role, context = self._to(decision.call, coworkers)
        asked = next((str(t.content) for t in turns if t.role == "user"), "")
        told = [str(t.content) for t in turns if t.role == "tool" and not t.is_error]
        arguments = {
            "task": asked,
            "context": "\n".join(part for part in (context, *told) if part) or NOTHING_MORE,
            "coworker": role,
        }
        return replace(decision, call=ToolCall(DELEGATE, arguments))

    def _to(self, call: ToolCall, coworkers: Mapping[str, str]) -> tuple[str, str]:
        if call.name in self.handoffs:
            role = self.handoffs[call.name][1]
            return role, self.wording("manager", role, call)
        roles = {normalised(role): role for role in coworkers}
        return roles.get(call.name, call.name), ""
