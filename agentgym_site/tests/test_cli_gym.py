"""`agentgym train gym:...` in a real process: no database, the same exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from models_registry.artifacts.bundle import load_bundle

ROOT = Path(__file__).resolve().parents[2]
QUICK = ("--steps", "4000", "--set", "evaluation_tasks=4")


def started(*arguments: str) -> subprocess.Popen[str]:
    env = os.environ | {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nowhere"}
    command = [sys.executable, "-m", "agentgym_site.cli", "train", *arguments]
    return subprocess.Popen(
        command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(*arguments: str) -> tuple[int, str, str]:
    process = started(*arguments)
    out, err = process.communicate(timeout=90)
    return process.returncode, out, err


@pytest.mark.slow
def test_an_environment_is_learned_without_a_database(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    code, out, err = ended("gym:CartPole-v1", *QUICK, "--output-dir", str(folder), "--json")
    assert code == 0, err
    said: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert {item["type"] for item in said} == {"progress", "result"}
    result = said[-1]
    assert result["status"] == "succeeded"
    assert result["env_steps"] >= 4_000
    agents = result["evidence"]["agents"]
    assert agents["trained"]["return"]["n"] == agents["random"]["return"]["n"] == 4
    manifest = load_bundle(folder).manifest
    assert manifest["sha256"] == result["evidence"]["weights_sha256"]
    assert manifest["scenario"] == "gym:CartPole-v1"


@pytest.mark.slow
def test_people_see_lines_and_the_return_beside_random_play() -> None:
    code, out, err = ended("gym:CartPole-v1", *QUICK)
    assert code == 0, err
    assert "reliability" not in out
    for word in ("training", "steps/s", "Trained", "Random", "solved at", "475.0"):
        assert word in out


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_learned(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    process = started("gym:CartPole-v1", "--steps", "9000000", "--output-dir", str(folder), "-v")
    assert process.stdout is not None
    while "training" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped after" in out
    assert load_bundle(folder).weights


@pytest.mark.slow
def test_a_time_budget_stops_it() -> None:
    code, out, _ = ended("gym:CartPole-v1", "--steps", "9000000", "--max-seconds", "1")
    assert code == 0
    assert "Stopped after" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gym:CartPol-v1"], "did you mean 'gym:CartPole-v1'"),
        (["gym:Pendulum-v1"], "only Discrete, MultiDiscrete can"),
        (["gym:CartPole-v1", "--algorithm", "grpo"], "--algorithm: "),
        (["gym:CartPole-v1", "--max-cost", "1"], "--max-cost: "),
        (["gym:CartPole-v1", "--steps", "-1"], "--steps: must be at least 0"),
    ],
)
def test_what_cannot_be_trained_is_a_usage_error(arguments: list[str], words: str) -> None:
    code, _, err = ended(*arguments)
    assert code == 2
    assert words in err
    assert "Traceback" not in err
