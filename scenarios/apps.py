"""Django's entry in the list of installed apps."""

from __future__ import annotations

from django.apps import AppConfig


class ScenariosConfig(AppConfig):
    """The ``scenarios`` app."""

    name = "scenarios"
    verbose_name = "Scenarios"
    default_auto_field = "django.db.models.BigAutoField"
