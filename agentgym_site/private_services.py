"""The site's own PostgreSQL and Redis: started on first need, shared, stopped by the last one out.

Every process that uses them holds a shared lock on `var/services.users`. Whoever leaves last stops
both servers. The kernel drops a killed process's lock, so a crash never leaves a false user behind.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from agentgym_site import private_postgres, private_redis
from agentgym_site.env import on_off, secret, var_dir
from agentgym_site.private_paths import Paths, ServiceError

__all__ = [
    "ServiceError",
    "ensure_database",
    "ensure_redis",
    "heal",
    "prepare_environment",
    "private_database_url",
    "private_redis_url",
    "release",
]

# The var folders this process uses, with the open file that holds our shared lock.
_memberships: dict[Path, IO[bytes]] = {}
_guard = threading.Lock()
_owner_pid = os.getpid()


def private_database_url() -> str:
    """Where the private PostgreSQL listens, running or not."""
    return Paths(var_dir()).database_url


def private_redis_url() -> str:
    """Where the private Redis listens, running or not."""
    return Paths(var_dir()).redis_url


def ensure_database() -> str:
    """The private database's URL, with the server up. Raises ServiceError when it cannot start."""
    paths = Paths(var_dir())
    with _start_lock(paths):
        _join(paths)
        private_postgres.start(paths, durable=_durable())
    return paths.database_url


def ensure_redis() -> str:
    """The private Redis's URL, with the server up. Raises ServiceError when it cannot start."""
    paths = Paths(var_dir())
    with _start_lock(paths):
        _join(paths)
        private_redis.start(paths, durable=_durable())
    return paths.redis_url


def prepare_environment(*, start: bool = True) -> None:
    """Make the process ready for `django.setup()`: settings module, and servers unless given by URL.

    Call it first in every entry point. With `start=False` nothing is started and the settings fall
    back to the sockets' known addresses. Servers that we started stop when the process ends, on
    SIGTERM and SIGHUP too. Raises ServiceError with a message for people.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentgym_site.settings")
    if not start:
        return
    # Children inherit the addresses, so they neither start nor hold anything themselves.
    if secret("DATABASE_URL") is None:
        os.environ["DATABASE_URL"] = ensure_database()
    if secret("REDIS_URL") is None:
        os.environ["REDIS_URL"] = ensure_redis()


def release() -> None:
    """Leave every var folder that we use; where nobody is left, stop its servers. Safe to repeat."""
    with _guard:
        left = dict(_memberships) if os.getpid() == _owner_pid else {}
        _memberships.clear()
    for var, users in left.items():
        paths = Paths(var)
        with _start_lock(paths), users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            private_redis.stop(paths)
            private_postgres.stop(paths)
            _remove_runtime(paths)


def heal() -> list[str]:
    """Start again what died among the servers that this process uses; names what had to be started.

    Costs a millisecond when all is well. Raises ServiceError when one does not come back.
    """
    healed = []
    for var in list(_memberships):
        paths = Paths(var)
        if not private_postgres.is_listening(paths):
            ensure_database()
            healed.append("PostgreSQL")
        if not private_postgres.listening(paths.redis_socket):
            ensure_redis()
            healed.append("Redis")
    return healed


def _join(paths: Paths) -> None:
    """Count ourselves among the users of this var folder."""
    with _guard:
        if paths.var in _memberships:
            return
        users = (paths.var / "services.users").open("ab")
        fcntl.flock(users, fcntl.LOCK_SH)
        if not _memberships:
            atexit.register(release)
            _exit_on_signals()
        _memberships[paths.var] = users


@contextmanager
def _start_lock(paths: Paths) -> Iterator[None]:
    """One process at a time looks, starts or stops; also makes the var folder."""
    try:
        paths.var.mkdir(parents=True, exist_ok=True)
        with (paths.var / "services.lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            paths.runtime.mkdir(mode=0o700, exist_ok=True)
            _check_runtime(paths.runtime)
            yield
    except OSError as error:
        raise ServiceError(
            f"{error.filename or paths.var} cannot be used: {error.strerror}. Make {paths.var} "
            "writable for this account, or set AGENTGYM_VAR to a folder that is."
        ) from error


def _check_runtime(folder: Path) -> None:
    """Under /tmp the name can be guessed, so somebody else's folder or link must not be trusted."""
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid not in {os.geteuid(), 0}:
        raise ServiceError(f"{folder} is not a folder of this account. Remove it and start again.")


def _remove_runtime(paths: Paths) -> None:
    """Leave no empty folders under /tmp. A server that did not stop keeps its socket and its folder."""
    with suppress(OSError):
        paths.postgres_sockets.rmdir()
        paths.redis_socket.parent.rmdir()
        paths.runtime.rmdir()


def _durable() -> bool:
    return on_off("AGENTGYM_DURABLE", default=True)


def _exit_on_signals() -> None:
    """Turn SIGTERM and SIGHUP into ordinary exits, where nobody handles them, so that `release` runs."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, lambda got, _frame: sys.exit(128 + got))
