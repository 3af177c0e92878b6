"""One way to run a policy over tools in each framework, so that one suite can hold all of them to the same words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from models_registry.adapters import autogen, crewai, langchain
from models_registry.adapters._core import Core, Reply
from models_registry.adapters._livetools import LiveTool
from models_registry.adapters.plain import Plain
from models_registry.tests.scripted import Scripted, calls
from scenarios.core.types import Decision, Json, Tool, ToolCall


@dataclass
class Run:
    """What came of a run. calls: that the policy made. executed: that reached a tool. text: what the user reads."""

    text: str
    calls: list[ToolCall] = field(default_factory=list)
    executed: list[ToolCall] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)


Start = Callable[[Core, Sequence[LiveTool], str], str]


def plain(core: Core, tools: Sequence[LiveTool], request: str) -> str:
    return Plain().wrap_agent(core, tools, max_steps=core.max_steps).run(request).text


def langchain_chat_model(core: Core, tools: Sequence[LiveTool], request: str) -> str:
    """The loop that every tutorial shows, around `bind_tools`."""
    from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage

    from models_registry.adapters._langchain_tools import native

    own = {tool.spec.name: native(tool) for tool in tools}
    chat: Any = langchain.PolicyChatModel.of(core)
    model = chat.bind_tools(list(own.values())) if own else chat
    messages: list[BaseMessage] = [HumanMessage(request)]
    while True:
        answer = model.invoke(messages)
        messages.append(answer)
        if not answer.tool_calls:
            return str(answer.text)
        for call in answer.tool_calls:
            if call["name"] in own:
                messages.append(own[call["name"]].invoke(call))
            else:
                text = f"Error: {call['name']} is not a valid tool, try one of [{', '.join(own)}]."
                messages.append(ToolMessage(text, tool_call_id=call["id"], status="error"))


def langchain_graph(core: Core, tools: Sequence[LiveTool], request: str) -> str:
    agent = langchain.wrap_agent(core, tools, **_same(core))
    return str(agent.invoke({"messages": [("user", request)]})["messages"][-1].text)


def langchain_middleware(core: Core, tools: Sequence[LiveTool], request: str) -> str:
    from langchain.agents import create_agent
    from langchain.agents.middleware import ToolErrorMiddleware

    from models_registry.adapters._langchain_tools import native
    from models_registry.tests.adapters.stand_in import StandIn

    front = langchain.PolicyMiddleware(core, mode="accept", accept_at=0.0, constrain_at=0.0)
    agent: Any = create_agent(
        StandIn(answers=[]),  # has nothing to say: it must not be asked
        [native(tool) for tool in tools],
        middleware=[front, ToolErrorMiddleware(on_error=lambda problem, _: str(problem))],
    )
    return str(agent.invoke({"messages": [("user", request)]})["messages"][-1].text)


def _executor(kind: str) -> Start:
    def run(core: Core, tools: Sequence[LiveTool], request: str) -> str:
        agent = langchain.wrap_agent(core, tools, kind=kind, **_same(core))
        return str(agent.invoke({"input": request})["output"])

    return run


def _same(core: Core) -> dict[str, Any]:
    return {"max_steps": core.max_steps, "min_confidence": core.min_confidence}


def _assistant(core: Core, tools: Sequence[LiveTool]) -> Any:
    return autogen.wrap_agent(core, tools, **_same(core))


def autogen_agent(core: Core, tools: Sequence[LiveTool], request: str) -> str:
    result = asyncio.run(_assistant(core, tools).run(task=request))
    return str(result.messages[-1].content)


def _chat(make: Callable[[Any], Any]) -> Start:
    def run(core: Core, tools: Sequence[LiveTool], request: str) -> str:
        async def talk() -> Any:
            return await make(_assistant(core, tools)).run(task=request)

        return str(asyncio.run(talk()).messages[-1].content)

    return run


def _chosen(agent: Any) -> Any:
    """A chooser that gives the work to the one agent, and ends after it has spoken."""
    chooser = Core.of(Scripted(Decision("tool", calls(agent.name).call), Decision("final")))
    idle = autogen.wrap_agent(Scripted(), [], name="idle")
    return autogen.selector(chooser, [agent.fresh, idle.fresh])


def _crew(kind: str) -> Start:
    def run(core: Core, tools: Sequence[LiveTool], request: str) -> str:
        agent = crewai.wrap_agent(core, tools, kind=kind, **_same(core))
        return str(crewai.crew([agent], [request]).kickoff().raw)

    return run


HARNESSES: dict[str, Start] = {
    "plain": plain,
    "langchain_chat_model": langchain_chat_model,
    "langchain_graph": langchain_graph,
    "langchain_middleware": langchain_middleware,
    "langchain_react": _executor("react"),
    "langchain_conversational": _executor("conversational"),
    "langchain_structured_chat": _executor("structured_chat"),
    "autogen_agent": autogen_agent,
    "autogen_round_robin": _chat(lambda agent: autogen.round_robin([agent.fresh])),
    "autogen_selector": _chat(_chosen),
    "autogen_swarm": _chat(lambda agent: autogen.swarm([agent.fresh])),
    "crewai_native": _crew("native"),
    "crewai_text": _crew("text"),
}


def run_in(
    harness: str, policy: Any, tools: Sequence[LiveTool], request: str, **settings: Any
) -> Run:
    """Run a policy over tools in one framework."""
    run = Run("")

    def noted(reply: Reply) -> None:
        run.kinds.append(reply.decision.kind)
        if reply.decision.call:
            run.calls.append(reply.decision.call)

    watched = [_watched(tool, run.executed) for tool in tools]
    core = Core.of(policy, on_reply=noted, **settings)
    run.text = HARNESSES[harness](core, watched, request)
    return run


def _watched(tool: LiveTool, executed: list[ToolCall]) -> LiveTool:
    def run(arguments: Any) -> Json:
        executed.append(ToolCall(tool.spec.name, dict(arguments)))
        return tool.run(arguments)

    return LiveTool(tool.spec, run)


def tool(
    name: str,
    run: Callable[[Any], Json],
    properties: dict[str, Any] | None = None,
    required: Sequence[str] | None = None,
) -> LiveTool:
    """A live tool of a test; its parameters are strings unless said otherwise."""
    properties = {"word": {"type": "string"}} if properties is None else properties
    names = list(properties) if required is None else list(required)
    schema = {"type": "object", "properties": properties, "required": names}
    return LiveTool(Tool(name, f"The tool {name}.", schema), run)


def raising(problem: Exception) -> Callable[[Any], Json]:
    def run(arguments: Any) -> Json:
        raise problem

    return run


whisper = tool("whisper", lambda given: {"said": given["word"]})
