"""Watching somebody's own agent at work, in their process, without changing its code: requests in, conversations out.

LangChain tells its callbacks of every tool; AutoGen and CrewAI give the messages of a run back.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from models_registry.adapters import adapters
from models_registry.adapters.base import Adapter, canonical_content
from scenarios.core.types import Json, Tool, ToolCall, Turn

FRAMEWORKS = {
    "langchain": ("langchain", "langgraph"),
    "autogen": ("autogen",),
    "crewai": ("crewai",),
}
"""Adapter -> beginnings of the modules that its agents' classes come from."""


class NotRecordable(TypeError):
    """Nothing that this can watch; the message says what can be."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What an agent did with one request. seconds: of each tool result, where they were measured."""

    turns: tuple[Turn, ...]
    seconds: tuple[float | None, ...] = ()
    problem: str = ""


@dataclass(slots=True)
class Recorder:
    """One agent after another from a factory, each with one request."""

    make: Callable[[], Any]
    framework: str
    tools: tuple[Tool, ...]

    @classmethod
    def of(cls, make: Callable[[], Any]) -> Recorder:
        """Raises `NotRecordable` for what the factory makes."""
        agent = make()
        framework = framework_of(agent)
        adapter: Adapter = adapters.get(framework)()
        try:
            tools = adapter.extract_tools(agent)
        except TypeError as problem:
            raise NotRecordable(str(problem)) from problem
        return cls(make, framework, tuple(tools))

    def record(self, requests: Sequence[str]) -> Iterator[Conversation]:
        """Each request with a fresh agent; one that fails is told and the next one goes on."""
        for request in requests:
            try:
                yield _RUNS[self.framework](self.make(), request)
            except Exception as problem:  # whatever the user's own agent raises
                said = f"{type(problem).__name__}: {problem}"
                yield Conversation((Turn("user", request),), problem=said[:500])

    def row(self, conversation: Conversation) -> dict[str, Json]:
        """A conversation as a row of an OpenAI-chat trace file."""
        return {
            "messages": list(_messages(conversation)),
            "tools": [{"type": "function", "function": tool.as_json()} for tool in self.tools],
        }


def framework_of(agent: Any) -> str:
    """The adapter of an agent's framework, by the modules that its classes come from. Raises `NotRecordable`."""
    homes = [kind.__module__ for kind in type(agent).__mro__]
    for key, beginnings in FRAMEWORKS.items():
        if any(home.startswith(beginnings) for home in homes):
            return key
    raise NotRecordable(
        f"a {type(agent).__name__} is no agent of {', '.join(FRAMEWORKS)}; return the agent, executor, graph or crew itself"
    )


def _messages(conversation: Conversation) -> Iterator[dict[str, Json]]:
    number = 0
    for turn in conversation.turns:
        if turn.role == "tool" and turn.call is not None:
            name = f"call_{number}"
            arguments = json.dumps(dict(turn.call.arguments), ensure_ascii=False)
            function = {"name": turn.call.name, "arguments": arguments}
            call = {"id": name, "type": "function", "function": function}
            yield {"role": "assistant", "content": None, "tool_calls": [call]}
            text = json.dumps(turn.content, ensure_ascii=False, default=str)
            answer: dict[str, Json] = {"role": "tool", "tool_call_id": name, "content": text}
            if number < len(conversation.seconds) and conversation.seconds[number] is not None:
                answer["seconds"] = conversation.seconds[number]
            yield answer
            number += 1
        elif turn.call is None:
            yield {"role": turn.role, "content": str(turn.content)}


@dataclass(slots=True)
class _Heard:
    """What LangChain's callbacks told: calls by run id, then their results in order."""

    open: dict[Any, tuple[ToolCall, float]] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    seconds: list[float | None] = field(default_factory=list)

    def end(self, run: Any, content: Json, *, is_error: bool) -> None:
        call, began = self.open.pop(run, (ToolCall("unknown"), time.perf_counter()))
        self.turns.append(Turn("tool", content, call=call, is_error=is_error))
        self.seconds.append(round(time.perf_counter() - began, 4))


def _langchain(agent: Any, request: str) -> Conversation:
    from langchain_core.callbacks import BaseCallbackHandler  # noqa: PLC0415

    heard = _Heard()

    class Watch(BaseCallbackHandler):
        def on_tool_start(self, serialized: Any, input_str: str, **more: Any) -> None:
            name = (serialized or {}).get("name") or more.get("name") or "unknown"
            given = more.get("inputs")
            arguments = given if isinstance(given, dict) else canonical_content(input_str)
            if not isinstance(arguments, dict):
                arguments = {"input": arguments}
            heard.open[more.get("run_id")] = (ToolCall(str(name), arguments), time.perf_counter())

        def on_tool_end(self, output: Any, **more: Any) -> None:
            text = getattr(output, "text", output)
            content = canonical_content(text) if isinstance(text, str) else text
            failed = getattr(output, "status", "") == "error"
            heard.end(more.get("run_id"), content, is_error=failed)

        def on_tool_error(self, error: BaseException, **more: Any) -> None:
            content = {"error": "failed", "message": str(error)[:300]}
            heard.end(more.get("run_id"), content, is_error=True)

    graph = hasattr(agent, "get_graph") and not hasattr(agent, "agent")
    given = {"messages": [("user", request)]} if graph else {"input": request}
    found = agent.invoke(given, config={"callbacks": [Watch()]})
    text = found["messages"][-1].text if "messages" in found else found.get("output", "")
    turns = (Turn("user", request), *heard.turns, Turn("assistant", str(text)))
    return Conversation(turns, tuple(heard.seconds))


def _autogen(agent: Any, request: str) -> Conversation:
    async def run() -> Any:
        return await agent.run(task=request)

    return Conversation(tuple(adapters.get("autogen")().turns(asyncio.run(run()))))


def _crewai(agent: Any, request: str) -> Conversation:
    from models_registry.adapters.crewai import crew  # noqa: PLC0415

    if hasattr(agent, "tasks"):
        outputs = agent.kickoff(inputs={"request": request}).tasks_output
    else:
        outputs = crew([agent], [request]).kickoff().tasks_output
    turns = [turn for output in outputs for turn in adapters.get("crewai")().turns(output)]
    spoken = [turn for turn in turns if turn.role != "user"]
    return Conversation((Turn("user", request), *spoken))


_RUNS: dict[str, Callable[[Any, str], Conversation]] = {
    "langchain": _langchain,
    "autogen": _autogen,
    "crewai": _crewai,
}
