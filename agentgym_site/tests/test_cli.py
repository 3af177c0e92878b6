"""The command line as a person or a script meets it: real processes, no database needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentgym_site import __version__
from training.rl.config import TrainConfig

ROOT = Path(__file__).resolve().parents[2]


def agentgym(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "agentgym_site.cli", *arguments],
        env=os.environ | {"COLUMNS": "120", "NO_COLOR": "1"} | env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_one_line(option: str) -> None:
    done = agentgym(option)
    assert (done.returncode, done.stdout) == (0, f"agentgym {__version__}\n")


def test_help_names_every_command_and_the_exit_codes() -> None:
    done = agentgym("--help")
    assert done.returncode == 0
    for word in ("train", "list", "info", "evaluate", "check", "Exit codes", "130"):
        assert word in done.stdout


def test_help_shows_ranges_and_defaults_of_the_settings() -> None:
    text = " ".join(agentgym("train", "--help").stdout.replace("│", " ").split())
    assert f"1 to 10,000,000. Default: {TrainConfig().episodes}." in text
    assert "One of: easy, medium, hard. Default: medium." in text
    assert "Above 0 to 1." in text


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["train", "echo", "--seed=x"]]
)
def test_what_needs_no_database_loads_neither_django_nor_torch(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom agentgym_site.cli import main\n"
        f"sys.argv[1:] = {arguments}\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "sys.exit(bool({'django', 'torch', 'numpy', 'langchain_core'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "echo", "--episodes", "0"], ["--episodes", "at least 1", "10,000,000"]),
        (["train", "echo", "--episodes", "-1"], ["--episodes", "at least 1"]),
        (["train", "echo", "--episodes", str(10**12)], ["--episodes", "1,000,000,000,000"]),
        (["train", "echo", "--episodes", "1.5"], ["--episodes", "whole number"]),
        (["train", "echo", "--learning-rate", "nan"], ["--learning-rate", "finite"]),
        (["train", "echo", "--learning-rate", "abc"], ["--learning-rate", "number", "abc"]),
        (["train", "echo", "--difficulty", "mediun"], ["--difficulty", "did you mean 'medium'"]),
        (["train", "echo", "--algorithm", "ppx"], ["--algorithm", "'ppo'"]),
        (["train", "custmer_support"], ["custmer_support", "Did you mean 'customer_support'"]),
        (["train", "echo", "--set", "evaluaton_tasks=3"], ["--set", "'evaluation_tasks'"]),
        (["train", "echo", "--set", "oops"], ["--set", "NAME=VALUE"]),
        (["train", "echo", "--epsiodes", "3"], ["--epsiodes", "--episodes"]),
        (["train"], ["scenario"]),
        (["train", "echo", "--output-dir", "docs"], ["--output-dir", "already there"]),
        (["trian"], ["trian", "train"]),
        (["list", "rnus"], ["rnus", "scenarios, runs, models"]),
        (["evaluate", "1", "--split", "tset"], ["--split", "train, validation, test"]),
        (["evaluate", "1", "--episodes", "0"], ["--episodes", "1 to 1,000,000"]),
        (["evaluate", "1", "--attempts", "65"], ["--attempts", "1 to 64"]),
        (["evaluate", "1", "--difficulty", "odd"], ["--difficulty", "easy, medium, hard"]),
        (["evaluate", "docs"], ["docs", "no bundle"]),
        (["evaluate", "no/such/folder"], ["no/such/folder"]),
        (["check", "ecko"], ["ecko", "'echo'"]),
    ],
)
def test_wrong_usage_ends_with_2_and_names_the_fix(arguments: list[str], words: list[str]) -> None:
    done = agentgym(*arguments)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_every_bad_setting_is_named_at_once_and_programs_get_them_by_name() -> None:
    done = agentgym("train", "echo", "--episodes", "0", "--learning-rate", "nan", "--json")
    assert done.returncode == 2
    said = json.loads(done.stdout)
    assert said["type"] == "error"
    assert set(said["errors"]) == {"--episodes", "--learning-rate"}


def test_an_output_folder_that_cannot_be_made_is_refused_before_anything_is_trained(
    tmp_path: Path,
) -> None:
    file = tmp_path / "file"
    file.touch()
    done = agentgym("train", "echo", "--output-dir", str(file / "out"))
    assert done.returncode == 2
    assert "--output-dir" in done.stderr


def test_a_scenario_is_checked() -> None:
    done = agentgym("check", "echo", "--tasks", "2")
    assert done.returncode == 0
    assert "keeps the rules on 18 tasks" in done.stdout
    report = json.loads(agentgym("check", "echo", "--tasks", "1", "--json").stdout)
    assert (report["tasks"], report["oracle_success"]) == (9, 1.0)


def test_info_starts_nothing_and_says_so(tmp_path: Path) -> None:
    done = agentgym("info", AGENTGYM_VAR=str(tmp_path / "var"), DATABASE_URL="", REDIS_URL="")
    assert done.returncode == 0, done.stderr
    assert "not running (private PostgreSQL" in done.stdout
    assert not (tmp_path / "var" / "postgres").exists()


def test_a_database_that_cannot_be_reached_ends_with_1() -> None:
    done = agentgym("list", DATABASE_URL="postgresql://nobody@127.0.0.1:9/none")
    assert done.returncode == 1
    assert "PostgreSQL cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    pipe = subprocess.Popen(
        [sys.executable, "-m", "agentgym_site.cli", "check", "echo", "--tasks", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert pipe.stdout is not None
    pipe.stdout.close()
    assert pipe.stderr is not None
    assert pipe.stderr.read() == b""
    pipe.stderr.close()
    assert pipe.wait(30) == 0
