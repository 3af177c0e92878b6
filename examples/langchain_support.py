"""A trained agent at work in LangChain: one fresh request that it has never seen, with tools that really run.

    python examples/langchain_support.py                     the newest registered customer_support version
    python examples/langchain_support.py customer_support:2  a version of the registry
    python examples/langchain_support.py my-model/           a bundle's folder (no database needed)

Nothing leaves this machine: the policy is a file, LangChain runs the tools, and the tools act on a simulated company.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

# Started as a script, Python looks for modules in this folder only.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from examples._shared import arguments, chosen, fresh_task
from models_registry.adapters.langchain import world_tools, wrap_agent
from scenarios.core.types import Decision
from scenarios.core.world import World
from scenarios.library import library

SCENARIO = "customer_support"
LONGEST_RESULT = 300


def main() -> int:
    """Run one conversation and print it; 0 when it came to an end, 2 when there is no such version."""
    options = arguments(__doc__)
    directory, name, key = chosen(options, SCENARIO)
    scenario = library.get(key)()
    task = fresh_task(options, key)
    world = scenario.world(task)
    steps = scenario.max_steps[task.difficulty]
    agent = wrap_agent(directory, world_tools(world), max_steps=steps)
    print(f"{name} on the held-out task {task.id}\n")
    converse(agent, world, max_steps=steps)
    print(f"\nGoal reached: {'yes' if world.succeeded else 'no'}")
    print(f"(kind of request: {task.kind}; done: {', '.join(sorted(world.done)) or 'nothing'})")
    return 0


def converse(agent: Any, world: World, *, max_steps: int) -> None:
    """Let the agent and the simulated customer talk until the agent ends it, printing each step as it happens."""
    messages: list[BaseMessage] = [HumanMessage(world.opening())]
    _show(messages[0])
    for _ in range(max_steps):
        for update in agent.stream({"messages": messages}, stream_mode="updates"):
            for values in update.values():
                for message in values["messages"]:
                    _show(message)
                    messages.append(message)
        last = messages[-1]
        kind = last.response_metadata["decision"]
        outcome = world.step(Decision(kind, text=last.text))
        if outcome.ended:
            return
        messages.append(HumanMessage(outcome.turns[-1].content))
        _show(messages[-1])


def _show(message: BaseMessage) -> None:
    if isinstance(message, HumanMessage):
        print(f"Customer   {message.text}")
    elif isinstance(message, ToolMessage):
        mark = "error" if message.status == "error" else "  ->"
        print(f"     {mark:>5} {message.text[:LONGEST_RESULT]}")
    elif isinstance(message, AIMessage):
        sure = f"{message.response_metadata['confidence']:.0%} sure"
        for call in message.tool_calls:
            arguments = ", ".join(f"{k}={json.dumps(v)}" for k, v in call["args"].items())
            print(f"Agent      {call['name']}({arguments})   [{sure}]")
        if not message.tool_calls:
            print(f"Agent      {message.text}   [{message.response_metadata['decision']}, {sure}]")


if __name__ == "__main__":
    sys.exit(main())
