"""A policy in front of an ordinary LLM: middleware for `create_agent`, with modes that can be raised step by step.

Off: nothing happens. Shadow: the LLM decides, and it is noted whether the policy would have done the same. Constrain:
where the policy is sure of the tool, the LLM is offered that tool only and fills its parameters. Accept: where the
policy is sure enough the LLM is not called at all; a little less sure, the LLM is constrained.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage
from langchain_core.tools import BaseTool

from models_registry.adapters._core import Core, Reply
from models_registry.adapters._langchain_model import message_of, spec_of
from models_registry.adapters._langchain_turns import turns_from
from scenarios.core.types import ToolCall

Mode: TypeAlias = Literal["off", "shadow", "constrain", "accept"]
MODES: tuple[Mode, ...] = ("off", "shadow", "constrain", "accept")
Route: TypeAlias = Literal["llm", "constrained", "policy"]


@dataclass(frozen=True, slots=True)
class Step:
    """One decision of an agent behind the middleware. policy and acted: the tool and its arguments, or `text`.

    route: who decided. agrees: the policy's decision and the one that was acted on are the same, arguments included.
    """

    route: Route
    confidence: float
    policy: tuple[str, dict[str, Any]]
    acted: tuple[str, dict[str, Any]]

    @property
    def same_tool(self) -> bool:
        return self.policy[0] == self.acted[0]

    @property
    def agrees(self) -> bool:
        return self.policy == self.acted


class PolicyMiddleware(AgentMiddleware[Any, Any]):  # type: ignore[misc]  # langchain.agents is not followed
    """`create_agent(llm, tools, middleware=[PolicyMiddleware(core, mode="shadow")])`.

    accept_at, constrain_at: confidence from which on the policy decides alone, and from which on the LLM may only fill
    in the policy's tool. `steps` holds what happened, newest last; it is safe to read while agents run.
    """

    def __init__(
        self,
        core: Core,
        *,
        mode: Mode = "shadow",
        accept_at: float = 0.9,
        constrain_at: float = 0.6,
        keep: int = 10_000,
    ) -> None:
        super().__init__()
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}; it must be one of: {', '.join(MODES)}")
        if not 0 <= constrain_at <= accept_at <= 1:
            raise ValueError("thresholds must satisfy 0 <= constrain_at <= accept_at <= 1")
        self.core, self.mode = core, mode
        self.accept_at, self.constrain_at = accept_at, constrain_at
        self._steps: list[Step] = []
        self._keep, self._lock = keep, threading.Lock()

    @property
    def steps(self) -> list[Step]:
        with self._lock:
            return list(self._steps)

    def report(self) -> dict[str, float]:
        """Steps, LLM calls, and how often the policy and what was done were the same (shares; 0 of 0 is 0)."""
        steps = self.steps
        count = max(1, len(steps))
        return {
            "steps": len(steps),
            "llm_calls": sum(step.route != "policy" for step in steps),
            "same_tool": sum(step.same_tool for step in steps) / count,
            "agreement": sum(step.agrees for step in steps) / count,
        }

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        if self.mode == "off":
            return handler(request)
        reply = self._reply(request)
        message, narrowed, route = self._route(request, reply)
        response = message if message is not None else handler(narrowed)
        self._note(reply, route, response)
        return response

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        if self.mode == "off":
            return await handler(request)
        reply = self._reply(request)
        message, narrowed, route = self._route(request, reply)
        response = message if message is not None else await handler(narrowed)
        self._note(reply, route, response)
        return response

    def _reply(self, request: Any) -> Reply:
        specs = [spec_of(tool) for tool in request.tools if isinstance(tool, BaseTool)]
        return self.core.decide(turns_from(request.messages), specs)

    def _route(self, request: Any, reply: Reply) -> tuple[AIMessage | None, Any, Route]:
        """The policy's message, or what the LLM is asked."""
        decision = reply.decision
        if self.mode == "accept" and decision.confidence >= self.accept_at:
            return message_of(reply, self.core.policy_id), request, "policy"
        name = decision.call.name if decision.call else None
        only = [tool for tool in request.tools if getattr(tool, "name", None) == name]
        if self.mode == "shadow" or not only or decision.confidence < self.constrain_at:
            return None, request, "llm"
        return None, request.override(tools=only, tool_choice=name), "constrained"

    def _note(self, reply: Reply, route: Route, response: Any) -> None:
        step = Step(
            route,
            reply.decision.confidence,
            _label(reply.decision.call),
            _acted(response),
        )
        with self._lock:
            self._steps.append(step)
            del self._steps[: -self._keep]


def _label(call: ToolCall | None) -> tuple[str, dict[str, Any]]:
    return (call.name, dict(call.arguments)) if call else (_TEXT, {})


def _acted(response: Any) -> tuple[str, dict[str, Any]]:
    """The first call of a response; of words nobody can tell whether they are a question or the end."""
    messages: Sequence[Any] = getattr(response, "result", None) or [response]
    calls = [call for m in messages for call in getattr(m, "tool_calls", None) or ()]
    return (calls[0]["name"], dict(calls[0]["args"])) if calls else (_TEXT, {})


_TEXT = "text"
