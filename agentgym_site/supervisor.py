"""`make run`: everything that a team needs on one machine, in one terminal, until Ctrl-C.

Order up: private servers, migrations, admin account, web, worker, beat. Order down: beat, worker,
web, private servers.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from agentgym_site.child import Child, Part
from agentgym_site.env import on_off, secret, var_dir
from agentgym_site.private_services import ServiceError, heal, prepare_environment, release

HOST = "127.0.0.1"
_PATIENCE_S = 60.0
_HEAL_EVERY_S = 1.0
# One thread each: two spinning OpenMP threads were measured 42 times slower beside other work.
_CALM = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


class CannotStartError(Exception):
    """Something outside must change first; the message says what."""


def main() -> int:
    """Run until Ctrl-C or SIGTERM. Exit code 0 after an orderly stop, 1 when something is in the way."""
    try:
        port = chosen_port(os.environ.get("PORT", ""))
        with _only_one(var_dir(), port):
            check_port_is_free(port)
            prepare()
            return Supervisor(parts(port), var_dir() / "log").run(port)
    except (CannotStartError, ServiceError) as error:
        say(f"AgentGym cannot start. {error}")
        return 1
    except KeyboardInterrupt:
        say("Interrupted before everything was up.")
        return 130
    finally:
        release()


def chosen_port(text: str) -> int:
    """The port in `text`, 8000 when it is empty."""
    if not text.strip():
        return 8000
    if not text.strip().isdecimal() or not 1 <= int(text) <= 65535:
        raise CannotStartError(f"PORT must be a number from 1 to 65535; got {text!r}.")
    return int(text)


def check_port_is_free(port: int) -> None:
    """Raise CannotStartError when something listens on the port, or it may not be used."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise CannotStartError(
                f"Port {port} needs more rights than this account has. Choose another one: PORT=8001 make run"
            ) from error
        except OSError as error:
            raise CannotStartError(
                f"Port {port} on {HOST} is taken by another program. Choose another one: "
                f"PORT={port + 1 if port < 65535 else 8000} make run"
            ) from error


def prepare() -> None:
    """Have the servers up, the tables current and somebody who may log in."""
    os.environ.update(_CALM)
    outside = [name for name in ("DATABASE_URL", "REDIS_URL") if secret(name)]
    say(f"Using {' and '.join(outside)}." if outside else "Starting PostgreSQL and Redis.")
    prepare_environment()
    import django  # noqa: PLC0415  (needs the environment)
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import OperationalError, connections  # noqa: PLC0415

    django.setup()
    try:
        call_command("migrate", verbosity=0, interactive=False)
        _ensure_admin()
    except OperationalError as error:
        raise CannotStartError(
            f"PostgreSQL does not answer as DATABASE_URL says: {error}"
        ) from error
    connections.close_all()


def _ensure_admin() -> None:
    """Make the first superuser, with a password that is shown now and never again."""
    from django.contrib.auth.models import User  # noqa: PLC0415

    if User.objects.filter(is_superuser=True).exists():
        return
    password = secrets.token_urlsafe(12)
    user, _ = User.objects.get_or_create(username="admin")
    user.is_staff = user.is_superuser = user.is_active = True
    user.set_password(password)
    user.save()
    say(f"Created the account  admin  with the password  {password}  (shown only this once).")


def parts(port: int) -> list[Part]:
    """Web, worker and beat, in the order of their start."""
    celery = ("celery", "--app", "agentgym_site", "--quiet")
    return [
        Part(
            "web",
            (
                *("uvicorn", "agentgym_site.asgi:application", "--host", HOST, "--port", str(port)),
                *("--lifespan", "on", "--no-access-log", "--timeout-graceful-shutdown", "3"),
            ),
            {"AGENTGYM_ROLE": "web"},
        ),
        Part(
            "worker",
            (*celery, "worker", "--pool", "threads", "--concurrency", "2", "--loglevel", "INFO"),
            {"AGENTGYM_ROLE": "worker"},
            # Long enough for a run to write its checkpoint.
            grace_s=20.0,
        ),
        Part(
            "beat",
            (*celery, "beat", "--loglevel", "WARNING", "--pidfile="),
            {"AGENTGYM_ROLE": "beat"},
        ),
    ]


