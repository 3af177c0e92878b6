"""A trained agent at work in LangChain: one fresh request that it has never seen, with tools that really run.

    python examples/langchain_support.py                     the newest registered customer_support version
    python examples/langchain_support.py customer_support:2  a version of the registry
    python examples/langchain_support.py my-model/           a bundle's folder (no database needed)

Nothing leaves this machine: the policy is a file, LangChain runs the tools, and the tools act on a simulated company.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path
from typing import Any

# Started as a script, Python looks for modules in this folder only.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agentgym_site.cli.exits import CommandError
from agentgym_site.cli.site import open_site
from agentgym_site.cli.versions import bundle_directory, newest
from models_registry.adapters.base import load_policy, manifest_of
from models_registry.adapters.langchain import world_tools, wrap_agent
from models_registry.artifacts.bundle import BundleError
from scenarios.core.types import DIFFICULTIES, Decision
from scenarios.core.world import World
from scenarios.library import library

SCENARIO = "customer_support"
FIRST_FRESH_SEED = 1_000_000
"""Evidence is computed on the tasks below it."""
LONGEST_RESULT = 300


def main() -> int:
    """Run one conversation and print it; 0 when it came to an end, 2 when there is no such version."""
    arguments = _arguments()
    try:
        directory, name = _version(arguments.version)
        policy = load_policy(directory)
    except (CommandError, BundleError) as problem:
        print(problem, file=sys.stderr)
        return 2
    scenario = library.get(manifest_of(policy)["scenario"])()
    seed = arguments.seed
    if seed is None:
        seed = random.randrange(FIRST_FRESH_SEED, 2**31)
    task = scenario.task("test", arguments.difficulty, seed)
    world = scenario.world(task)
    steps = scenario.max_steps[task.difficulty]
    agent = wrap_agent(policy, world_tools(world), max_steps=steps)
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


def _version(text: str | None) -> tuple[Path, str]:
    """Folder and name of the version to use. Raises `CommandError` with the fix."""
    if text is not None:
        return bundle_directory(text)
    open_site()
    version = newest(SCENARIO)
    if version is None:
        raise CommandError(
            f"No trained {SCENARIO} version is registered yet. Train one first: agentgym train {SCENARIO}"
        )
    return version.path, f"{version.model.name}:{version.number}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version", nargs="?", help="id, name:number, name, or a bundle's folder")
    parser.add_argument("--seed", type=int, help="the task; drawn at random where not given")
    parser.add_argument("--difficulty", choices=DIFFICULTIES, default="medium")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
