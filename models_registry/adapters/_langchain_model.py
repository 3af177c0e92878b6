"""A trained policy as a LangChain chat model: it answers with one tool call, or with a short text."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
)
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

from models_registry.adapters._core import Core, Reply, call_id
from models_registry.adapters._langchain_turns import turns_from
from models_registry.adapters.base import Policy
from scenarios.core.types import Tool

_NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


class PolicyChatModel(BaseChatModel):
    """The policy behind LangChain's chat model interface. Make one with `PolicyChatModel.of`.

    Every message carries `response_metadata`: `decision` (tool, final, ask or hand_over), `confidence`,
    `alternatives` and `source`. Texts are the policy's own fixed phrases; nothing is generated. System messages are
    not read, since there were none in training. `tool_choice` and `tools` work as with any chat model.
    """

    core: Any = Field(exclude=True, repr=False)
    policy_id: str = "policy"
    fallback: Any = Field(default=None, exclude=True, repr=False)
    """A chat model that decides where the policy is less sure than the core's `min_confidence`."""

    @classmethod
    def of(
        cls,
        source: Policy | Path | str | Core,
        *,
        fallback: BaseChatModel | None = None,
        **settings: Any,
    ) -> Self:
        """The model of a policy, or of the bundle in a folder. settings: those of `Core`. Raises `BundleError`."""
        core = Core.of(source, **settings)
        return cls(core=core, policy_id=core.policy_id, fallback=fallback)

    @property
    def _llm_type(self) -> str:
        return "agentgym-policy"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"policy_id": self.policy_id}

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[Any, AIMessage]:
        """The model with these tools on offer."""
        bound = self.bind(
            tools=[convert_to_openai_tool(tool) for tool in tools],
            tool_choice=tool_choice,
            **kwargs,
        )
        return cast("Runnable[Any, AIMessage]", bound)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        reply = self._decide(messages, kwargs)
        if reply.deferred:
            model, bound = self._fallback(kwargs)
            # `invoke` would count the tokens twice, once here and once there.
            return cast("ChatResult", model._generate(messages, stop, run_manager, **bound))
        message = message_of(reply, self.policy_id)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        reply = await asyncio.to_thread(self._decide, messages, kwargs)
        if reply.deferred:
            model, bound = self._fallback(kwargs)
            return cast("ChatResult", await model._agenerate(messages, stop, run_manager, **bound))
        message = message_of(reply, self.policy_id)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        # A decision exists at once or not at all, so a stream is one chunk and an empty last one.
        reply = self._decide(messages, kwargs)
        if reply.deferred:
            model, bound = self._fallback(kwargs)
            yield from _streamed(model, messages, stop, run_manager, bound)
            return
        decision = reply.decision
        calls = [
            tool_call_chunk(name=c.name, args=json.dumps(dict(c.arguments)), id=call_id(), index=0)
            for c in [decision.call]
            if c
        ]
        first = AIMessageChunk(
            content=decision.text,
            tool_call_chunks=calls,
            response_metadata=reply.metadata(self.policy_id),
        )
        last = AIMessageChunk(content="", usage_metadata=_no_tokens(), chunk_position="last")
        for message in (first, last):
            chunk = ChatGenerationChunk(message=message)
            if run_manager:
                run_manager.on_llm_new_token(str(message.text), chunk=chunk)
            yield chunk

    def _decide(self, messages: list[BaseMessage], bound: dict[str, Any]) -> Reply:
        core: Core = self.core
        return core.decide(
            turns_from(messages),
            [spec_of(tool) for tool in bound.get("tools") or ()],
            bound.get("tool_choice"),
            has_fallback=self.fallback is not None,
        )

    def _fallback(self, bound: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The fallback and its own arguments for these tools."""
        if not bound.get("tools"):
            return self.fallback, {}
        choice = {"tool_choice": bound["tool_choice"]} if bound.get("tool_choice") else {}
        runnable = self.fallback.bind_tools(bound["tools"], **choice)
        return runnable.bound, dict(runnable.kwargs)


def _streamed(
    model: Any,
    messages: list[BaseMessage],
    stop: list[str] | None,
    run_manager: CallbackManagerForLLMRun | None,
    bound: dict[str, Any],
) -> Iterator[ChatGenerationChunk]:
    if type(model)._stream is not BaseChatModel._stream:
        yield from model._stream(messages, stop, run_manager, **bound)
        return
    message = model._generate(messages, stop, run_manager, **bound).generations[0].message
    calls = [
        tool_call_chunk(
            name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=number
        )
        for number, call in enumerate(message.tool_calls)
    ]
    yield ChatGenerationChunk(
        message=AIMessageChunk(
            content=message.content,
            tool_call_chunks=calls,
            usage_metadata=message.usage_metadata,
            response_metadata=message.response_metadata,
            chunk_position="last",
        )
    )


def message_of(reply: Reply, policy_id: str) -> AIMessage:
    """A decision as LangChain's message."""
    call = reply.decision.call
    calls = [tool_call(name=call.name, args=dict(call.arguments), id=call_id())] if call else []
    return AIMessage(
        content=reply.decision.text,
        tool_calls=calls,
        usage_metadata=_no_tokens(),
        response_metadata=reply.metadata(policy_id),
    )


def spec_of(tool: Any) -> Tool:
    """The canonical spec of anything that LangChain takes as a tool."""
    function = convert_to_openai_tool(tool)["function"]
    parameters = function.get("parameters") or _NO_PARAMETERS
    return Tool(function["name"], function.get("description", ""), parameters)


def _no_tokens() -> UsageMetadata:
    return UsageMetadata(input_tokens=0, output_tokens=0, total_tokens=0)
