"""Where the private servers keep their data and their sockets. Pure path arithmetic: touches nothing."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

# A Unix socket's path ends at 107 characters.
_LONGEST_SOCKET_PATH = 107
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/+-]+")


class ServiceError(RuntimeError):
    """A private server cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Paths:
    """The places of one var folder's servers."""

    var: Path

    @property
    def runtime(self) -> Path:
        """The folder of the sockets: `var/run`, or a short one under /tmp for deep or odd paths.

        PostgreSQL reads its socket folder as a comma-separated list, hence the plain characters.
        """
        inside = self.var / "run"
        longest = str(inside / "postgres" / ".s.PGSQL.5432")
        if len(os.fsencode(longest)) <= _LONGEST_SOCKET_PATH and _PLAIN_PATH.fullmatch(longest):
            return inside
        digest = hashlib.sha256(os.fsencode(self.var)).hexdigest()[:12]
        return Path(f"/tmp/agentgym-{os.geteuid()}-{digest}")  # noqa: S108  (0700, owner checked)

    @property
    def postgres_home(self) -> Path:
        """PostgreSQL's own folder: data and log."""
        return self.var / "postgres"

    @property
    def postgres_data(self) -> Path:
        """PGDATA."""
        return self.postgres_home / "data"

    @property
    def postgres_log(self) -> Path:
        """What the server says."""
        return self.postgres_home / "server.log"

    @property
    def postgres_sockets(self) -> Path:
        """The folder that holds PostgreSQL's socket."""
        return self.runtime / "postgres"

    @property
    def redis_home(self) -> Path:
        """Redis's append-only file and log."""
        return self.var / "redis"

    @property
    def redis_socket(self) -> Path:
        """Redis's socket."""
        return self.runtime / "redis" / "redis.sock"

    @property
    def database_url(self) -> str:
        """The site's database over the socket, readable by Django and libpq alike."""
        return f"postgresql://postgres@/agentgym?host={quote(str(self.postgres_sockets))}"

    @property
    def redis_url(self) -> str:
        """Redis over the socket, as redis-py reads it."""
        return f"unix://{self.redis_socket}?db=0"
