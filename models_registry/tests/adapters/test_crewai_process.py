"""CrewAI's files, settings and process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from models_registry.adapters import crewai as adapter
from models_registry.adapters._crewai_home import load
from models_registry.adapters._crewai_process import CrewProcess
from models_registry.adapters._livetools import world_tools
from scenarios.library import library


@pytest.fixture(scope="module", autouse=True)
def crewai(storage: Path) -> Any:
    return load()


def answer(agents: list[Any], requests: list[Any], **options: Any) -> str:
    return str(adapter.crew(agents, requests, **options).kickoff().raw)


def play_echo(bundle: str, seed: int) -> tuple[str, list[tuple[str, str]]]:
    """Runs in the child."""
    scenario = library.get("echo")()
    world: Any = scenario.world(scenario.task("test", "easy", seed))
    agent = adapter.wrap_agent(bundle, world_tools(world))
    return answer([agent], [world.opening()]), world.said


def where_it_writes() -> dict[str, str]:
    return {name: os.environ[name] for name in ("HOME", "TMPDIR", "CREWAI_STORAGE_DIR")}


def sleep_long() -> None:
    time.sleep(60)


def fail() -> None:
    raise ValueError("kaput")


def test_a_crew_works_in_a_process_of_its_own(echo_bundle: Path, tmp_path: Path) -> None:
    with CrewProcess(tmp_path / "crew") as process:
        text, said = process.run(play_echo, str(echo_bundle), 1)
        again, _ = process.run(play_echo, str(echo_bundle), 1)
        folders = process.run(where_it_writes)
        with pytest.raises(ValueError, match="kaput"):
            process.run(fail)
    assert said == [("shout", "pinedoor")]
    assert again == text
    assert all(folder.startswith(str(tmp_path / "crew")) for folder in folders.values())


def test_a_crew_that_takes_too_long_is_ended() -> None:
    process = CrewProcess()
    began = time.perf_counter()
    with pytest.raises(TimeoutError):
        process.run(sleep_long, timeout=1.0)
    assert time.perf_counter() - began < 15
    process.__exit__()
    assert not process.folder.exists()


def test_importing_crewai_leaves_no_trace(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o555)
    code = (
        "import os, signal\n"
        "from models_registry.adapters._crewai_home import load\n"
        "before = [signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]\n"
        "load()\n"
        "assert before == [signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]\n"
        "assert os.environ['CREWAI_DISABLE_TELEMETRY'] == 'true'\n"
        "print(os.environ['CREWAI_STORAGE_DIR'], os.environ['HOME'])\n"
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith("CREWAI")}
    env |= {"HOME": str(home), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    storage, told = done.stdout.split()
    assert told == str(home)
    assert list(home.iterdir()) == []
    assert not Path(storage).exists(), "the temporary storage goes with the process"
    assert signal.getsignal(signal.SIGINT) is not None


def test_the_catalogue_reads_the_adapter_without_loading_crewai() -> None:
    code = (
        "import sys; from models_registry.adapters import adapters\n"
        "for key in ('crewai', 'autogen'): adapters.get(key)().get_framework_info()\n"
        "sys.exit('crewai' in sys.modules or 'autogen_core' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_here"):
        getattr(adapter, "nothing_here")  # noqa: B009
