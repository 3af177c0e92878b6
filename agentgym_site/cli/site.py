"""The site without a web server: Django set up, PostgreSQL running, tables current, an owner for what is made."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LOCAL_USER = "cli"
_CALM = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


def calm() -> None:
    """One thread for numpy and torch, where nothing else is asked for; call it before either is imported.

    Two OpenMP threads that spin beside other work were measured 42 times slower than one.
    """
    for name, value in _CALM.items():
        os.environ.setdefault(name, value)


def open_site(*, verbose: bool = False) -> None:
    """Make models and services usable in this process.

    Starts the private PostgreSQL where no DATABASE_URL is set and none runs (it stops with the last process that
    uses it), and brings the tables up to date. Redis is used where it runs and not missed where it does not.
    Raises `ServiceError` or `OperationalError`.
    """
    from agentgym_site.env import secret  # noqa: PLC0415
    from agentgym_site.private_services import (  # noqa: PLC0415
        ensure_database,
        prepare_environment,
    )

    calm()
    if not verbose:
        os.environ.setdefault("LOG_LEVEL", "WARNING")
    if secret("DATABASE_URL") is None:
        os.environ["DATABASE_URL"] = ensure_database()
    prepare_environment(start=False)
    set_up()
    if not verbose:
        # A failed run says why in words; its traceback is for whoever asks for more.
        logging.getLogger("training.runner").setLevel(logging.CRITICAL)
    _migrate()


def set_up() -> None:
    """`django.setup()`, and nothing started."""
    os.environ.setdefault("AGENTGYM_ROLE", "cli")
    import django  # noqa: PLC0415

    django.setup()
    # Without a portal there is no Redis, and nobody to announce anything to.
    logging.getLogger("training.events").setLevel(logging.ERROR)


def pending_migrations() -> int:
    """How many migrations the database lacks."""
    from django.db import connection  # noqa: PLC0415
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _migrate() -> None:
    from django.core.management import call_command  # noqa: PLC0415

    if pending_migrations():
        call_command("migrate", verbosity=0, interactive=False)
        return
    from scenarios.services import sync_builtin_scenarios  # noqa: PLC0415

    sync_builtin_scenarios()  # a scenario may be newer than the last migration


def owner() -> User:
    """Who owns what the command line makes: the first superuser, else the local account `cli`, made when needed.

    That account has no password, so nobody can log in with it.
    """
    from django.contrib.auth.models import User  # noqa: PLC0415

    return find_owner() or User.objects.create_user(LOCAL_USER)


def find_owner() -> User | None:
    """The owner, where there is one already."""
    from django.contrib.auth.models import User  # noqa: PLC0415

    superusers = User.objects.filter(is_superuser=True, is_active=True).order_by("pk")
    return superusers.first() or User.objects.filter(username=LOCAL_USER).first()
