"""Scenarios as rows, so that runs and versions can point at exactly what they were trained on."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models


def sees_everything(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether this user may look at other people's objects."""
    return bool(getattr(user, "is_staff", False) or getattr(user, "is_superuser", False))


class ScenarioQuerySet(models.QuerySet["Scenario"]):
    """Reads of the catalogue."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> ScenarioQuerySet:
        """Built-in scenarios belong to everybody who is logged in, a brought one to who brought it; staff see all."""
        if not user.is_authenticated:
            return self.none()
        if sees_everything(user):
            return self.all()
        return self.filter(
            models.Q(builtin=True) | models.Q(owner_id=None) | models.Q(owner_id=user.pk)
        )


class Document(models.Model):
    """What a brought scenario was at some time, for ever: runs and versions name it by its hash."""

    content_hash = models.CharField(max_length=64, primary_key=True)
    text = models.TextField(help_text="JSON. Not jsonb, which forgets the order of keys.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.content_hash[:12]


class Scenario(models.Model):
    """One scenario of the catalogue: a built-in one, written from its code after every migration, or a brought one."""

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
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="scenarios",
        help_text="Who brought it; nobody for a built-in one.",
    )
    source = models.TextField(
        blank=True, help_text="The text that it was made from, as its owner wrote it."
    )
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


class PlayQuerySet(models.QuerySet["Play"]):
    """Reads of episodes that people play."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> PlayQuerySet:
        """One's own."""
        return self.filter(player_id=user.pk) if user.is_authenticated else self.none()


class Play(models.Model):
    """An episode in which a person is the agent. The decisions are kept; the conversation follows from them."""

    scenario = models.ForeignKey(Scenario, on_delete=models.CASCADE, related_name="plays")
    content_hash = models.CharField(max_length=64, help_text="The scenario as it was played.")
    player = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="plays"
    )
    difficulty = models.CharField(max_length=10)
    task_seed = models.PositiveIntegerField()
    decisions = models.JSONField(default=list)
    calls = models.PositiveIntegerField(default=0)
    right_calls = models.PositiveIntegerField(default=0)
    success = models.BooleanField(null=True, help_text="Empty while it goes on.")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = PlayQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("scenario", "content_hash", "player", "difficulty", "task_seed"),
                name="play_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.scenario_id} {self.difficulty} {self.task_seed}"
