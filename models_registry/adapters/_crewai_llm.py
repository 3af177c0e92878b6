"""A trained policy as CrewAI's LLM: it answers with one tool call, or with a short text."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import PrivateAttr

from models_registry.adapters._core import Core, call_id
from models_registry.adapters._crewai_home import load
from models_registry.adapters._crewai_manager import DELEGATE, Delegation
from models_registry.adapters._crewai_tools import spec_of
from models_registry.adapters._crewai_turns import LAST_CALL, react_text, turns_from
from scenarios.core.types import Decision, Json, Tool

load()

from crewai import BaseLLM  # noqa: E402
from crewai.events.types.llm_events import LLMCallType  # noqa: E402
from crewai.llms.base_llm import llm_call_context  # noqa: E402

_ROOM = 1_000_000
"""Window that is claimed: with CrewAI's default of 4,096 it would hide long results in files and summarise."""


class PolicyLLM(BaseLLM):
    """The policy behind CrewAI's LLM interface. native: answer with tool calls, or with ReAct text for the text path.

    Given to a manager it delegates: the coworkers are its tools, see `_crewai_manager`.
    """

    native: bool = True
    _core: Core = PrivateAttr()
    _fallback: Any = PrivateAttr(default=None)
    _delegation: Delegation = PrivateAttr()

    def __init__(
        self,
        core: Core,
        *,
        fallback: BaseLLM | None = None,
        delegation: Delegation | None = None,
        **data: Any,
    ) -> None:
        data.setdefault("model", f"agentgym/{core.policy_id}")
        data.setdefault("provider", "agentgym")
        super().__init__(**data)
        self._core, self._fallback = core, fallback
        self._delegation = delegation or Delegation()

    @property
    def core(self) -> Core:
        return self._core

    def supports_function_calling(self) -> bool:
        return self.native

    def get_context_window_size(self) -> int:
        return _ROOM

    def get_input_tokens_count(self, *args: Any, **kwargs: Any) -> int:
        return 0

    def call(  # noqa: PLR0913  (CrewAI's own signature)
        self,
        messages: str | list[Any],
        tools: list[dict[str, Any]] | None = None,
        callbacks: list[Any] | None = None,
        available_functions: dict[str, Any] | None = None,
        from_task: Any = None,
        from_agent: Any = None,
        response_model: Any = None,
    ) -> Any:
        """One decision: a list with one tool call, or text."""
        given = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        specs = self._offered(given, tools, from_task, from_agent)
        decision = self._decided(given, specs, from_task, from_agent)
        if decision is None:
            return self._deferred(
                messages,
                tools,
                callbacks,
                available_functions,
                from_task,
                from_agent,
                response_model,
            )
        self._track_token_usage_internal({})
        if handler := getattr(from_agent, "tools_handler", None):
            # The text path refuses to make the same call twice in a row; a retry after a fault is just that.
            handler.last_used_tool = None
        answer: Any = react_text(decision)
        if decision.call is None and (tools or not specs):
            answer = decision.text
        elif decision.call is not None and tools:
            answer = _native(decision)
        self._announce(given, decision, answer, from_task, from_agent)
        return answer

    def _announce(
        self, messages: Any, decision: Decision, answer: Any, task: Any, agent: Any
    ) -> None:
        """CrewAI's events of a call: listeners, traces and streams live on them. A decision is one chunk."""
        kind = LLMCallType.TOOL_CALL if decision.call else LLMCallType.LLM_CALL
        with llm_call_context():
            self._emit_call_started_event(messages, from_task=task, from_agent=agent)
            if self._effective_stream() and isinstance(answer, str):
                self._emit_stream_chunk_event(answer, task, agent, call_type=kind)
            self._emit_call_completed_event(answer, kind, task, agent, messages)

    async def acall(self, *args: Any, **kwargs: Any) -> Any:
        return await asyncio.to_thread(self.call, *args, **kwargs)

    def _decided(
        self, messages: Sequence[Mapping[str, Any]], specs: list[Tool], task: Any, agent: Any
    ) -> Decision | None:
        """The decision in CrewAI's names; None where it was deferred."""
        turns = turns_from(messages)
        has_fallback = self._fallback is not None
        if not any(spec.name == DELEGATE for spec in specs):
            reply = self._core.decide(turns, specs, has_fallback=has_fallback)
            return None if reply.deferred else reply.decision
        coworkers = self._delegation.coworkers(_tools_of(task, agent), agent)
        reply = self._core.decide(
            self._delegation.turns(turns, coworkers),
            self._delegation.tools(coworkers),
            has_fallback=has_fallback,
        )
        if reply.deferred:
            return None
        return self._delegation.delegated(reply.decision, turns, coworkers)

    def _offered(
        self, messages: Sequence[Mapping[str, Any]], tools: Any, task: Any, agent: Any
    ) -> list[Tool]:
        """Canonical specs of what may be called now. The text path names its tools in prose only."""
        own = {spec.name: spec for spec in map(spec_of, _tools_of(task, agent))}
        if tools:
            return [own.get(t["function"]["name"]) or _shown(t["function"]) for t in tools]
        last = str(messages[-1].get("content") or "") if messages else ""
        if self.native or LAST_CALL in last:
            return []
        return list(own.values())

    def _deferred(self, messages: Any, *rest: Any) -> Any:
        before = self._fallback.get_token_usage_summary()
        answer = self._fallback.call(messages, *rest)
        spent = self._fallback.get_token_usage_summary()
        # CrewAI counts the agent's own LLM only: what the fallback used is added here.
        self._track_token_usage_internal(
            {
                "prompt_tokens": spent.prompt_tokens - before.prompt_tokens,
                "completion_tokens": spent.completion_tokens - before.completion_tokens,
                "total_tokens": spent.total_tokens - before.total_tokens,
            }
        )
        return answer


def _native(decision: Decision) -> list[dict[str, Any]]:
    assert decision.call is not None
    function = {
        "name": decision.call.name,
        "arguments": json.dumps(dict(decision.call.arguments), ensure_ascii=False),
    }
    return [{"id": call_id(), "type": "function", "function": function}]


def _shown(function: Mapping[str, Json]) -> Tool:
    return Tool(function["name"], function.get("description", ""), function.get("parameters") or {})


def _tools_of(task: Any, agent: Any) -> list[Any]:
    """A task's own tools replace the agent's."""
    return list(getattr(task, "tools", None) or getattr(agent, "tools", None) or [])
