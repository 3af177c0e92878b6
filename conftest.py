"""What every test gets: real PostgreSQL and Redis of their own, folders of its own, and the cast.

alice owns things, bob is another user who must not see them, admin is a superuser.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    import redis
    from django.contrib.auth.models import User
    from django.test import Client
    from pytest_django.fixtures import Settings

ROOT = Path(__file__).resolve().parent

# A shell that starts a job in the background makes it ignore Ctrl-C, and tests of Ctrl-C with it.
signal.signal(signal.SIGINT, signal.default_int_handler)


def _prepare() -> None:
    """Point the site at the tests' own servers; must run before Django reads its settings.

    TEST_DATABASE_URL and TEST_REDIS_URL name other servers. The user's DATABASE_URL is never used,
    so that a test run cannot touch real data.
    """
    for name in ("DATABASE_URL", "REDIS_URL"):
        for variant in (name, f"{name}_FILE"):
            os.environ.pop(variant, None)
        if url := os.environ.get(f"TEST_{name}"):
            os.environ[name] = url
    os.environ["AGENTGYM_VAR"] = str(ROOT / "var" / "test")
    os.environ["AGENTGYM_DURABLE"] = "0"
    os.environ["SECRET_KEY"] = "a fixed key of sufficient length for tests only, 0123456789"
    os.environ.update(
        {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    )
    from agentgym_site.private_services import prepare_environment  # noqa: PLC0415

    prepare_environment()
    os.environ["REDIS_URL"] = _own_redis_database(os.environ["REDIS_URL"])
    # pytest-django looked for settings before this file could name them, so models are loaded here.
    import django  # noqa: PLC0415

    django.setup()


def _own_redis_database(url: str) -> str:
    """Each xdist worker has its own numbered Redis database (1 to 15), so it may empty it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    number = int(worker) % 15 + 1
    if url.startswith("unix://"):
        return f"{url.partition('?')[0]}?db={number}"
    return (
        f"{url.rstrip('/').rpartition('/')[0]}/{number}"
        if url.count("/") > 2
        else f"{url}/{number}"
    )


_prepare()


@pytest.fixture(autouse=True)
def _test_settings(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick password hashes, and files in the test's own folder (subprocesses included)."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MODELS_DIR = tmp_path / "models"
    settings.RUNS_DIR = tmp_path / "runs"
    monkeypatch.setenv("AGENTGYM_MODELS_DIR", str(settings.MODELS_DIR))
    monkeypatch.setenv("AGENTGYM_RUNS_DIR", str(settings.RUNS_DIR))


@pytest.fixture
def alice(db: None) -> User:
    """The owner: an ordinary account."""
    return _account("alice")


@pytest.fixture
def bob(db: None) -> User:
    """Another ordinary account, who must not reach what is alice's."""
    return _account("bob")


@pytest.fixture
def admin(db: None) -> User:
    """A superuser."""
    return _account("admin", is_staff=True, is_superuser=True)


def _account(name: str, **flags: bool) -> User:
    from django.contrib.auth.models import User  # noqa: PLC0415

    return User.objects.create_user(name, f"{name}@example.com", "password", **flags)


@pytest.fixture
def client_as() -> Callable[[User], Client]:
    """`client_as(alice)` is a browser in which alice is logged in."""
    from django.test import Client  # noqa: PLC0415

    def log_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def redis_server() -> Iterator[redis.Redis]:
    """A client of this worker's own, empty Redis database."""
    import redis  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415

    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture
def process_env(transactional_db: None) -> dict[str, str]:
    """The environment for a subprocess that shall see this test's database (rows committed).

    Give it to `subprocess.run([sys.executable, "-m", ...], env=process_env, cwd=ROOT)`.
    """
    from django.db import connection  # noqa: PLC0415

    base, _, query = os.environ["DATABASE_URL"].partition("?")
    server = base.rpartition("/")[0]
    name = quote(str(connection.settings_dict["NAME"]))
    return os.environ | {"DATABASE_URL": f"{server}/{name}" + (f"?{query}" if query else "")}
