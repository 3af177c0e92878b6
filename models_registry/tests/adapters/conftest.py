"""No network and no stray files in any of these tests, and a small policy that was really trained."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models_registry.adapters._crewai_home import STORAGE
from models_registry.policies.runtime import PolicyRuntime

LOCAL = {"127.0.0.1", "::1", "localhost", None, ""}
TRAIN = """
import sys
from pathlib import Path
from models_registry.artifacts.bundle import save_bundle
from scenarios.library import library
from training.rl.config import parse_config
from training.rl.train import train

if __name__ == "__main__":
    config = parse_config({"scenario": "echo", "episodes": 600, "seed": 0, "collectors": 1})
    weights = [p.weights for p in train(config) if p.weights is not None][-1]
    tools = [tool.as_json() for tool in library.get("echo").tools]
    save_bundle(Path(sys.argv[1]), weights, {"scenario": "echo", "tools": tools})
"""


class Seal:
    """What was reached or written that should not have been, while `on`."""

    def __init__(self) -> None:
        self.on = False
        self.caught: list[str] = []
        self.allowed: tuple[str, ...] = ()

    def watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            self._refuse(arguments[1][0] in LOCAL, f"connects to {arguments[1]}")
        elif event == "socket.getaddrinfo":
            self._refuse(arguments[0] in LOCAL, f"looks up {arguments[0]}")
        elif event == "open" and isinstance(arguments[0], str) and _writes(*arguments[1:3]):
            path = str(Path(arguments[0]).absolute())
            self._refuse(path.startswith(self.allowed) or "__pycache__" in path, f"writes {path}")

    def _refuse(self, fine: bool, what: str) -> None:
        if not fine:
            self.caught.append(what)
            raise PermissionError(what)


def _writes(mode: Any, flags: Any) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


seal = Seal()
sys.addaudithook(seal.watch)  # a hook cannot be taken off again, so it has a switch


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CrewAI's folder; it has to be named before CrewAI is imported."""
    folder = tmp_path_factory.mktemp("crewai")
    os.environ[STORAGE] = str(folder)
    return folder


@pytest.fixture(autouse=True)
def _sealed(tmp_path_factory: pytest.TempPathFactory, storage: Path) -> Iterator[None]:
    # CrewAI keeps its lock files in the system's temporary folder, whatever it is told.
    locks = str(Path(tempfile.gettempdir()) / "crewai:")
    var = os.environ["AGENTGYM_VAR"]
    seal.allowed = (str(tmp_path_factory.getbasetemp()), "/dev/", locks, var)
    seal.caught.clear()
    seal.on = True
    yield
    seal.on = False
    assert not seal.caught


@pytest.fixture(scope="session")
def echo_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy that learned `echo` in some three seconds."""
    folder = tmp_path_factory.mktemp("trained")
    script = folder / "train_echo.py"
    script.write_text(TRAIN)
    root = Path(__file__).resolve().parents[3]
    env = os.environ | {"PYTHONPATH": str(root)}
    subprocess.run([sys.executable, str(script), str(folder / "echo")], check=True, env=env)
    return folder / "echo"


@pytest.fixture
def echo_policy(echo_bundle: Path) -> PolicyRuntime:
    return PolicyRuntime.load(echo_bundle)
