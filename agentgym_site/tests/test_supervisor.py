from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from django.contrib.auth.models import User

from agentgym_site import supervisor
from agentgym_site.child import Part
from agentgym_site.private_paths import Paths, ServiceError
from agentgym_site.private_postgres import is_listening
from agentgym_site.supervisor import CannotStartError, Supervisor, check_port_is_free, chosen_port
from agentgym_site.tests.processes import ROOT, clean_env, eventually


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Site:
    """`make run` without make."""

    def __init__(self, var: Path, **env: str) -> None:
        var.parent.mkdir(exist_ok=True)
        self.port = _free_port()
        self.output = var.parent / "output"
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "agentgym_site.supervisor"],
                env=clean_env(var, PORT=str(self.port), **env),
                cwd=ROOT, stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def says(self, words: str) -> bool:
        return eventually(lambda: words in self.text, 60)

    @property
    def text(self) -> str:
        return self.output.read_text()

    def child(self, word: str) -> psutil.Process:
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if word in child.cmdline())


@contextmanager
def running(var: Path, **env: str) -> Iterator[Site]:
    site = Site(var, **env)
    try:
        yield site
    finally:
        if site.process.poll() is None:
            site.process.terminate()
            site.process.wait(60)


@pytest.mark.slow
def test_it_starts_everything_heals_and_stops_on_ctrl_c(var: Path) -> None:
    with running(var, AGENTGYM_NO_FIRST_RUN="1") as site:
        assert site.says("AgentGym is ready"), site.text
        assert re.search(r"account  admin  with the password  \S{16}", site.text)
        with urllib.request.urlopen(f"http://127.0.0.1:{site.port}/readyz", timeout=10) as answer:
            assert answer.status == 200

        site.child("beat").kill()
        assert site.says("beat was ended by SIGKILL"), site.text
        assert site.says("beat starts again in 1 s")

        psutil.Process(int((var / "redis" / "redis.pid").read_text())).kill()
        assert site.says("Redis had died and was started again."), site.text
        postgres = (Paths(var).postgres_data / "postmaster.pid").read_text().split()[0]
        psutil.Process(int(postgres)).kill()
        assert site.says("PostgreSQL had died and was started again."), site.text

        family = psutil.Process(site.process.pid).children(recursive=True)
        site.process.send_signal(signal.SIGINT)
        assert site.process.wait(40) == 0, site.text

    assert site.text.endswith("Stopping.\nStopped. All data is kept.\n")
    assert not any(process.is_running() for process in family)
    assert not is_listening(Paths(var))


