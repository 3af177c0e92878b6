"""Django's entry in the list of installed apps."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.apps import apps as registry
from django.db.models.signals import post_migrate


class ScenariosConfig(AppConfig):
    """The ``scenarios`` app: the world."""

    name = "scenarios"
    verbose_name = "Scenarios"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Keep the rows of built-in scenarios equal to their code."""
        post_migrate.connect(_sync, sender=self)


def _sync(apps: Any = registry, **_: Any) -> None:
    from scenarios.services import sync_builtin_scenarios  # noqa: PLC0415 (models are not loaded before)

    try:
        # After a backward migration the table may be gone, and there is nothing to write.
        apps.get_model("scenarios", "Scenario")
    except LookupError:
        return
    sync_builtin_scenarios()
