"""Django's entry in the list of installed apps."""

from __future__ import annotations

from django.apps import AppConfig


class TrainingConfig(AppConfig):
    """The ``training`` app."""

    name = "training"
    verbose_name = "Training"
    default_auto_field = "django.db.models.BigAutoField"