class Supervisor:
    """Starts the parts, watches them, stops them."""

    def __init__(self, wanted: list[Part], log_dir: Path) -> None:
        self.children = [Child(part, log_dir, say) for part in wanted]
        self.log_dir = log_dir
        self.stopping = threading.Event()
        self.next_heal = 0.0

    def run(self, port: int) -> int:
        """Block until asked to stop (0), or until a part ended too often (1)."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        try:
            for child in self.children:
                child.start()
            threading.Thread(target=self._welcome, args=(port,), daemon=True).start()
            return self._watch()
        finally:
            say("Stopping.")
            for child in reversed(self.children):
                child.stop()
            say("Stopped. All data is kept.")

    def _watch(self) -> int:
        while not self.stopping.wait(0.25):
            self._heal_services()
            for child in self.children:
                if not child.check():
                    say(f"{child.part.name} ended too often; the whole log is in {child.log}.")
                    return 1
        return 0

    def _heal_services(self) -> None:
        """Private servers are parts too; what a person's own DATABASE_URL names is not ours to start."""
        if time.monotonic() < self.next_heal:
            return
        self.next_heal = time.monotonic() + _HEAL_EVERY_S
        try:
            for name in heal():
                say(f"{name} had died and was started again.")
        except ServiceError as error:
            self.next_heal = time.monotonic() + 10 * _HEAL_EVERY_S
            say(f"A private server died and does not come back. {error}")

    def _asked_to_stop(self, number: int, _frame: FrameType | None) -> None:
        if not self.stopping.is_set():
            self.stopping.set()
            return
        if number == signal.SIGINT:
            say("Killing all parts.")
            # Signals only: the main thread is waiting for these processes already.
            for child in self.children:
                child.signal(signal.SIGKILL)

    def _welcome(self, port: int) -> None:
        """Say where the portal is once it answers, then show a first run if there is none yet."""
        deadline = time.monotonic() + _PATIENCE_S
        while not _answers(port):
            if self.stopping.wait(0.1):
                return
            if time.monotonic() > deadline:
                say(f"The portal does not answer yet; its log is {self.log_dir / 'web.log'}.")
                return
        say(f"AgentGym is ready:  http://{HOST}:{port}/")
        say(f"Logs are in {self.log_dir}. Stop with Ctrl-C.")
        try:
            _show_first_run()
        except Exception as error:  # the portal must stay up whatever a run does
            say(f"The first run could not be followed here: {error}. The portal shows it.")


def _show_first_run() -> None:
    if on_off("AGENTGYM_NO_FIRST_RUN", default=False):
        return
    from training import first_run  # noqa: PLC0415  (needs Django set up)

    if (run_id := first_run.start_first_run()) is not None:
        first_run.follow(run_id, echo=say)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


@contextmanager
def _only_one(var: Path, port: int) -> Iterator[None]:
    """One supervisor per var folder: two would run every timer twice."""
    try:
        var.mkdir(parents=True, exist_ok=True)
        file = (var / "supervisor.lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise CannotStartError(f"{var} cannot be written: {error.strerror}.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise CannotStartError(
                f"It already runs from this folder: {file.read().strip()}. Stop it first, or start a "
                "second one with its own data: AGENTGYM_VAR=/some/folder PORT=8001 make run"
            ) from error
        file.truncate(0)
        file.write(f"http://{HOST}:{port}/ (process {os.getpid()})\n")
        file.flush()
        yield


def say(line: str) -> None:
    """One line for the person at the terminal; a closed terminal is no reason to fail."""
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        return


if __name__ == "__main__":
    sys.exit(main())
