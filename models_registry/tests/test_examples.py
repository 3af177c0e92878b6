"""The examples as a newcomer runs them: processes of their own, and no network."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from models_registry.artifacts.bundle import save_bundle
from models_registry.policies.architecture import initial_weights
from models_registry.policies.team import untrained
from models_registry.tests.scripted import Scripted
from scenarios.core.team import TeamScenario
from scenarios.core.types import Decision, Turn
from scenarios.library import library

ROOT = Path(__file__).resolve().parents[2]
OFFLINE = """
import os, runpy, socket, sys

def caught(what):
    # An exception could end in a background thread unseen.
    print(what, file=sys.stderr, flush=True)
    os._exit(99)

def local(family, address):
    return family == socket.AF_UNIX or address[0] in {"127.0.0.1", "::1", "localhost"}

connect, look_up = socket.socket.connect, socket.getaddrinfo

def guarded(self, address):
    if not local(self.family, address):
        caught(f"reached out to {address}")
    return connect(self, address)

def resolved(host, *rest, **named):
    if host not in (None, "127.0.0.1", "::1", "localhost"):
        caught(f"looked up {host}")
    return look_up(host, *rest, **named)

socket.socket.connect = socket.socket.connect_ex = guarded
socket.getaddrinfo = resolved
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def example(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run an example with every connection to elsewhere refused, and tracing asked for."""
    return subprocess.run(
        [sys.executable, "-c", OFFLINE, *arguments],
        env=(env or dict(os.environ)) | {"LANGSMITH_TRACING": "true", "LANGSMITH_API_KEY": "x"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def bundle(folder: Path, scenario: str) -> str:
    """An untrained policy of a scenario."""
    made = library.get(scenario)()
    manifest: dict[str, Any] = {
        "scenario": scenario,
        "tools": [tool.as_json() for tool in made.tools],
    }
    weights = initial_weights(0)
    if isinstance(made, TeamScenario):
        manifest["roles"] = [role.name for role in made.roles]
        weights = untrained(manifest["roles"], 0, critic=False)
    save_bundle(folder / scenario, weights, manifest)
    return str(folder / scenario)


@pytest.mark.parametrize("scenario", ["customer_support", "echo"])
def test_langchain_support_runs_a_conversation_offline(tmp_path: Path, scenario: str) -> None:
    folder = bundle(tmp_path, scenario)
    done = example("examples/langchain_support.py", folder, "--seed", "1000003")
    assert done.returncode == 0, done.stderr
    assert f"{scenario}/test/medium/1000003" in done.stdout
    assert "Customer " in done.stdout
    assert "% sure]" in done.stdout
    assert "Goal reached: " in done.stdout


@pytest.mark.parametrize("scenario", ["relay", "team_support"])
def test_autogen_team_runs_a_group_chat_offline(tmp_path: Path, scenario: str) -> None:
    done = example("examples/autogen_team.py", bundle(tmp_path, scenario), "--seed", "1000003")
    assert done.returncode == 0, done.stderr
    assert f"{scenario}/test/medium/1000003" in done.stdout
    assert {"relay": "listener", "team_support": "triage"}[scenario] in done.stdout
    assert "Goal reached: " in done.stdout


def test_autogen_team_needs_a_team(tmp_path: Path) -> None:
    done = example("examples/autogen_team.py", bundle(tmp_path, "echo"))
    assert done.returncode == 2
    assert "not for teams" in done.stderr


def test_crewai_crew_runs_a_task_offline_and_leaves_no_file(tmp_path: Path) -> None:
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    env = os.environ | {"HOME": str(home), "TMPDIR": str(temporary)}
    folder = bundle(tmp_path, "echo")
    done = example("examples/crewai_crew.py", folder, "--seed", "1000003", env=env)
    assert done.returncode == 0, done.stderr
    assert "echo/test/medium/1000003" in done.stdout
    assert "% sure]" in done.stdout
    assert "Goal reached: " in done.stdout
    assert list(home.iterdir()) == []
    assert list(temporary.iterdir()) == []


def test_the_guard_of_these_tests_catches_what_goes_out(tmp_path: Path) -> None:
    script = tmp_path / "sends_traces.py"
    script.write_text(
        "import time\n"
        "from models_registry.adapters.langchain import wrap_agent\n"
        "from models_registry.policies.architecture import initial_weights\n"
        "from models_registry.policies.runtime import PolicyRuntime\n"
        "agent = wrap_agent(PolicyRuntime(initial_weights(0)), [], tracing=True)\n"
        "agent.invoke({'messages': [('user', 'hello')]})\n"
        "time.sleep(20)\n"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    assert example(str(script), env=env).returncode == 99


def test_langchain_support_draws_a_fresh_request_each_time(tmp_path: Path) -> None:
    folder = bundle(tmp_path, "echo")
    heads = {example("examples/langchain_support.py", folder).stdout.splitlines()[0] for _ in "ab"}
    assert len(heads) == 2


def test_langchain_support_says_what_is_missing(
    process_env: dict[str, str], tmp_path: Path
) -> None:
    done = example("examples/langchain_support.py", env=process_env)
    assert done.returncode == 2, done.stderr
    assert "agentgym train customer_support" in done.stderr
    done = example("examples/langchain_support.py", str(tmp_path))
    assert done.returncode == 2
    assert "no bundle" in done.stderr


def test_langchain_support_passes_questions_on_to_the_customer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from models_registry.adapters.langchain import world_tools, wrap_agent

    converse = runpy.run_path(str(ROOT / "examples" / "langchain_support.py"))["converse"]
    scenario = library.get("echo")()
    world = scenario.world(scenario.task("test", "easy", 3))
    oracle = world.oracle().call
    assert oracle is not None
    policy = Scripted(
        Decision("ask", text="How loud?", confidence=0.6),
        Decision("tool", oracle, confidence=0.9),
        Decision("final", text="Done.", confidence=0.8),
    )
    converse(wrap_agent(policy, world_tools(world)), world, max_steps=5)
    assert world.succeeded
    said = capsys.readouterr().out
    assert "How loud?   [ask, 60% sure]" in said
    assert "Customer   I have told you everything." in said
    assert "Done.   [final, 80% sure]" in said
    assert policy.seen[-1][0][1:3] == [
        Turn("assistant", "How loud?"),
        Turn("user", "I have told you everything."),
    ]
