"""A trained policy as a LangChain chat model: it answers with one tool call, or with a short text."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast

from langchain_core.callbacks import CallbackManagerForLLMRun
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

from models_registry.adapters._langchain_turns import tool_calls_since_user, turns_from
from models_registry.adapters._matching import match_tools
from models_registry.adapters.base import (
    DEFAULT_MAX_STEPS,
    CallingPolicy,
    Policy,
    load_policy,
    manifest_of,
    stored_tools,
)
from scenarios.core.types import Decision, Tool, Turn

_NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


class ToolChoiceError(ValueError):
    """The caller demands a tool call that the policy cannot make; the message says why."""


class PolicyChatModel(BaseChatModel):
    """The policy behind LangChain's chat model interface. Make one with `PolicyChatModel.of`.

    Every message carries `response_metadata`: `decision` (tool, final, ask or hand_over), `confidence`,
    `alternatives` and `source`. Texts are the policy's own fixed phrases; nothing is generated. System messages are
    not read, since there were none in training. `tool_choice` and `tools` work as with any chat model.
    """

    policy: Any = Field(exclude=True, repr=False)
    policy_id: str = "policy"
    known_tools: tuple[Tool, ...] = Field(default=(), exclude=True, repr=False)
    max_steps: int = DEFAULT_MAX_STEPS
    """Tool calls in answer to one message of the user; then the conversation is handed over."""

    @classmethod
    def of(cls, source: Policy | Path | str, *, max_steps: int = DEFAULT_MAX_STEPS) -> Self:
        """The model of a policy, or of the bundle in a folder. Raises `BundleError`."""
        policy = load_policy(source)
        manifest = manifest_of(policy)
        name = f"{manifest.get('scenario', 'policy')}-{str(manifest.get('sha256', ''))[:8]}"
        return cls(
            policy=policy,
            policy_id=name.rstrip("-"),
            known_tools=stored_tools(policy),
            max_steps=max_steps,
        )

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
        decision, fits = self._decide(messages, kwargs.get("tools"), kwargs.get("tool_choice"))
        message = AIMessage(
            content=decision.text,
            tool_calls=[
                tool_call(name=call.name, args=dict(call.arguments), id=_call_id())
                for call in [decision.call]
                if call
            ],
            usage_metadata=_no_tokens(),
            response_metadata=self._metadata(decision, fits),
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        # A decision exists at once or not at all, so a stream is one chunk and an empty last one.
        decision, fits = self._decide(messages, kwargs.get("tools"), kwargs.get("tool_choice"))
        calls = [
            tool_call_chunk(name=c.name, args=json.dumps(dict(c.arguments)), id=_call_id(), index=0)
            for c in [decision.call]
            if c
        ]
        first = AIMessageChunk(
            content=decision.text,
            tool_call_chunks=calls,
            response_metadata=self._metadata(decision, fits),
        )
        last = AIMessageChunk(content="", usage_metadata=_no_tokens(), chunk_position="last")
        for message in (first, last):
            chunk = ChatGenerationChunk(message=message)
            if run_manager:
                run_manager.on_llm_new_token(str(message.text), chunk=chunk)
            yield chunk

    def _metadata(self, decision: Decision, fits: tuple[str, ...]) -> dict[str, Any]:
        found = {
            "model_name": self.policy_id,
            "source": "policy",
            "decision": decision.kind,
            "confidence": decision.confidence,
            "alternatives": [list(pair) for pair in decision.alternatives],
        }
        return found | ({"schema_errors": list(fits)} if fits else {})

    def _decide(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None, choice: Any
    ) -> tuple[Decision, tuple[str, ...]]:
        """The decision in the framework's names, and what is wrong with its arguments."""
        specs, must_call = _narrowed([_spec(tool) for tool in tools or ()], choice)
        offer = match_tools(specs, self.known_tools)
        turns = turns_from(messages, offer)
        decision = self._asked(turns, offer.tools, must_call=must_call)
        if decision.call is None:
            return decision, ()
        if tool_calls_since_user(messages) >= self.max_steps:
            return self._out_of_steps(), ()
        call, problems = offer.runnable(decision.call)
        confidence = 0.0 if problems else decision.confidence
        return Decision("tool", call, "", confidence, decision.alternatives), problems

    def _asked(self, turns: list[Turn], tools: tuple[Tool, ...], *, must_call: bool) -> Decision:
        policy: Policy = self.policy
        decision = policy.act(turns, tools)
        if decision.call is not None and not tools:
            return Decision("hand_over", text=_NO_TOOLS, confidence=0.0)
        if must_call and decision.call is None:
            if isinstance(policy, CallingPolicy):
                decision = policy.call(turns, tools)
            if decision.call is None:
                raise ToolChoiceError(
                    "a tool call is demanded (tool_choice), but the policy has no values for the "
                    f"parameters of {', '.join(tool.name for tool in tools)}"
                )
        return decision

    def _out_of_steps(self) -> Decision:
        text = f"I have not managed this in {self.max_steps} steps and hand it over to a person."
        return Decision("hand_over", text=text, confidence=0.0)


_NO_TOOLS = "I have no tool for this and hand it over to a person."


def _spec(tool: Any) -> Tool:
    function = convert_to_openai_tool(tool)["function"]
    parameters = function.get("parameters") or _NO_PARAMETERS
    return Tool(function["name"], function.get("description", ""), parameters)


def _narrowed(tools: list[Tool], choice: Any) -> tuple[list[Tool], bool]:
    """The tools that `tool_choice` leaves, and whether one of them must be called. Raises `ToolChoiceError`."""
    if isinstance(choice, dict):
        choice = choice.get("function", choice).get("name", choice.get("type"))
    if choice in (None, False, "auto"):
        return tools, False
    if choice == "none":
        return [], False
    if not tools:
        raise ToolChoiceError(f"tool_choice is {choice!r}, but no tools are offered")
    if choice in (True, "any", "required"):
        return tools, True
    if named := [tool for tool in tools if tool.name == choice]:
        return named, True
    names = ", ".join(tool.name for tool in tools)
    raise ToolChoiceError(
        f"tool_choice is {choice!r}; it must be auto, none, any or one of: {names}"
    )


def _call_id() -> str:
    return f"call_{uuid.uuid4().hex[:12]}"


def _no_tokens() -> UsageMetadata:
    return UsageMetadata(input_tokens=0, output_tokens=0, total_tokens=0)
