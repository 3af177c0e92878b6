"""A scripted LangChain chat model in the place of an LLM."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field


class StandIn(BaseChatModel):
    """Gives its answers one by one. `asked` holds the names of the tools and the tool_choice of every call."""

    answers: list[Any]
    asked: list[tuple[list[str], Any]] = Field(default_factory=list)
    model_name: str = "stand-in"

    @property
    def _llm_type(self) -> str:
        return "stand-in"

    def bind_tools(
        self, tools: Any, *, tool_choice: Any = None, **kwargs: Any
    ) -> Runnable[Any, Any]:
        specs = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=specs, tool_choice=tool_choice, **kwargs)

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        names = [tool["function"]["name"] for tool in kwargs.get("tools") or []]
        self.asked.append((names, kwargs.get("tool_choice")))
        message = said(self.answers.pop(0))
        message.usage_metadata = {"input_tokens": 7, "output_tokens": 4, "total_tokens": 11}
        message.response_metadata["model_name"] = self.model_name
        return ChatResult(generations=[ChatGeneration(message=message)])


def said(answer: str | tuple[str, dict[str, Any]]) -> AIMessage:
    """Text, or a tool and its arguments, as a message."""
    if isinstance(answer, str):
        return AIMessage(answer)
    name, arguments = answer
    call = {"name": name, "args": arguments, "id": f"llm_{name}", "type": "tool_call"}
    return AIMessage("", tool_calls=[call])
