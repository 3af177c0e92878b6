"""`agentgym info`: what is installed, where it lies, and whether its servers run. Starts nothing."""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

from agentgym_site import __version__
from agentgym_site.cli.site import LOCAL_USER, find_owner, pending_migrations, set_up
from agentgym_site.cli.tables import print_facts

PACKAGES = ("Django", "torch", "numpy", "gymnasium", "langchain", "langchain-core", "celery")


def show(*, as_json: bool) -> None:
    """Print everything; a server that does not run is a fact, not an error."""
    from agentgym_site.private_services import prepare_environment  # noqa: PLC0415

    prepare_environment(start=False)
    set_up()
    facts = {
        "versions": _versions(),
        "machine": _machine(),
        "folders": _folders(),
        "servers": _servers(),
    }
    if facts["servers"]["database"]["state"] == "running":
        facts["contents"] = _contents()
    if as_json:
        sys.stdout.write(json.dumps(facts) + "\n")
        return
    for title, section in facts.items():
        print_facts(title.capitalize(), _flat(section))
    if "contents" not in facts:
        sys.stdout.write(
            "Start the portal with `make run` (or any command that reads) for counts.\n"
        )


def _versions() -> dict[str, Any]:
    # From the installed packages' own notes: importing torch would take seconds.
    return {
        "agentgym": __version__,
        "Python": platform.python_version(),
        **{name: installed(name) for name in PACKAGES},
    }


def installed(package: str) -> str:
    """A package's version without importing it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _machine() -> dict[str, Any]:
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)),
        "torch threads": "1 (a run sets it; more were measured slower)",
    }


def _folders() -> dict[str, Any]:
    from django.conf import settings  # noqa: PLC0415

    from agentgym_site.env import BASE_DIR  # noqa: PLC0415

    return {
        "code": str(BASE_DIR),
        "data": str(settings.VAR_DIR),
        "models": str(settings.MODELS_DIR),
        "checkpoints": str(settings.RUNS_DIR),
    }


def _servers() -> dict[str, dict[str, Any]]:
    from django.conf import settings  # noqa: PLC0415

    from agentgym_site.env import secret  # noqa: PLC0415

    return {
        "database": {
            "kind": "DATABASE_URL" if secret("DATABASE_URL") else "private PostgreSQL",
            "address": _database_address(),
            "state": _database_state(),
        },
        "redis": {
            "kind": "REDIS_URL" if secret("REDIS_URL") else "private Redis",
            "address": _without_password(settings.REDIS_URL),
            "state": _redis_state(settings.REDIS_URL),
        },
    }


def _database_address() -> str:
    from django.db import connection  # noqa: PLC0415

    values = connection.settings_dict
    return f"{values['HOST'] or 'local socket'}, database {values['NAME']}"


def _database_state() -> str:
    from django.db import OperationalError, connection  # noqa: PLC0415

    try:
        connection.ensure_connection()
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        return "not running" if "No such file" in reason or "refused" in reason else f"no: {reason}"
    return "running"


def _redis_state(url: str) -> str:
    import redis  # noqa: PLC0415

    client = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
    try:
        client.ping()
    except redis.RedisError:
        return "not running"
    finally:
        client.close()
    return "running"


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if not parts.password:
        return url
    return parts._replace(netloc=f"{parts.hostname}:{parts.port or 6379}").geturl()


def _contents() -> dict[str, Any]:
    if missing := pending_migrations():
        return {"tables": f"{missing} migrations are missing; `make run` applies them"}
    from django.db.models import Count  # noqa: PLC0415

    from models_registry.models import Model, Version  # noqa: PLC0415
    from scenarios.models import Scenario  # noqa: PLC0415
    from training.models import Run  # noqa: PLC0415

    by_status = Run.objects.order_by("status").values_list("status").annotate(Count("pk"))
    user = find_owner()
    return {
        "scenarios": Scenario.objects.count(),
        "runs": dict(by_status),
        "models": Model.objects.count(),
        "versions": Version.objects.filter(deleted_at=None).count(),
        "runs from here belong to": user.get_username()
        if user
        else f"{LOCAL_USER} (made when needed)",
    }


def _flat(section: dict[str, Any]) -> dict[str, str]:
    return {name: _in_words(value) for name, value in section.items()}


def _in_words(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    if "state" in value:
        return f"{value['state']} ({value['kind']}: {value['address']})"
    return ", ".join(f"{count} {name}" for name, count in value.items()) or "none"
