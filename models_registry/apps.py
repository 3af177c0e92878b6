"""Django's entry in the list of installed apps."""

from __future__ import annotations

from django.apps import AppConfig


class ModelsRegistryConfig(AppConfig):
    """The ``models_registry`` app."""

    name = "models_registry"
    verbose_name = "Models registry"
    default_auto_field = "django.db.models.BigAutoField"
