"""LangChain.

A trained policy as a `create_agent` graph: LangChain runs the tools, the policy decides which one is called next.
`PolicyChatModel` alone serves wherever LangChain takes a chat model. `world_tools` gives the tools of a simulated
world as LangChain tools, to try an agent without touching anything real.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from models_registry.adapters.base import (
    DEFAULT_MAX_STEPS,
    Adapter,
    Policy,
    exception_content,
)
from scenarios.core.types import Decision, ToolCall

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool, StructuredTool

    from models_registry.adapters._langchain_model import PolicyChatModel as PolicyChatModel
    from models_registry.adapters._langchain_model import ToolChoiceError as ToolChoiceError
    from scenarios.core.types import Tool
    from scenarios.core.world import Outcome, World
else:

    def __getattr__(name: str) -> Any:
        # The catalogue asks this module what it needs; LangChain itself is loaded by whoever uses it.
        if name in {"PolicyChatModel", "ToolChoiceError"}:
            from models_registry.adapters import _langchain_model  # noqa: PLC0415

            return getattr(_langchain_model, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


logger = logging.getLogger(__name__)

_TRACING_VARIABLES = (
    "LANGSMITH_TRACING",
    "LANGSMITH_TRACING_V2",
    "LANGCHAIN_TRACING",
    "LANGCHAIN_TRACING_V2",
)


class LangChain(Adapter):
    """`create_agent` of langchain 1.x."""

    requires: ClassVar[tuple[str, ...]] = ("langchain", "langchain-core")
    modules: ClassVar[tuple[str, ...]] = ("langchain", "langchain_core")

    def wrap_agent(
        self,
        policy: Policy | Path | str,
        tools: Sequence[Any],
        *,
        max_steps: int = DEFAULT_MAX_STEPS,
    ) -> Any:
        """See the function `wrap_agent`."""
        return wrap_agent(policy, tools, max_steps=max_steps)


def wrap_agent(
    policy: Policy | Path | str,
    tools: Sequence[BaseTool | Callable[..., Any] | dict[str, Any]],
    *,
    max_steps: int = DEFAULT_MAX_STEPS,
    tracing: bool = False,
    **options: Any,
) -> Any:
    """A `create_agent` graph (CompiledStateGraph) in which the policy, or the bundle in a folder, decides.

    A tool that raises becomes an error that the policy sees. After `max_steps` tool calls in answer to one message
    the agent hands over. `options` go to `create_agent` (checkpointer, system_prompt, middleware, ...).

    Conversations hold customers' data, so LangSmith tracing is switched off for this process, even where its
    environment variables ask for it; `tracing=True` leaves it as it is. Raises `BundleError`.
    """
    from langchain.agents import create_agent  # noqa: PLC0415
    from langchain.agents.middleware import ToolErrorMiddleware  # noqa: PLC0415

    from models_registry.adapters._langchain_model import PolicyChatModel  # noqa: PLC0415

    if not tracing:
        _switch_tracing_off()
    model = PolicyChatModel.of(policy, max_steps=max_steps)
    middleware = [
        *options.pop("middleware", ()),
        ToolErrorMiddleware(on_error=lambda problem, _: json.dumps(exception_content(problem))),
    ]
    graph = create_agent(model, list(tools), middleware=middleware, **options)
    # The default is 9,999. The model hands over before this limit; it is there for whoever replaces the model.
    return graph.with_config(recursion_limit=2 * max_steps + 2)


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
