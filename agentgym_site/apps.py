"""The site's own app: it makes the Celery app current before any task is used."""

from __future__ import annotations

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Wires the site; holds no models."""

    name = "agentgym_site"
    label = "agentgym_site"
    verbose_name = "AgentGym"

    def ready(self) -> None:
        """Bind every ``shared_task`` to our Celery app (and so to our broker)."""
        from agentgym_site import celery  # noqa: F401, PLC0415  (needs configured settings)
