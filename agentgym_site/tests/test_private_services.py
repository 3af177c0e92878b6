from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from agentgym_site import private_postgres, private_redis
from agentgym_site.private_paths import Paths, ServiceError
from agentgym_site.private_postgres import is_listening, private_folder
from agentgym_site.tests.processes import ROOT, clean_env, eventually, python

_USE = (
    "from agentgym_site.private_services import *; prepare_environment(); print('up', flush=True)"
)


@contextmanager
def _user(var: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that uses the servers until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"{_USE}; input()"],
        env=clean_env(var), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "up\n"
        yield process
    finally:
        process.communicate("\n" if process.poll() is None else None, timeout=60)


def test_the_last_user_stops_the_servers_and_leaves_nothing(var: Path) -> None:
    paths = Paths(var)

    with _user(var):
        first = (paths.postgres_data / "postmaster.pid").read_text().split()[0]
        assert python(_USE, clean_env(var)).returncode == 0
        assert is_listening(paths), "the first user still needs them"
        assert (paths.postgres_data / "postmaster.pid").read_text().split()[0] == first

    assert not is_listening(paths)
    assert not paths.runtime.exists()
    assert not (paths.redis_home / "redis.pid").exists()


def test_a_killed_user_does_not_count(var: Path) -> None:
    with _user(var) as process:
        process.kill()
        process.wait()
    assert is_listening(Paths(var)), "nobody was left to stop them"

    python(_USE, clean_env(var))

    assert not is_listening(Paths(var))


def test_sigterm_stops_the_servers_too(var: Path) -> None:
    with _user(var) as process:
        process.terminate()
        assert process.wait(30) == 128 + signal.SIGTERM

    assert not is_listening(Paths(var))


def test_a_deep_and_odd_folder_works(var: Path) -> None:
    deep = var / ("tief, und 'weit' " * 8) / "var"

    assert python(_USE, clean_env(deep)).stdout == "up\n"
    assert (deep / "postgres" / "data" / "PG_VERSION").exists()
    assert not Paths(deep).runtime.exists()


@pytest.mark.parametrize("folder", ["/" + "x" * 200, "/home/a,b", "/home/a b", "/home/ü"])
def test_sockets_of_deep_and_odd_folders_are_short_and_plain(folder: str) -> None:
    paths = Paths(Path(folder))

    assert len(str(paths.redis_socket)) < 60
    assert str(paths.runtime).startswith(f"/tmp/agentgym-{os.geteuid()}-")
    assert paths.runtime != Paths(Path(folder + "2")).runtime


def test_sockets_of_an_ordinary_folder_are_inside_it() -> None:
    assert Paths(Path("/home/alice/gym/var")).runtime == Path("/home/alice/gym/var/run")


def test_nobody_else_gets_near_the_servers(var: Path) -> None:
    paths = Paths(var)
    with _user(var):
        for folder in (paths.postgres_sockets, paths.postgres_data, paths.redis_socket.parent):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for file in (paths.postgres_data / "postmaster.pid", paths.redis_home / "redis.pid"):
            server = psutil.Process(int(file.read_text().split()[0]))
            assert server.net_connections("inet") == [], "a Unix socket only, no port"


def test_what_a_crash_left_is_cleared(var: Path) -> None:
    paths = Paths(var)
    assert python(_USE, clean_env(var)).returncode == 0
    # A live process, but not PostgreSQL: numbers are used again after a reboot.
    (paths.postgres_data / "postmaster.pid").write_text(f"{os.getpid()}\n{paths.postgres_data}\n")

    assert python(_USE, clean_env(var)).returncode == 0


