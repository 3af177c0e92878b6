"""Optuna's storage: the site's own PostgreSQL, in a schema of its own. Loaded by workers only, never by the web process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection, transaction
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from training.studies_models import Study
from training.tuning.config import StudyConfig
from training.tuning.search import Search

SCHEMA = "optuna"
_LIBPQ = (
    "dbname", "user", "password", "host", "port", "connect_timeout", "options", "sslmode", "sslrootcert", "sslcert",
    "sslkey",
)  # fmt: skip
"""What a connection needs; the rest is Django's own business."""
_checked: set[str] = set()
_LOCK = 0x0E7_0DA
"""Of the one process at a time that may make the tables."""


def storage_url() -> str:
    """Where Optuna keeps its studies, as `optuna-dashboard` and `optuna.load_study` take it. Holds the password."""
    given = connection.get_connection_params()
    words = {name: str(given[name]) for name in _LIBPQ if given.get(name)}
    before = words.pop("options", "")
    url = URL.create(
        "postgresql+psycopg",
        username=words.pop("user", None),
        password=words.pop("password", None),
        database=words.pop("dbname"),
        # Also the host: a socket's folder cannot stand in its place of a URL.
        query={**words, "options": f"{before} -csearch_path={SCHEMA}".strip()},
    )
    return url.render_as_string(hide_password=False)


@contextmanager
def opened_search(study: Study, plan: StudyConfig | None = None) -> Iterator[Search]:
    """The study in Optuna's storage, made there where it is new. Raises Django's `OperationalError` like the rest."""
    storage: RDBStorage | None = None
    try:
        storage = _storage()
        yield Search(plan or study.plan, storage, study.optuna_name)
    except (SQLAlchemyError, StorageInternalError) as problem:
        raise OperationalError(f"Optuna's storage cannot be used: {problem}") from problem
    finally:
        if storage is not None:
            storage.remove_session()
            storage.engine.dispose()


def _storage() -> RDBStorage:
    url = storage_url()
    # To compare versions reads all of Optuna's migrations; once in a process is enough.
    more: dict[str, Any] = {
        "engine_kwargs": {"pool_size": 1, "max_overflow": 1, "pool_pre_ping": True},
        "skip_compatibility_check": url in _checked,
    }
    if _has_tables():
        made = RDBStorage(url, skip_table_creation=True, **more)
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            made = RDBStorage(url, **more)
    _checked.add(url)
    return made


def _has_tables() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.alembic_version"])
        row = cursor.fetchone()
    return bool(row and row[0])
