"""Classic LangChain agents (langchain-classic): an AgentExecutor whose brain is a policy, in three styles.

The policy is the agent, not a model behind a prompt: it gets the steps as they are, so tools with several parameters
work in every style, and no text has to be parsed. The style is what the log shows, in the words that the official parser
of that style reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

from langchain_classic.agents import AgentExecutor
from langchain_classic.base_memory import BaseMemory
from langchain_core.agents import AgentAction, AgentFinish
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from langchain_core.tools import BaseTool
from pydantic import Field

from models_registry.adapters._core import Core, call_id
from models_registry.adapters._langchain_model import spec_of
from models_registry.adapters._langchain_tools import guarded
from models_registry.adapters._langchain_turns import ERRORS, turns_from
from models_registry.adapters._livetools import as_result
from models_registry.adapters.base import canonical_result, unknown_tool
from scenarios.core.types import Decision, Tool, ToolCall, Turn

Style: TypeAlias = Literal["react", "conversational", "structured_chat"]
STYLES: tuple[Style, ...] = ("react", "conversational", "structured_chat")
HISTORY = "chat_history"


def executor(
    core: Core,
    tools: Sequence[Any],
    style: Style = "react",
    *,
    fallback: Runnable[Any, Any] | None = None,
    memory: BaseMemory | None = None,
    **options: Any,
) -> AgentExecutor:
    """An AgentExecutor that a policy drives.

    style: `react` (zero-shot ReAct), `conversational` (with memory: one executor for each conversation) or
    `structured_chat`. fallback: an LLM's agent (of `create_react_agent`, say) for steps that the policy is unsure of; it
    gets the same input. `options` go to AgentExecutor.
    """
    safe = [guarded(tool) for tool in tools]
    specs = [spec_of(tool) for tool in safe]
    if style == "conversational" and memory is None:
        memory = ConversationMemory()
    # The policy hands over before these limits; they are there for the fallback.
    limits = {"max_iterations": core.max_steps + 1, "handle_parsing_errors": True}
    kept = {"return_intermediate_steps": True} if isinstance(memory, ConversationMemory) else {}
    return AgentExecutor(
        agent=brain(core, specs, style, fallback),
        tools=safe,
        memory=memory,
        **(limits | kept | options),
    )


def with_policy(existing: AgentExecutor, core: Core, style: Style = "react") -> AgentExecutor:
    """A copy of an existing executor in which a policy decides; everything else stays as it was set up."""
    tools: list[BaseTool] = [guarded(tool) for tool in existing.tools]
    agent = AgentExecutor(agent=brain(core, [spec_of(t) for t in tools], style, None), tools=tools)
    return existing.model_copy(update={"agent": agent.agent, "tools": tools})


def brain(
    core: Core, specs: Sequence[Tool], style: Style, fallback: Runnable[Any, Any] | None
) -> Runnable[Any, Any]:
    """What an AgentExecutor asks for its next step."""

    def answer(given: dict[str, Any]) -> AgentAction | AgentFinish | None:
        reply = core.decide(_turns(given, specs), specs, has_fallback=fallback is not None)
        if reply.deferred:
            return None
        log = WORDING[style](reply.decision)
        if reply.decision.call is None:
            told = {"decision": reply.decision.kind, "confidence": reply.decision.confidence}
            return AgentFinish({"output": reply.decision.text, **told}, log)
        return AgentAction(reply.decision.call.name, dict(reply.decision.call.arguments), log)

    def step(given: dict[str, Any], config: RunnableConfig) -> Any:
        found = answer(given)
        return fallback.invoke(given, config) if found is None and fallback else found

    async def astep(given: dict[str, Any], config: RunnableConfig) -> Any:
        found = answer(given)
        return await fallback.ainvoke(given, config) if found is None and fallback else found

    return RunnableLambda(step, astep, name="policy")


def _turns(given: dict[str, Any], specs: Sequence[Tool]) -> list[Turn]:
    """The conversation so far: what memory holds, the request, and the steps since."""
    history = given.get(HISTORY) or []
    turns = turns_from(history) if isinstance(history, list) else _spoken(str(history))
    turns.append(Turn("user", str(given["input"])))
    names = {spec.name for spec in specs}
    for action, observation in given["intermediate_steps"]:
        given_arguments = action.tool_input
        arguments = given_arguments if isinstance(given_arguments, dict) else {}
        call = ToolCall(action.tool, arguments)
        content, is_error = _observed(observation)
        if action.tool not in names:
            content, is_error = unknown_tool(action.tool), True
        turns += [Turn("assistant", call=call), Turn("tool", content, call=call, is_error=is_error)]
    return turns


def _observed(observation: Any) -> tuple[Any, bool]:
    if isinstance(observation, str):
        return canonical_result(observation, flagged=False, table=ERRORS)
    result = as_result(observation)
    return result.content, result.is_error


def _spoken(text: str) -> list[Turn]:
    """The turns of a memory that keeps text (`Human: ...`, `AI: ...`)."""
    turns: list[Turn] = []
    for line in text.splitlines():
        speaker, _, words = line.partition(": ")
        if speaker in ("Human", "AI"):
            turns.append(Turn("user" if speaker == "Human" else "assistant", words))
        elif turns and line.strip():
            last = turns.pop()
            turns.append(Turn(last.role, f"{last.content}\n{line}"))
    return turns


class ConversationMemory(BaseMemory):
    """Keeps one conversation, tool calls included. (LangChain's own buffer forgets them, and is deprecated.)"""

    messages: list[BaseMessage] = Field(default_factory=list)

    @property
    def memory_variables(self) -> list[str]:
        return [HISTORY]

    def load_memory_variables(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {HISTORY: list(self.messages)}

    def save_context(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        self.messages.append(HumanMessage(str(inputs["input"])))
        for action, observation in outputs.get("intermediate_steps") or ():
            name = call_id()
            arguments = action.tool_input if isinstance(action.tool_input, dict) else {}
            text = (
                observation
                if isinstance(observation, str)
                else json.dumps(observation, default=str)
            )
            called = {"name": action.tool, "args": arguments, "id": name, "type": "tool_call"}
            self.messages.append(AIMessage("", tool_calls=[called]))
            self.messages.append(ToolMessage(text, tool_call_id=name, name=action.tool))
        self.messages.append(AIMessage(str(outputs["output"])))

    def clear(self) -> None:
        self.messages.clear()


def _react(decision: Decision) -> str:
    if decision.call is None:
        return f"I now know the final answer\nFinal Answer: {decision.text}"
    return f"I use a tool.\nAction: {decision.call.name}\nAction Input: {_given(decision.call)}"


def _conversational(decision: Decision) -> str:
    if decision.call is None:
        return f"Thought: Do I need to use a tool? No\nAI: {decision.text}"
    return (
        "Thought: Do I need to use a tool? Yes\n"
        f"Action: {decision.call.name}\nAction Input: {_given(decision.call)}"
    )


def _structured(decision: Decision) -> str:
    call = decision.call
    name, given = (call.name, dict(call.arguments)) if call else ("Final Answer", decision.text)
    blob = json.dumps({"action": name, "action_input": given}, ensure_ascii=False)
    return f"Action:\n```json\n{blob}\n```"


def _given(call: ToolCall) -> str:
    return json.dumps(dict(call.arguments), ensure_ascii=False)


WORDING: dict[Style, Callable[[Decision], str]] = {
    "react": _react,
    "conversational": _conversational,
    "structured_chat": _structured,
}
"""How each style's official parser wants to read a decision."""