@pytest.mark.slow
def test_a_second_one_in_the_same_folder_is_refused(var: Path) -> None:
    with running(var, AGENTGYM_NO_FIRST_RUN="1") as site:
        assert site.says("AgentGym is ready"), site.text
        second = subprocess.run(
            [sys.executable, "-m", "agentgym_site.supervisor"],
            env=clean_env(var, PORT=str(_free_port())),
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

        assert second.returncode == 1
        assert f"already runs from this folder: http://127.0.0.1:{site.port}/" in second.stdout


def test_a_taken_port_gets_a_clear_message(var: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "agentgym_site.supervisor"],
            env=clean_env(var, PORT=str(port)),
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken by another program" in done.stdout
    assert "PORT=" in done.stdout
    assert "Traceback" not in done.stderr
    assert not (var / "postgres").exists(), "nothing was started for nothing"


@pytest.mark.parametrize("text", ["eighty", "0", "65536", "-1", "8000.0"])
def test_a_wrong_port_is_refused(text: str) -> None:
    with pytest.raises(CannotStartError, match="PORT must be a number from 1 to 65535"):
        chosen_port(text)


def test_the_port_defaults_to_8000() -> None:
    assert (chosen_port(""), chosen_port(" 8001 ")) == (8000, 8001)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use every port")
def test_a_forbidden_port_gets_a_clear_message() -> None:
    with pytest.raises(CannotStartError, match="needs more rights"):
        check_port_is_free(1)


def test_a_database_that_does_not_answer_is_explained(var: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agentgym_site.supervisor"],
        env=clean_env(
            var,
            PORT=str(_free_port()),
            DATABASE_URL="postgresql://gym:pw@127.0.0.1:1/gym",
            REDIS_URL="redis://127.0.0.1:1/0",
        ),
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "PostgreSQL does not answer as DATABASE_URL says" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the person at the terminal would read."""
    lines: list[str] = []
    monkeypatch.setattr(supervisor, "say", lines.append)
    return lines


class Fake:
    """A part that needs no process."""

    def __init__(self, *, well: bool = True) -> None:
        self.part = Part("fake", ())
        self.log = Path("fake.log")
        self.well = well
        self.signals: list[int] = []

    def check(self) -> bool:
        return self.well

    def signal(self, number: int) -> None:
        self.signals.append(number)


def _supervisor(fake: Fake, tmp_path: Path) -> Supervisor:
    site = Supervisor([], tmp_path)
    site.children = [fake]  # type: ignore[list-item]
    return site


def test_a_part_that_ends_too_often_ends_everything(said: list[str], tmp_path: Path) -> None:
    assert _supervisor(Fake(well=False), tmp_path)._watch() == 1
    assert said == ["fake ended too often; the whole log is in fake.log."]


def test_the_second_ctrl_c_kills(said: list[str], tmp_path: Path) -> None:
    fake = Fake()
    site = _supervisor(fake, tmp_path)

    site._asked_to_stop(signal.SIGINT, None)
    assert (site._watch(), fake.signals) == (0, [])
    site._asked_to_stop(signal.SIGTERM, None)
    assert fake.signals == [], "a repeated polite request stays polite"
    site._asked_to_stop(signal.SIGINT, None)

    assert fake.signals == [signal.SIGKILL]


def test_a_server_that_does_not_come_back_is_reported_once_in_a_while(
    said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> list[str]:
        raise ServiceError("No space left.")

    monkeypatch.setattr(supervisor, "heal", fail)
    site = _supervisor(Fake(), tmp_path)

    site._heal_services()
    site._heal_services()

    assert said == ["A private server died and does not come back. No space left."]


def test_a_portal_that_never_answers_is_pointed_out(
    said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_PATIENCE_S", -1.0)
    site = _supervisor(Fake(), tmp_path)

    site._welcome(_free_port())
    site.stopping.set()
    site._welcome(_free_port())

    assert said == [f"The portal does not answer yet; its log is {tmp_path}/web.log."]


def test_a_first_run_that_cannot_be_followed_leaves_the_portal_up(
    said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ValueError("no such scenario")

    monkeypatch.setattr(supervisor, "_show_first_run", fail)
    monkeypatch.setattr(supervisor, "_answers", lambda port: True)

    _supervisor(Fake(), tmp_path)._welcome(8000)

    assert "The first run could not be followed here: no such scenario." in said[-1]


def test_ctrl_c_while_starting_is_no_traceback(
    said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("AGENTGYM_VAR", str(tmp_path))
    monkeypatch.setenv("PORT", str(_free_port()))
    monkeypatch.setattr(supervisor, "prepare", interrupted)
    monkeypatch.setattr(supervisor, "release", lambda: None)

    assert supervisor.main() == 130
    assert said == ["Interrupted before everything was up."]


@pytest.mark.django_db
def test_an_admin_is_made_only_when_there_is_none(said: list[str]) -> None:
    supervisor._ensure_admin()
    supervisor._ensure_admin()

    [line] = said
    password = line.split("password  ")[1].split()[0]
    assert User.objects.get(is_superuser=True).check_password(password)


def test_a_closed_terminal_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def write(self, text: str) -> None:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Closed())

    supervisor.say("hello")
