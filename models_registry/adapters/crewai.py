"""CrewAI.

A trained policy as the LLM of a CrewAI agent: CrewAI runs roles, tasks and tools, the policy decides which tool is called
next, or, as a manager, which coworker gets the work. `PolicyLLM` alone serves wherever CrewAI takes an LLM. Telemetry is
off and CrewAI's files stay in a folder of their own; `CrewProcess` runs crews in a process of their own.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from models_registry.adapters._core import Core
from models_registry.adapters._crewai_turns import turns_from
from models_registry.adapters.base import DEFAULT_MAX_STEPS, Adapter, Policy

if TYPE_CHECKING:
    from models_registry.adapters._crewai_llm import PolicyLLM as PolicyLLM
    from models_registry.adapters._crewai_manager import Delegation as Delegation
    from models_registry.adapters._crewai_process import CrewProcess as CrewProcess
    from models_registry.adapters._livetools import LiveTool
    from scenarios.core.types import Turn
else:
    _HOMES = {
        "PolicyLLM": "_crewai_llm",
        "Delegation": "_crewai_manager",
        "CrewProcess": "_crewai_process",
    }

    def __getattr__(name: str) -> Any:
        # The catalogue asks this module what it needs; CrewAI itself is loaded by whoever uses it.
        if name in _HOMES:
            return getattr(
                importlib.import_module(f"models_registry.adapters.{_HOMES[name]}"), name
            )
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


ANSWER = "An answer to the request."


class CrewAI(Adapter):
    """Agents and crews of crewai 1.15."""

    requires: ClassVar[tuple[str, ...]] = ("crewai",)
    modules: ClassVar[tuple[str, ...]] = ("crewai",)
    kinds: ClassVar[tuple[str, ...]] = ("native", "text")

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
        from models_registry.adapters._crewai_tools import live_tools  # noqa: PLC0415

        return live_tools(agent)

    def turns(self, record: Any) -> list[Turn]:
        """Of the messages of a `TaskOutput` (`crew.kickoff().tasks_output[0]`), or of a list of messages."""
        return turns_from(getattr(record, "messages", record))

    def problems(self, agent: Any) -> list[str]:
        found = []
        if getattr(agent, "memory", None):
            found.append(
                "memory is on: it sends prompts of its own to the agent's LLM; switch it off"
            )
        if getattr(agent, "planning", None) or getattr(agent, "planning_config", None):
            found.append("planning is on: it asks the agent's LLM for plans; switch it off")
        if getattr(agent, "cache", None) is True and hasattr(agent, "tasks"):
            found.append("cache is on: repeated calls do not reach the tools; switch it off")
        return found


def wrap_agent(
    policy: Policy | Path | str | Core,
    tools: Sequence[Any],
    *,
    max_steps: int = DEFAULT_MAX_STEPS,
    min_confidence: float = 0.0,
    kind: str = "native",
    fallback: Any = None,
    **options: Any,
) -> Any:
    """A `crewai.Agent` in which the policy, or the bundle in a folder, decides.

    tools: CrewAI tools, Python functions or live tools. A result and an error read as JSON. After `max_steps` tool calls
    the agent hands over. kind: `native` (tool calls) or `text` (ReAct). fallback: a CrewAI LLM for decisions below
    `min_confidence`. `options` go to `Agent` (role, goal, backstory, ...). Raises `BundleError`.
    """
    from models_registry.adapters._crewai_llm import PolicyLLM  # noqa: PLC0415
    from models_registry.adapters._crewai_tools import native  # noqa: PLC0415

    if kind not in CrewAI.kinds:
        raise ValueError(f"kind is {kind!r}; it must be one of: {', '.join(CrewAI.kinds)}")
    crewai = importlib.import_module("models_registry.adapters._crewai_home").load()
    core = Core.of(policy, max_steps=max_steps, min_confidence=min_confidence)
    described = {
        "role": "Agent",
        "goal": "Serve the request with the tools.",
        "backstory": "A trained agent.",
        # The policy hands over by itself; this is for whoever replaces it.
        "max_iter": max_steps + 2,
    } | options
    return crewai.Agent(
        llm=PolicyLLM(core, fallback=fallback, native=kind == "native"),
        tools=[native(tool) for tool in tools],
        **described,
    )


def crew(
    agents: Sequence[Any],
    requests: Sequence[Any],
    *,
    manager: Policy | Path | str | Core | None = None,
    delegation: Delegation | None = None,
    **options: Any,
) -> Any:
    """A `crewai.Crew` over these requests (texts or Tasks): sequential, or hierarchical under a manager's policy.

    A sequential crew gives request n to agent n, and the last agent the rest. Memory, planning and cache stay off.
    """
    crewai = importlib.import_module("models_registry.adapters._crewai_home").load()
    tasks = [
        request
        if isinstance(request, crewai.Task)
        else crewai.Task(
            description=request,
            expected_output=ANSWER,
            **({} if manager is not None else {"agent": agents[min(number, len(agents) - 1)]}),
        )
        for number, request in enumerate(requests)
    ]
    if manager is None:
        return crewai.Crew(agents=list(agents), tasks=tasks, **options)
    from models_registry.adapters._crewai_llm import PolicyLLM  # noqa: PLC0415

    llm = PolicyLLM(Core.of(manager), delegation=delegation)
    process = crewai.Process.hierarchical
    return crewai.Crew(
        agents=list(agents), tasks=tasks, process=process, manager_llm=llm, **options
    )
