"""LangChain.

A trained policy as a LangChain agent: LangChain runs the tools, the policy decides which one is called next. As a
`create_agent` graph, as a classic AgentExecutor in three styles, or as middleware in front of an ordinary LLM.
`PolicyChatModel` alone serves wherever LangChain takes a chat model. `world_tools` gives the tools of a simulated world
as LangChain tools, to try an agent without touching anything real.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from models_registry.adapters._core import Core
from models_registry.adapters._core import ToolChoiceError as ToolChoiceError
from models_registry.adapters.base import (
    DEFAULT_MAX_STEPS,
    Adapter,
    Policy,
    exception_content,
)
from scenarios.core.types import ToolCall, Turn

if TYPE_CHECKING:
    from langchain_core.tools import StructuredTool

    from models_registry.adapters._langchain_classic import with_policy as with_policy
    from models_registry.adapters._langchain_middleware import PolicyMiddleware as PolicyMiddleware
    from models_registry.adapters._langchain_model import PolicyChatModel as PolicyChatModel
    from models_registry.adapters._langchain_providers import ProviderError as ProviderError
    from models_registry.adapters._langchain_providers import chat_model as chat_model
    from models_registry.adapters._livetools import LiveTool
    from scenarios.core.world import Outcome, World
else:
    _HOMES = {
        "PolicyChatModel": "_langchain_model",
        "PolicyMiddleware": "_langchain_middleware",
        "ProviderError": "_langchain_providers",
        "chat_model": "_langchain_providers",
        "with_policy": "_langchain_classic",
    }

    def __getattr__(name: str) -> Any:
        # The catalogue asks this module what it needs; LangChain itself is loaded by whoever uses it.
        if name in _HOMES:
            return getattr(
                importlib.import_module(f"models_registry.adapters.{_HOMES[name]}"), name
            )
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


logger = logging.getLogger(__name__)

_TRACING_VARIABLES = (
    "LANGSMITH_TRACING",
    "LANGSMITH_TRACING_V2",
    "LANGCHAIN_TRACING",
    "LANGCHAIN_TRACING_V2",
)


class LangChain(Adapter):
    """Agents of langchain 1.x and langchain-classic."""

    requires: ClassVar[tuple[str, ...]] = ("langchain", "langchain-core", "langchain-classic")
    modules: ClassVar[tuple[str, ...]] = ("langchain", "langchain_core", "langchain_classic")
    kinds: ClassVar[tuple[str, ...]] = ("graph", "react", "conversational", "structured_chat")

    def wrap_agent(
        self,
        policy: Policy | Path | str | Core,
        tools: Sequence[Any],
        *,
        max_steps: int = DEFAULT_MAX_STEPS,
        **options: Any,
    ) -> Any:
        """See the function `wrap_agent`."""
        return wrap_agent(policy, tools, max_steps=max_steps, **options)

    def live_tools(self, agent: Any) -> list[LiveTool]:
        from models_registry.adapters._langchain_tools import live_tools  # noqa: PLC0415

        return live_tools(agent)

    def turns(self, record: Any) -> list[Turn]:
        """Of what a graph gave back (`{"messages": [...]}`), or of a list of messages."""
        from models_registry.adapters._langchain_turns import turns_from  # noqa: PLC0415

        return turns_from(record["messages"] if isinstance(record, dict) else record)

    def problems(self, agent: Any) -> list[str]:
        limit = (getattr(agent, "config", None) or {}).get("recursion_limit", 0)
        found = []
        if limit > MOST_STEPS:
            found.append(
                f"recursion_limit is {limit:,}: an agent that loops would not be stopped; set one with with_config"
            )
        if getattr(agent, "max_iterations", 1) is None:
            found.append("max_iterations is None: an agent that loops would not be stopped")
        return found


MOST_STEPS = 1_000
"""A graph with a higher recursion limit has none, for all practical purposes."""


def wrap_agent(
    policy: Policy | Path | str | Core,
    tools: Sequence[Any],
    *,
    kind: str = "graph",
    max_steps: int = DEFAULT_MAX_STEPS,
    min_confidence: float = 0.0,
    tracing: bool = False,
    **options: Any,
) -> Any:
    """A LangChain agent in which the policy, or the bundle in a folder, decides.

    kind: `graph` (`create_agent`, a CompiledStateGraph), or an AgentExecutor in the style `react`, `conversational`
    (with memory) or `structured_chat`. tools: LangChain tools, Python functions or live tools. A tool that raises
    becomes an error that the policy sees. After `max_steps` tool calls in answer to one message the agent hands over.
    options: `fallback` decides below `min_confidence` (a chat model, or for an executor an LLM's agent); the others go
    to `create_agent` or AgentExecutor (checkpointer, system_prompt, middleware, memory, ...).

    Conversations hold customers' data, so LangSmith tracing is switched off for this process, even where its
    environment variables ask for it; `tracing=True` leaves it as it is. Raises `BundleError`.
    """
    if kind not in LangChain.kinds:
        raise ValueError(f"kind is {kind!r}; it must be one of: {', '.join(LangChain.kinds)}")
    if not tracing:
        _switch_tracing_off()
    core = Core.of(policy, max_steps=max_steps, min_confidence=min_confidence)
    fallback = options.pop("fallback", None)
    if kind != "graph":
        from models_registry.adapters._langchain_classic import executor  # noqa: PLC0415

        return executor(core, tools, kind, fallback=fallback, **options)  # type: ignore[arg-type]
    return _graph(core, tools, fallback, options)


def _graph(core: Core, tools: Sequence[Any], fallback: Any, options: dict[str, Any]) -> Any:
    from langchain.agents import create_agent  # noqa: PLC0415
    from langchain.agents.middleware import ToolErrorMiddleware  # noqa: PLC0415

    from models_registry.adapters._langchain_model import PolicyChatModel  # noqa: PLC0415
    from models_registry.adapters._langchain_tools import native  # noqa: PLC0415
    from models_registry.adapters._livetools import LiveTool  # noqa: PLC0415

    own = [native(tool) if isinstance(tool, LiveTool) else tool for tool in tools]
    middleware = [
        *options.pop("middleware", ()),
        ToolErrorMiddleware(on_error=lambda problem, _: json.dumps(exception_content(problem))),
    ]
    model = PolicyChatModel.of(core, fallback=fallback)
    graph = create_agent(model, own, middleware=middleware, **options)
    # The default is 9,999. The model hands over before this limit; it is there for whoever replaces the model.
    return graph.with_config(recursion_limit=2 * core.max_steps + 2)


def world_tools(
    world: World, on_step: Callable[[ToolCall, Outcome], None] | None = None
) -> list[StructuredTool]:
    """The tools of a simulated world as LangChain tools: each call is a step of the world.

    A result is its JSON text; an error result is a ToolMessage of status "error". `on_step` sees every call.
    Calls may come from several threads; they are carried out one at a time.
    """
    from models_registry.adapters import _livetools  # noqa: PLC0415
    from models_registry.adapters._langchain_tools import native  # noqa: PLC0415

    return [native(tool) for tool in _livetools.world_tools(world, on_step)]


def _switch_tracing_off() -> None:
    import langsmith  # noqa: PLC0415

    wanted = [name for name in _TRACING_VARIABLES if os.environ.get(name, "").lower() == "true"]
    if wanted:
        logger.warning("%s is ignored; pass tracing=True to send traces to LangSmith.", wanted[0])
    langsmith.configure(enabled=False)
