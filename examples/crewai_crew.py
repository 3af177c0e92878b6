"""A trained agent at work in CrewAI: a crew of one support agent, in a process of its own, over tools that really run.

    python examples/crewai_crew.py                     the newest registered customer_support version
    python examples/crewai_crew.py customer_support:2  a version of the registry
    python examples/crewai_crew.py my-model/           a bundle's folder (no database needed)

Nothing leaves this machine: the policy is a file, CrewAI runs the task with its telemetry off, and the tools act on a
simulated company. A crew has no conversation: where the agent asks, the task is set again with the answer.
"""

from __future__ import annotations

import sys
from pathlib import Path

# Started as a script, Python looks for modules in this folder only.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from examples._shared import arguments, chosen, fresh_task
from models_registry.adapters.crewai import CrewProcess
from scenarios.core.tasks import Task

SCENARIO = "customer_support"
LONGEST = 300


def main() -> int:
    """Run one task and print what was done; 0 when it came to an end, 2 when there is no such version."""
    options = arguments(__doc__)
    directory, name, key = chosen(options, SCENARIO)
    task = fresh_task(options, key)
    print(f"{name} on the held-out task {task.id}\n")
    with CrewProcess() as process:
        lines, reached = process.run(work, directory, task.scenario, task.difficulty, task.seed)
    print("\n".join(lines))
    print(f"\nGoal reached: {'yes' if reached else 'no'}")
    return 0


def work(directory: Path, key: str, difficulty: str, seed: int) -> tuple[list[str], bool]:
    """What happened, line by line, and whether the goal was reached. Runs in CrewAI's own process."""
    import json

    from models_registry.adapters import Core
    from models_registry.adapters._core import Reply
    from models_registry.adapters._livetools import world_tools
    from models_registry.adapters.crewai import crew, wrap_agent
    from scenarios.core.types import DIFFICULTIES, Decision
    from scenarios.library import library

    scenario = library.get(key)()
    level = next(d for d in DIFFICULTIES if d == difficulty)
    task: Task = scenario.task("test", level, seed)
    world = scenario.world(task)
    lines = [f"Customer   {world.opening()}"]
    last: list[Decision] = []

    def noted(reply: Reply) -> None:
        last[:] = [reply.decision]

    tools = world_tools(
        world,
        lambda call, outcome: lines.append(
            f"Agent      {call.name}({json.dumps(dict(call.arguments))})\n"
            f"        -> {json.dumps(outcome.turns[-1].content)[:LONGEST]}"
        ),
    )
    core = Core.of(directory, on_reply=noted)
    agent = wrap_agent(core, tools, role="Support agent", goal="Solve the customer's request.")
    said = [world.opening()]
    for _ in range(scenario.max_steps[level]):
        answer = str(crew([agent], ["\n".join(said)]).kickoff().raw)
        lines.append(f"Agent      {answer}   [{last[0].kind}, {last[0].confidence:.0%} sure]")
        outcome = world.step(Decision(last[0].kind, text=answer))
        if outcome.ended:
            break
        said.append(str(outcome.turns[-1].content))
        lines.append(f"Customer   {said[-1]}")
    return lines, world.succeeded


if __name__ == "__main__":
    sys.exit(main())
