from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from agentgym_site import child as child_module
from agentgym_site.child import MOST_RESTARTS, Child, Part
from agentgym_site.tests.processes import ROOT, eventually


class Bench:
    """Writes little programs and runs them as parts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.children: list[Child] = []

    def start(self, code: str, grace_s: float = 5.0) -> Child:
        (self.folder / "little.py").write_text(code)
        part = Part("little", ("little",), {"PYTHONPATH": f"{ROOT}:{self.folder}"}, grace_s)
        child = Child(part, self.folder / "log", self.said.append)
        self.children.append(child)
        child.start()
        return child


@pytest.fixture
def bench(tmp_path: Path) -> object:
    bench = Bench(tmp_path)
    yield bench
    for child in bench.children:
        child.kill()


def _ended(child: Child) -> bool:
    return child.process is not None and child.process.poll() is not None


def test_a_dying_part_is_reported_with_its_last_words(bench: Bench) -> None:
    child = bench.start("import sys; print('my last words'); sys.exit(3)")
    assert eventually(lambda: _ended(child))

    assert child.check()

    assert "little ended with code 3" in bench.said[0]
    assert "  my last words" in bench.said
    assert "little starts again in 1 s (try 1 of 5)" in bench.said[-1]
    assert "my last words" in child.log.read_text()


def test_it_is_started_again_after_a_pause(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    child = bench.start("raise SystemExit(1)")
    assert eventually(lambda: _ended(child))
    child.check()
    child.check()
    assert child.process is None, "not yet"

    child.restart_at = 0.0
    child.check()

    assert child.process is not None


def test_one_that_keeps_dying_is_given_up(bench: Bench) -> None:
    child = bench.start("raise SystemExit(1)")
    child.restarts = MOST_RESTARTS
    assert eventually(lambda: _ended(child))

    assert not child.check()


def test_a_long_life_forgives_earlier_deaths(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    child = bench.start("raise SystemExit(1)")
    child.restarts = MOST_RESTARTS
    monkeypatch.setattr(child_module, "_HEALTHY_S", -1.0)
    assert eventually(lambda: _ended(child))

    assert child.check()
    assert child.restarts == 1


def test_errors_reach_the_terminal_and_the_rest_only_the_log(bench: Bench) -> None:
    child = bench.start("print('INFO fine'); print('an ERROR here'); input()")

    assert eventually(lambda: "[little] an ERROR here" in bench.said)
    assert bench.said == ["[little] an ERROR here"]
    assert "INFO fine" in child.log.read_text()


def test_a_signal_is_named(bench: Bench) -> None:
    child = bench.start("import time; time.sleep(60)")
    child.signal(signal.SIGKILL)
    assert eventually(lambda: _ended(child))

    child.check()

    assert "little was ended by SIGKILL" in bench.said[0]


def test_a_stubborn_part_is_killed_with_what_it_started(bench: Bench) -> None:
    child = bench.start(
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ERROR', subprocess.Popen(['sleep', '60'], preexec_fn=lambda: "
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)).pid, flush=True); time.sleep(60)",
        grace_s=0.3,
    )
    assert eventually(lambda: bool(bench.said))
    grandchild = int(bench.said[0].split()[-1])

    child.stop()

    assert "did not stop within" in bench.said[-1]
    assert eventually(
        lambda: (
            not psutil.pid_exists(grandchild)
            or psutil.Process(grandchild).status() == psutil.STATUS_ZOMBIE
        )
    )


def test_a_large_log_is_set_aside(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "_LOG_LIMIT_BYTES", 3)
    log = bench.folder / "log" / "little.log"
    log.parent.mkdir()
    log.write_text("old lines\n")

    bench.start("print('new line')")

    assert eventually(lambda: log.exists() and log.read_text() == "new line\n")
    assert log.with_suffix(".log.1").read_text() == "old lines\n"


def test_a_part_ends_when_its_supervisor_is_gone(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "agentgym_site.tethered", "http.server", "--bind", "127.0.0.1", "0"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None

    process.stdin.close()

    assert process.wait(20) == -signal.SIGTERM
