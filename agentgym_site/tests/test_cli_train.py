"""`agentgym train` in real processes, on this test's database."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from models_registry.artifacts.bundle import load_bundle
from training.models import Run

ROOT = Path(__file__).resolve().parents[2]
QUICK = ("--set", "evaluation_tasks=4", "--set", "evaluation_attempts=2")

pytestmark = pytest.mark.slow


@contextmanager
def training(env: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`agentgym train echo ...` in a process group of its own, as a terminal gives it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "agentgym_site.cli", "train", "echo", *QUICK, *arguments],
        env=env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def lines(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def test_a_run_is_trained_registered_and_copied(
    process_env: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "model"
    with training(process_env, "--episodes", "300", "--output-dir", str(out), "--json") as process:
        said = list(lines(process))
        assert process.wait(60) == 0, process.stderr and process.stderr.read()
    assert {item["type"] for item in said} == {"progress", "result"}
    assert {item["phase"] for item in said[:-1]} >= {"training", "done"}
    result = said[-1]
    run = Run.objects.get(pk=result["run"])
    assert run.status == result["status"] == "succeeded"
    assert run.version is not None
    assert run.owner.get_username() == "cli"
    assert not run.owner.has_usable_password()
    assert run.last_seq > 0
    assert result["version"] == {
        "id": run.version.pk,
        "name": run.version.model.name,
        "number": 1,
        "sha256": run.version.sha256,
    }
    assert load_bundle(out).manifest["sha256"] == run.version.sha256
    assert "trained" in result["evidence"]["agents"]


def test_people_see_lines_and_the_evidence_where_there_is_no_terminal(
    process_env: dict[str, str],
) -> None:
    small = ("--set", "environments=8", "--set", "rollout_steps=8")  # several updates, both kinds
    options = ("--episodes", "200", "--seed", "3", "--verbose", *small)
    with training(process_env, *options) as process:
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "echo (medium), ppo, seed 3" in out
    assert "reliability" in out
    assert "policy_loss" in out
    assert "Oracle" in out
    assert "agentgym evaluate" in out


def test_ctrl_c_stops_the_run_and_keeps_what_was_learned(process_env: dict[str, str]) -> None:
    options = ("--episodes", "1000000", "--json")  # long before its first checkpoint
    with training(process_env, *options) as process:
        stream = lines(process)
        for number, said in enumerate(stream):
            if number == 2:
                os.killpg(process.pid, signal.SIGINT)
            if said["type"] == "result":
                break
        assert process.wait(30) == 130
        assert process.stderr is not None
        assert "keeping what was learned" in process.stderr.read()
    run = Run.objects.get()
    assert run.status == said["status"] == "stopped"
    assert run.version is not None
    assert run.version.is_partial
    assert load_bundle(Path(said["directory"])).weights
    assert run.events.filter(kind="stop_requested", actor=run.owner).exists()


def test_a_budget_stops_the_run_with_its_reason(process_env: dict[str, str]) -> None:
    options = ("--episodes", "1000000", "--max-seconds", "1", "--json")
    with training(process_env, *options) as process:
        said = list(lines(process))
        assert process.wait(30) == 1
    assert said[-1]["stop_reason"] == "The time budget of 1 s is used up."
    run = Run.objects.get()
    assert (run.status, run.max_seconds) == ("stopped", 1.0)
    assert run.version is not None


def test_a_bad_budget_is_named(process_env: dict[str, str]) -> None:
    with training(process_env, "--max-cost", "-1", "--set", "max_seconds=x") as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "--max-cost: must be a number above 0" in errors
    assert "--set max_seconds: must be a number of at least 1" in errors
    assert not Run.objects.exists()


def test_ctrl_c_twice_ends_at_once_and_leaves_no_run_behind(process_env: dict[str, str]) -> None:
    with training(process_env, "--episodes", "1000000", "--json") as process:
        stream = lines(process)
        next(stream)
        os.killpg(process.pid, signal.SIGINT)
        assert process.stderr is not None
        process.stderr.readline()  # it has heard the first one
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 130
    run = Run.objects.get()
    assert run.status == "stopped"
    assert run.lease_owner == ""


def test_a_terminal_gets_a_live_display(process_env: dict[str, str]) -> None:
    import pty

    parent, child = pty.openpty()
    env = process_env | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "agentgym_site.cli",
            "train",
            "echo",
            *QUICK,
            "--episodes",
            "200",
            "-v",
        ],
        env=env,
        cwd=ROOT,
        stdin=child,
        stdout=child,
        stderr=child,
    )
    os.close(child)
    shown = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(parent)
    text = shown.decode()
    assert process.wait(30) == 0, text
    for word in ("Training", "Evidence", "Reliability", "target 95 %", "steps/s", "Oracle"):
        assert word in text


def test_a_run_that_fails_ends_with_1_and_its_reason(
    process_env: dict[str, str], tmp_path: Path
) -> None:
    blocked = tmp_path / "models"
    blocked.write_text("a file where the models' folder should be")
    env = process_env | {"AGENTGYM_MODELS_DIR": str(blocked)}
    with training(env, "--episodes", "100") as process:
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "failed: " in out
    assert "Traceback" not in errors
    assert Run.objects.get().status == "failed"
