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
        post_migrate.connect(write_builtin_scenarios, sender=self)


def write_builtin_scenarios(apps: Any = registry, **_: Any) -> None:
    """Signal handler: write the rows, unless a backward migration has taken their table away."""
    from scenarios.services import sync_builtin_scenarios  # noqa: PLC0415 (models are not loaded before)

    try:
        apps.get_model("scenarios", "Scenario")
    except LookupError:
        return
    sync_builtin_scenarios()
