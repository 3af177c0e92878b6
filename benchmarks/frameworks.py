"""A trained version inside each framework: `python -m benchmarks.frameworks --bundle my-model/`.

The same held-out tasks in the plain loop, LangChain, AutoGen and CrewAI. One JSON line each: share of right calls and of
solved tasks with 95 % intervals, how many conversations are the same as in the plain loop, seconds per decision and per
episode, and what importing the framework costs (seconds and MiB of memory, in a fresh process).

A question of the policy is answered by the simulated user in the same conversation. A crew has no second message: it gets
the request again, with the answer below it, so its conversation is another one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from models_registry.adapters._core import Core, Reply
from models_registry.adapters._livetools import LiveTool, world_tools
from scenarios.core.scenario import Scenario
from scenarios.core.types import Decision, ToolCall
from scenarios.core.world import Outcome
from scenarios.library import library
from training.rl.intervals import rate

Say = Callable[[str], str]
"""The user's next message in a conversation -> what the agent answers."""

IMPORTED = """
import psutil, time
process, began = psutil.Process(), time.perf_counter()
before = process.memory_info().rss
{line}
print(time.perf_counter() - began, (process.memory_info().rss - before) / 2**20)
"""
IMPORTS = {
    "plain": "import models_registry.adapters.plain, models_registry.policies.runtime",
    "langchain": "import models_registry.adapters._langchain_model, langchain.agents",
    "autogen": "import models_registry.adapters._autogen_agent",
    "crewai": "from models_registry.adapters._crewai_home import load; load()",
}


def plain(core: Core, tools: Sequence[LiveTool]) -> Say:
    from models_registry.adapters.plain import Plain

    agent = Plain().wrap_agent(core, tools, max_steps=core.max_steps)
    history: list[Any] = []

    def say(text: str) -> str:
        talk = agent.run(text, history)
        history[:] = talk.turns
        return talk.text

    return say


def langchain(core: Core, tools: Sequence[LiveTool]) -> Say:
    from models_registry.adapters.langchain import wrap_agent

    agent = wrap_agent(core, tools, max_steps=core.max_steps)
    messages: list[Any] = []

    def say(text: str) -> str:
        found = agent.invoke({"messages": [*messages, ("user", text)]})
        messages[:] = found["messages"]
        return str(messages[-1].text)

    return say


def autogen(core: Core, tools: Sequence[LiveTool]) -> Say:
    from models_registry.adapters.autogen import wrap_agent

    agent = wrap_agent(core, tools, max_steps=core.max_steps)

    def say(text: str) -> str:
        result: Any = asyncio.run(agent.run(task=text))
        return str(result.messages[-1].content)

    return say


def crewai(core: Core, tools: Sequence[LiveTool]) -> Say:
    from models_registry.adapters.crewai import crew, wrap_agent

    said: list[str] = []

    def say(text: str) -> str:
        said.append(text)
        agent = wrap_agent(core, tools, max_steps=core.max_steps)
        return str(crew([agent], ["\n".join(said)]).kickoff().raw)

    return say


FRAMEWORKS = {"plain": plain, "langchain": langchain, "autogen": autogen, "crewai": crewai}


@dataclass(slots=True)
class Played:
    """What became of one task."""

    calls: list[ToolCall] = field(default_factory=list)
    right: int = 0
    success: bool = False
    decisions: int = 0
    deciding: float = 0.0
    seconds: float = 0.0


def play(start: Callable[..., Say], source: Core, scenario: Scenario, seed: int) -> Played:
    """One held-out task in one framework."""
    world = scenario.world(scenario.task("test", "medium", seed))
    played, replies = Played(), list[Reply]()

    def stepped(call: ToolCall, outcome: Outcome) -> None:
        played.calls.append(call)
        played.right += outcome.verdict.right

    limit = scenario.max_steps["medium"]
    core = Core.of(_Timed(source, played), on_reply=replies.append, max_steps=limit)
    began = time.perf_counter()
    say = start(core, world_tools(world, stepped))
    say(world.opening())
    while replies[-1].decision.kind == "ask" and len(replies) < 40:
        say(str(world.step(replies[-1].decision).turns[-1].content))
    last = replies[-1].decision
    world.step(Decision(last.kind, text=last.text) if last.call is None else Decision("final"))
    played.seconds = time.perf_counter() - began
    played.success = world.succeeded
    return played


class _Timed:
    """A policy with a stopwatch."""

    def __init__(self, core: Core, played: Played) -> None:
        self.policy, self.played = core.policy, played
        self.manifest = getattr(core.policy, "manifest", {})

    def act(self, turns: Any, tools: Any) -> Decision:
        began = time.perf_counter()
        decision = self.policy.act(turns, tools)
        self.played.deciding += time.perf_counter() - began
        self.played.decisions += 1
        return decision


def imported(name: str) -> tuple[float, float]:
    """Seconds and MiB of importing an adapter with its framework."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED.format(line=IMPORTS[name])],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, memory = done.stdout.split()
    return float(seconds), float(memory)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True, help="a bundle's folder")
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--frameworks", nargs="+", default=list(FRAMEWORKS), choices=FRAMEWORKS)
    options = parser.parse_args()
    source = Core.of(options.bundle)
    scenario = library.get(source.policy.manifest["scenario"])()  # type: ignore[attr-defined]
    measure: dict[str, list[Played]] = {}
    for name in dict.fromkeys(["plain", *options.frameworks]):
        found = [play(FRAMEWORKS[name], source, scenario, seed) for seed in range(options.tasks)]
        measure[name] = found
        same = sum(a.calls == b.calls for a, b in zip(found, measure["plain"], strict=True))
        seconds, memory = imported(name)
        decisions = max(1, sum(p.decisions for p in found))
        line = {
            "framework": name,
            "tasks": len(found),
            "reliability": rate([p.right for p in found], [len(p.calls) for p in found]),
            "success": rate([p.success for p in found], [1] * len(found)),
            "same_calls_as_plain": same,
            "ms_per_decision": round(1e3 * sum(p.deciding for p in found) / decisions, 2),
            "ms_per_episode": round(1e3 * sum(p.seconds for p in found) / len(found), 1),
            "import_seconds": round(seconds, 2),
            "import_mib": round(memory),
        }
        print(json.dumps(line), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