def test_a_server_on_a_lost_socket_is_named(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = Paths(var)
    private_folder(paths.postgres_data)
    (paths.postgres_data / "postmaster.pid").write_text(f"77\n{paths.postgres_data}\n")
    monkeypatch.setattr(private_postgres, "_is_live_postgres", lambda pid: True)

    with pytest.raises(ServiceError, match="Stop it with: kill 77"):
        private_postgres._drop_stale_pid(paths)


def test_another_version_s_data_is_refused(var: Path) -> None:
    private_folder(Paths(var).postgres_data)
    (Paths(var).postgres_data / "PG_VERSION").write_text("16\n")

    with pytest.raises(ServiceError, match="written by PostgreSQL 16; this is version 18"):
        private_postgres.start(Paths(var))


def test_a_half_made_database_is_not_touched(var: Path) -> None:
    private_folder(Paths(var).postgres_data)
    (Paths(var).postgres_data / "something").touch()

    with pytest.raises(ServiceError, match="an earlier first start was cut off"):
        private_postgres.start(Paths(var))


def test_a_server_that_cannot_start_says_its_last_words(var: Path) -> None:
    assert python(_USE, clean_env(var)).returncode == 0
    (Paths(var).postgres_data / "postgresql.conf").write_text("nonsense = 1\n")

    said = python(_USE, clean_env(var)).stderr

    assert "pg_ctl ended with code" in said
    assert "nonsense" in said


def test_a_redis_that_cannot_start_says_its_last_words(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private_folder(Paths(var).redis_home)
    (Paths(var).redis_home / "appendonly.aof").write_text("this is no append-only file\n")
    monkeypatch.setattr(private_redis, "_PATIENCE_S", 0.5)

    with pytest.raises(ServiceError, match="Redis did not start"):
        private_redis.start(Paths(var))


@pytest.mark.parametrize("module", [private_postgres, private_redis])
def test_a_missing_wheel_is_named(
    module: object, var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(ServiceError, match="is not installed"):
        module.start(Paths(var))  # type: ignore[attr-defined]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account")
def test_wheels_installed_under_a_strict_umask_work(var: Path) -> None:
    var.mkdir()
    wheel = private_postgres._binaries().parents[1]
    for name in (wheel.name, f"{wheel.name}.libs"):
        shutil.copytree(
            wheel.with_name(name),
            var / name,
            symlinks=True,
            ignore=shutil.ignore_patterns("pginstall"),
        )
    subprocess.run(["chmod", "-R", "go-rwx", str(var)], check=True)

    assert python(_USE, clean_env(var, PYTHONPATH=str(var))).stdout == "up\n"
    assert stat.S_IMODE(var.stat().st_mode) == 0o701, "passable, not listable"


def test_a_planted_link_is_not_followed(var: Path) -> None:
    var.mkdir(parents=True)
    (var / "link").symlink_to(var)

    with pytest.raises(ServiceError, match="is a symbolic link"):
        private_folder(var / "link")


def test_a_folder_that_cannot_be_written_gives_advice(var: Path) -> None:
    var.parent.joinpath("var").touch()

    done = python(_USE, clean_env(var))

    assert done.returncode == 1
    assert "set AGENTGYM_VAR to a folder" in done.stderr
    var.unlink()


def test_given_addresses_start_nothing(var: Path) -> None:
    env = clean_env(var, DATABASE_URL="postgresql://db/x", REDIS_URL="redis://cache:6379/0")

    assert python(_USE, env).stdout == "up\n"
    assert not var.exists()


def test_attaching_costs_next_to_nothing(var: Path) -> None:
    code = f"{_USE}; import time; t = time.perf_counter(); ensure_database(); ensure_redis()"

    with _user(var):
        took = python(f"{code}; print(time.perf_counter() - t)", clean_env(var)).stdout.split()[-1]

    assert float(took) < 0.1


def test_eventually_gives_up() -> None:
    assert not eventually(lambda: False, 0.1)


def test_root_without_a_spare_account_is_told_what_to_do(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(name: str) -> None:
        raise KeyError(name)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("pwd.getpwnam", unknown)

    with pytest.raises(ServiceError, match="Start AgentGym as an ordinary user"):
        private_postgres._account(Paths(var))


def test_somebody_else_s_folder_is_refused(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    var.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 54321)

    with pytest.raises(ServiceError, match=r"belongs to the account '\w+', not to yours"):
        private_folder(var)


def test_a_zombie_and_a_missing_process_are_no_server() -> None:
    process = subprocess.Popen(["sleep", "0"])
    try:
        assert eventually(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
        assert not private_postgres._is_live_postgres(process.pid)
    finally:
        process.wait()

    assert not private_postgres._is_live_postgres(process.pid)
