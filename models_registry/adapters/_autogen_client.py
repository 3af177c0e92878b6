"""A trained policy as an AutoGen model client: it answers with one tool call, or with a short text."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Literal, Self

from autogen_core import CancellationToken, Component, FunctionCall
from autogen_core.models import (
    ChatCompletionClient,
    CreateResult,
    LLMMessage,
    ModelInfo,
    RequestUsage,
)
from autogen_core.tools import Tool as NativeTool
from autogen_core.tools import ToolSchema
from pydantic import BaseModel

from models_registry.adapters._autogen_turns import spec_of, turns_from
from models_registry.adapters._core import Core, Reply, call_id
from models_registry.adapters.base import DEFAULT_MAX_STEPS
from scenarios.core.types import Decision

_ROOM = 1_000_000
"""Tokens that are left: a policy has no context window."""


class PolicyClientConfig(BaseModel):
    """What a dumped client consists of: the folder of its bundle."""

    bundle: str
    role: str = ""
    max_steps: int = DEFAULT_MAX_STEPS
    min_confidence: float = 0.0


class PolicyClient(ChatCompletionClient, Component[PolicyClientConfig]):
    """The policy behind AutoGen's model interface.

    fallback: the client that decides where the policy is less sure than the core's `min_confidence`. person: the name
    of a hand-off's target; questions and hand-overs then go there through `transfer_to_<person>`, where that is on
    offer. Texts are fixed phrases; structured output is left to the fallback.
    """

    component_type = "model"
    component_config_schema = PolicyClientConfig
    component_provider_override = "models_registry.adapters._autogen_client.PolicyClient"

    def __init__(
        self,
        core: Core,
        *,
        fallback: ChatCompletionClient | None = None,
        person: str = "user",
        config: PolicyClientConfig | None = None,
    ) -> None:
        self.core, self.fallback, self.person = core, fallback, person
        self.last_reply: Reply | None = None
        self.policy_decisions = 0
        self._config = config
        self._used = RequestUsage(prompt_tokens=0, completion_tokens=0)

    async def create(
        self,
        messages: Sequence[LLMMessage],
        *,
        tools: Sequence[NativeTool | ToolSchema] = (),
        tool_choice: NativeTool | Literal["auto", "required", "none"] = "auto",
        json_output: bool | type[BaseModel] | None = None,
        extra_create_args: Mapping[str, Any] | None = None,
        cancellation_token: CancellationToken | None = None,
    ) -> CreateResult:
        """One decision. Raises `ValueError` where JSON is demanded and there is no fallback to write it."""
        if json_output and self.fallback is None:
            raise ValueError("a policy writes no JSON (json_output); give the client a fallback")
        specs = [spec_of(tool) for tool in tools]
        door = f"transfer_to_{self.person}"
        choice = tool_choice if isinstance(tool_choice, str) else tool_choice.name
        deciding = asyncio.ensure_future(
            asyncio.to_thread(
                self.core.decide,
                turns_from(messages, doors={door}),
                [spec for spec in specs if spec.name != door],
                choice,
                has_fallback=self.fallback is not None,
            )
        )
        if cancellation_token is not None:
            cancellation_token.link_future(deciding)
        reply = await deciding
        self.last_reply = reply
        if self.fallback is not None and (reply.deferred or json_output):
            return await self._deferred(
                messages, tools, tool_choice, json_output, extra_create_args, cancellation_token
            )
        self.policy_decisions += 1
        return _result(reply.decision, door if any(s.name == door for s in specs) else None)

    async def _deferred(
        self,
        messages: Sequence[LLMMessage],
        tools: Sequence[NativeTool | ToolSchema],
        tool_choice: NativeTool | Literal["auto", "required", "none"],
        json_output: bool | type[BaseModel] | None,
        extra_create_args: Mapping[str, Any] | None,
        cancellation_token: CancellationToken | None,
    ) -> CreateResult:
        assert self.fallback is not None
        result = await self.fallback.create(
            messages,
            tools=tools,
            tool_choice=tool_choice,
            json_output=json_output,
            extra_create_args=extra_create_args or {},
            cancellation_token=cancellation_token,
        )
        self._used = RequestUsage(
            prompt_tokens=self._used.prompt_tokens + result.usage.prompt_tokens,
            completion_tokens=self._used.completion_tokens + result.usage.completion_tokens,
        )
        return result

    async def create_stream(
        self,
        messages: Sequence[LLMMessage],
        *,
        tools: Sequence[NativeTool | ToolSchema] = (),
        tool_choice: NativeTool | Literal["auto", "required", "none"] = "auto",
        json_output: bool | type[BaseModel] | None = None,
        extra_create_args: Mapping[str, Any] | None = None,
        cancellation_token: CancellationToken | None = None,
    ) -> AsyncGenerator[str | CreateResult, None]:
        """A decision exists at once or not at all: its text is one chunk, then comes the result."""
        result = await self.create(
            messages,
            tools=tools,
            tool_choice=tool_choice,
            json_output=json_output,
            extra_create_args=extra_create_args,
            cancellation_token=cancellation_token,
        )
        if isinstance(result.content, str):
            yield result.content
        yield result

    async def close(self) -> None:
        """Close the fallback; the policy holds nothing open."""
        if self.fallback is not None:
            await self.fallback.close()

    def actual_usage(self) -> RequestUsage:
        return self._used

    def total_usage(self) -> RequestUsage:
        """Tokens of the fallback; the policy itself uses none."""
        return self._used

    def count_tokens(
        self, messages: Sequence[LLMMessage], *, tools: Sequence[NativeTool | ToolSchema] = ()
    ) -> int:
        return 0

    def remaining_tokens(
        self, messages: Sequence[LLMMessage], *, tools: Sequence[NativeTool | ToolSchema] = ()
    ) -> int:
        return _ROOM

    @property
    def capabilities(self) -> ModelInfo:
        return self.model_info

    @property
    def model_info(self) -> ModelInfo:
        return ModelInfo(
            vision=False,
            function_calling=True,
            json_output=False,
            family="unknown",
            structured_output=False,
        )

    def _to_config(self) -> PolicyClientConfig:
        if self._config is None or self.fallback is not None:
            raise ValueError(
                "only a client of a bundle's folder, without a fallback, can be dumped; "
                "make it with load_component or from a PolicyClientConfig"
            )
        return self._config

    @classmethod
    def _from_config(cls, config: PolicyClientConfig) -> Self:
        core = Core.of(
            config.bundle,
            role=config.role,
            max_steps=config.max_steps,
            min_confidence=config.min_confidence,
        )
        return cls(core, config=config)


def _result(decision: Decision, door: str | None) -> CreateResult:
    usage = RequestUsage(prompt_tokens=0, completion_tokens=0)
    if decision.call is not None:
        name, arguments = decision.call.name, json.dumps(dict(decision.call.arguments))
    elif door is not None and decision.kind in ("ask", "hand_over"):
        name, arguments = door, "{}"
    else:
        return CreateResult(finish_reason="stop", content=decision.text, usage=usage, cached=False)
    return CreateResult(
        finish_reason="function_calls",
        content=[FunctionCall(id=call_id(), name=name, arguments=arguments)],
        usage=usage,
        cached=False,
        thought=decision.text or None,
    )
