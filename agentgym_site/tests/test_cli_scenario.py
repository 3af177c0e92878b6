"""`agentgym scenario`: a file from its first line to a trained model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from models_registry.models import Version
from scenarios.models import Play, Scenario
from training.models import Run

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

SERVER = '''
from mcp.server.fastmcp import FastMCP

server = FastMCP("desk")


@server.tool()
def find_desk(room: str, floor: int = 1) -> str:
    """Find a desk in a room."""
    return room


server.run()
'''


class Line:
    """The command line in a folder of its own, on this test's database."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self.env = {**env, "PYTHONPATH": str(ROOT)}
        self.folder = folder

    def __call__(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "agentgym_site.cli", *arguments],
            env=self.env,
            cwd=self.folder,
            input=typed,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    def good(self, *arguments: str, typed: str = "") -> str:
        done = self(*arguments, typed=typed)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def line(process_env: dict[str, str], tmp_path: Path) -> Line:
    return Line(process_env, tmp_path)


def test_from_a_new_file_to_a_trained_model(line: Line) -> None:
    assert "Wrote desk.yaml" in line.good("scenario", "new", "desk")
    assert "the oracle succeeds on 100%" in line.good(
        "scenario", "check", "desk.yaml", "--tasks", "5"
    )
    assert "Added desk" in line.good("scenario", "add", "desk.yaml")
    line.good(
        "train",
        "desk",
        "--episodes",
        "120",
        "--set",
        "evaluation_tasks=4",
        "--set",
        "evaluation_attempts=1",
    )
    run = Run.objects.get()
    scenario = Scenario.objects.get(key="desk")
    assert run.status == "succeeded"
    assert run.evidence is not None
    assert run.evidence["content_hash"] == scenario.content_hash == run.scenario_hash
    # A later edition leaves what was trained before as it was: the version is examined on its own one.
    path = line.folder / "desk.yaml"
    path.write_text(path.read_text().replace("seconds: 0.3", "seconds: 0.6"))
    assert "Renewed desk" in line.good("scenario", "add", "desk.yaml")
    version = Version.objects.get()
    said = line.good("evaluate", str(version.pk), "--episodes", "4", "--attempts", "1", "--json")
    evidence = json.loads(said.splitlines()[-1])["evidence"]
    assert (
        evidence["content_hash"]
        == run.scenario_hash
        != Scenario.objects.get(key="desk").content_hash
    )


def test_mistakes_come_with_their_line_and_exit_code_2(line: Line) -> None:
    line.good("scenario", "new", "desk")
    path = line.folder / "desk.yaml"
    path.write_text(path.read_text().replace("find: loans", "find: loan", 1))
    done = line("scenario", "check", "desk.yaml", "--json")
    assert done.returncode == 2
    assert "there is no table 'loan'; did you mean 'loans'?" in done.stderr
    assert "line 60" in done.stderr
    assert json.loads(done.stdout)["type"] == "error"
    assert line("scenario", "add", "desk.yaml").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["new", "My Desk"], "NAME: must be"),
        (["check", "nothing.yaml"], "There is no file nothing.yaml"),
        (["import", "--name", "x1", "--format", "soap"], "--format: must be one of"),
        (["import", "--name", "x1", "--format", "openapi"], "FILE: say which file"),
        (["import", "--name", "x1", "--format", "mcp"], "--server: say how"),
        (
            ["import", "--name", "x1", "--format", "mcp", "--server", "/no/such"],
            "could not be used",
        ),
        (["play", "ecko"], "Did you mean 'echo'"),
        (["play", "echo", "--difficulty", "odd"], "--difficulty: must be"),
        (["play", "relay"], "played by a team"),
    ],
)
def test_wrong_use_is_explained(line: Line, arguments: list[str], words: str) -> None:
    done = line("scenario", *arguments)
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_is_written_over(line: Line) -> None:
    line.good("scenario", "new", "desk")
    done = line("scenario", "new", "desk")
    assert done.returncode == 2
    assert "is there already" in done.stderr


def test_tools_of_an_mcp_server_become_a_scenario(line: Line) -> None:
    (line.folder / "server.py").write_text(SERVER)
    said = line.good(
        "scenario", "import", "--name", "desks", "--format", "mcp",
        "--server", f"{sys.executable} server.py", "--json",
    )  # fmt: skip
    assert json.loads(said)["tools"] == ["find_desk"]
    assert "oracle succeeds on 100%" in line.good("scenario", "check", "desks.yaml", "--tasks", "3")


def test_tools_of_a_file_become_a_scenario(line: Line) -> None:
    tools = [{"name": "add_row", "parameters": {"properties": {"n": {"type": "integer"}}}}]
    (line.folder / "tools.json").write_text(json.dumps(tools))
    line.good("scenario", "import", "tools.json", "--name", "rows", "--format", "openai_tools")
    assert "name: add_row" in (line.folder / "rows.yaml").read_text()


def test_a_person_plays_in_the_terminal(line: Line) -> None:
    said = line.good("scenario", "play", "echo", typed="9\n2\npine\na\nthat was it\n")
    assert "user  >" in said
    assert "you   > shout(word=" in said or "you   > whisper(word=" in said
    assert "olved: " in said
    play = Play.objects.get()
    assert play.success is not None
    assert play.calls == 1


def test_an_episode_that_is_left_goes_on_next_time(line: Line) -> None:
    assert "goes on here next time" in line.good("scenario", "play", "echo", typed="u\nWhich?\n")
    play = Play.objects.get()
    assert len(play.decisions) == 1
    line.good("scenario", "play", "echo", typed="a\nx\n")
    assert Play.objects.get().success is not None
