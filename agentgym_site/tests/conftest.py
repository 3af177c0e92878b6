from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentgym_site import private_postgres, private_redis
from agentgym_site.private_paths import Paths


@pytest.fixture
def var() -> Iterator[Path]:
    """An empty var folder that PostgreSQL's account can reach when the tests run as root.

    (pytest's own folders are closed to everybody else.) What still runs in it at the end is stopped.
    """
    home = Path(tempfile.mkdtemp(prefix="ag-", dir="/tmp"))
    home.chmod(0o755)
    yield home / "var"
    if (home / "var").exists():
        paths = Paths(home / "var")
        private_redis.stop(paths)
        private_postgres.stop(paths)
    shutil.rmtree(home, ignore_errors=True)
