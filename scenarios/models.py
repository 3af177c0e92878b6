"""Scenarios as rows, so that runs and versions can point at exactly what they were trained on."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models


class ScenarioQuerySet(models.QuerySet["Scenario"]):
    """Reads of the catalogue."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> ScenarioQuerySet:
        """Built-in scenarios belong to everybody who is logged in."""
        return self.all() if user.is_authenticated else self.none()


class Scenario(models.Model):
    """One scenario of the catalogue; a built-in one is written from its code after every migration."""

    key = models.SlugField(max_length=100, unique=True)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    version = models.CharField(max_length=50)
    content_hash = models.CharField(
        max_length=64, help_text="sha256 over the scenario's own files."
    )
    card = models.JSONField(
        default=dict, help_text="Tools, criteria and limits, as the scenario's code states them."
    )
    builtin = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ScenarioQuerySet.as_manager()

    class Meta:
        ordering = ("title", "key")

    def __str__(self) -> str:
        return self.title

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools on offer, in the OpenAI function-calling shape."""
        found: list[dict[str, Any]] = self.card.get("tools", [])
        return found
