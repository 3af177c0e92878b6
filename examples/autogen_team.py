"""A trained team at work in AutoGen: a group chat with one agent per role, and a customer who answers its questions.

    python examples/autogen_team.py                  the newest registered team_support version
    python examples/autogen_team.py team_support:2   a version of the registry
    python examples/autogen_team.py my-team/         a bundle's folder (no database needed)

Nothing leaves this machine: the policies are a file, AutoGen runs the chat, and the tools act on a simulated company.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

# Started as a script, Python looks for modules in this folder only.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from autogen_agentchat.agents import UserProxyAgent
from autogen_agentchat.messages import (
    HandoffMessage,
    TextMessage,
    ToolCallExecutionEvent,
    ToolCallRequestEvent,
)

from examples._shared import arguments, chosen, fresh_task
from models_registry.adapters import WorldTeam
from models_registry.adapters.autogen import trained_team
from scenarios.core.team import TeamScenario
from scenarios.library import library

SCENARIO = "team_support"
LONGEST = 300


def main() -> int:
    """Run one conversation and print it; 0 when it came to an end, 2 when there is no such team."""
    options = arguments(__doc__)
    directory, name, key = chosen(options, SCENARIO)
    scenario = library.get(key)()
    if not isinstance(scenario, TeamScenario):
        print(f"{name} was trained on {key}, which is not for teams", file=sys.stderr)
        return 2
    task = fresh_task(options, key)
    print(f"{name} on the held-out task {task.id}\n")
    world = scenario.world(task)
    asyncio.run(converse(directory, WorldTeam(world, scenario)))
    print(f"\nGoal reached: {'yes' if world.succeeded else 'no'}")
    return 0


async def converse(directory: Path, side: WorldTeam) -> None:
    """Let the team work on the request, printing each step as it happens."""
    world = side.world
    customer = UserProxyAgent("customer", input_func=lambda prompt: side.answer)
    chat = trained_team(
        directory,
        {role: side.tools(role) for role in world.roles},
        side.floor(),
        person=customer,
        max_turns=2 * side.scenario.max_steps[world.task.difficulty],
    )
    async for message in chat.run_stream(task=world.opening()):
        if isinstance(message, ToolCallRequestEvent):
            for call in message.content:
                print(f"{message.source:<12} {call.name}({call.arguments})")
        elif isinstance(message, ToolCallExecutionEvent):
            for result in message.content:
                mark = "error" if result.is_error else "->"
                print(f"{'':<12} {mark} {result.content[:LONGEST]}")
        elif isinstance(message, HandoffMessage):
            print(f"{message.source:<12} tells {message.target}: {message.content[:LONGEST]}")
        elif isinstance(message, TextMessage):
            print(f"{message.source:<12} {message.content[:LONGEST]}")


if __name__ == "__main__":
    sys.exit(main())
