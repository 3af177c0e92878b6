"""A policy behind OpenAI's protocol on a real port, and the clients that people have for it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn

from models_registry.adapters._core import Core
from models_registry.adapters._gateway import Gateway, Upstream
from models_registry.adapters._livetools import LiveTool
from models_registry.adapters._openai_server import application

KEY = "test-key"


@contextmanager
def serving(
    core: Core, upstream: Upstream | None = None, key: str = KEY
) -> Iterator[tuple[str, Gateway]]:
    """The address of a server that ends with the block, and its gateway."""
    gateway = Gateway(core, "policy", upstream)
    with listening(application(gateway, key)) as address:
        yield f"{address}/v1", gateway


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """An ASGI application on a free port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def spec_of(tool: LiveTool) -> dict[str, Any]:
    return {"type": "function", "function": tool.spec.as_json()}


def openai_sdk(core: Core, tools: Sequence[LiveTool], request: str) -> str:
    """The loop of OpenAI's own examples."""
    from openai import OpenAI

    own = {tool.spec.name: tool for tool in tools}
    specs: Any = [spec_of(tool) for tool in tools]
    messages: list[Any] = [{"role": "user", "content": request}]
    with serving(core) as (url, _), OpenAI(base_url=url, api_key=KEY, max_retries=0) as client:
        while True:
            answer = client.chat.completions.create(
                model="policy",
                messages=messages,
                tools=specs or None,  # type: ignore[arg-type]
            )
            message = answer.choices[0].message
            if not message.tool_calls:
                return message.content or ""
            messages.append(message.model_dump(exclude_none=True))
            for call in message.tool_calls:
                made: Any = call.function  # type: ignore[union-attr]
                result = own[made.name].call(json.loads(made.arguments))
                content = json.dumps(result.content)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})


def chat_openai(core: Core, tools: Sequence[LiveTool], request: str) -> str:
    """LangChain's client of OpenAI in LangChain's agent."""
    from langchain.agents import create_agent
    from langchain_openai import ChatOpenAI

    from models_registry.adapters._langchain_tools import native

    with serving(core) as (url, _):
        model = ChatOpenAI(model="policy", base_url=url, api_key=KEY, max_retries=0)  # type: ignore[arg-type]
        agent: Any = create_agent(model, [native(tool) for tool in tools])
        return str(agent.invoke({"messages": [("user", request)]})["messages"][-1].text)


def autogen_openai(core: Core, tools: Sequence[LiveTool], request: str) -> str:
    """AutoGen's client of OpenAI in AutoGen's agent."""
    from autogen_agentchat.agents import AssistantAgent
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    from models_registry.adapters._autogen_tools import native

    async def talk(url: str) -> str:
        client = OpenAIChatCompletionClient(
            model="policy", base_url=url, api_key=KEY, max_retries=0,
            model_info={"vision": False, "function_calling": True, "json_output": False, "family": "unknown", "structured_output": False},
        )  # fmt: skip
        agent = AssistantAgent(
            "policy", client, tools=[native(tool) for tool in tools], max_tool_iterations=20
        )
        result = await agent.run(task=request)
        await client.close()
        return str(result.messages[-1].content)  # type: ignore[union-attr]

    with serving(core) as (url, _):
        return asyncio.run(talk(url))


CLIENTS: dict[str, Callable[[Core, Sequence[LiveTool], str], str]] = {
    "openai_sdk": openai_sdk,
    "chat_openai": chat_openai,
    "autogen_openai": autogen_openai,
}
