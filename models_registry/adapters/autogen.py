"""AutoGen.

A trained policy as an `AssistantAgent` of autogen-agentchat: AutoGen runs the tools, the policy decides which one is
called next. Several such agents work together in round-robin, selector and swarm group chats, and a trained team works
as one. `PolicyClient` alone serves wherever AutoGen takes a model client.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from models_registry.adapters._core import Core
from models_registry.adapters.base import DEFAULT_MAX_STEPS, Adapter, Policy

if TYPE_CHECKING:
    from models_registry.adapters._autogen_agent import PolicyAssistant as PolicyAssistant
    from models_registry.adapters._autogen_agent import round_robin as round_robin
    from models_registry.adapters._autogen_agent import selector as selector
    from models_registry.adapters._autogen_agent import swarm as swarm
    from models_registry.adapters._autogen_client import PolicyClient as PolicyClient
    from models_registry.adapters._autogen_team import trained_team as trained_team
    from models_registry.adapters._livetools import LiveTool
    from scenarios.core.types import Turn
else:
    _HOMES = {
        "PolicyAssistant": "_autogen_agent",
        "PolicyClient": "_autogen_client",
        "round_robin": "_autogen_agent",
        "selector": "_autogen_agent",
        "swarm": "_autogen_agent",
        "trained_team": "_autogen_team",
    }

    def __getattr__(name: str) -> Any:
        # The catalogue asks this module what it needs; AutoGen itself is loaded by whoever uses it.
        if name in _HOMES:
            return getattr(
                importlib.import_module(f"models_registry.adapters.{_HOMES[name]}"), name
            )
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class AutoGen(Adapter):
    """AssistantAgent and group chats of autogen-agentchat 0.7."""

    requires: ClassVar[tuple[str, ...]] = ("autogen-agentchat", "autogen-core")
    modules: ClassVar[tuple[str, ...]] = ("autogen_agentchat", "autogen_core")
    kinds: ClassVar[tuple[str, ...]] = ("assistant",)

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
        from models_registry.adapters._autogen_tools import live_tools  # noqa: PLC0415

        return live_tools(agent)

    def turns(self, record: Any) -> list[Turn]:
        """Of a `TaskResult`, or of its messages."""
        from models_registry.adapters._autogen_turns import recorded_turns  # noqa: PLC0415

        return recorded_turns(getattr(record, "messages", record))

    def problems(self, agent: Any) -> list[str]:
        found = []
        if getattr(agent, "_max_tool_iterations", 2) == 1:
            found.append(
                "max_tool_iterations is 1: the agent stops after its first tool call and answers with the raw result"
            )
        return found


def wrap_agent(
    policy: Policy | Path | str | Core,
    tools: Sequence[Any],
    *,
    max_steps: int = DEFAULT_MAX_STEPS,
    min_confidence: float = 0.0,
    name: str = "agent",
    **options: Any,
) -> PolicyAssistant:
    """An `AssistantAgent` in which the policy, or the bundle in a folder, decides.

    tools: AutoGen tools, Python functions or live tools. A result reads as JSON and an exception as an error that the
    policy knows. After `max_steps` tool calls in answer to one message the agent hands over. `options` go to
    `PolicyAssistant`: `fallback` (a model client for decisions below `min_confidence`), `person` (hand-off target for
    questions), and what AssistantAgent takes (`handoffs`, `description`, ...). For a run of its own use
    `agent.fresh()`: AssistantAgents keep their conversation. Raises `BundleError`.
    """
    from models_registry.adapters._autogen_agent import PolicyAssistant  # noqa: PLC0415
    from models_registry.adapters._autogen_tools import native  # noqa: PLC0415

    core = Core.of(policy, max_steps=max_steps, min_confidence=min_confidence)
    return PolicyAssistant(name, core, [native(tool) for tool in tools], **options)
