"""The registry's rows: models and their versions, the price book, and API tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.validators import MinValueValidator, ProhibitNullCharactersValidator
from django.db import models
from django.db.models import Q

from scenarios.models import Scenario, sees_everything


class ModelQuerySet(models.QuerySet["Model"]):
    """Reads of models."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> ModelQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.all() if sees_everything(user) else self.filter(owner_id=user.pk)


class Model(models.Model):
    """A named trained model; its versions never change."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="models"
    )
    name = models.CharField(max_length=100, validators=[ProhibitNullCharactersValidator()])
    scenario = models.ForeignKey(Scenario, on_delete=models.PROTECT, related_name="models")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")
        constraints = (
            models.UniqueConstraint(fields=["owner", "name"], name="model_name_per_owner"),
        )

    def __str__(self) -> str:
        return self.name


class VersionQuerySet(models.QuerySet["Version"]):
    """Reads of versions."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> VersionQuerySet:
        """Own versions (staff: all) that have not been deleted."""
        if not user.is_authenticated:
            return self.none()
        kept = self.filter(deleted_at=None)
        return kept if sees_everything(user) else kept.filter(model__owner_id=user.pk)


class Version(models.Model):
    """One immutable version of a model: a bundle of weights and manifest on disk, and its evidence."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64, help_text="Of the weights file.")
    directory = models.CharField(max_length=200, help_text="Relative to the models folder.")
    manifest = models.JSONField(default=dict)
    evidence = models.JSONField(null=True, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-pk")
        constraints = (
            models.UniqueConstraint(fields=["model", "number"], name="version_number_per_model"),
        )

    def __str__(self) -> str:
        return f"{self.model.name} v{self.number}"

    @property
    def path(self) -> Path:
        """Where the bundle lies on disk."""
        return Path(settings.MODELS_DIR) / self.directory

    @property
    def is_partial(self) -> bool:
        """Whether its training was stopped before the end."""
        return bool(self.manifest.get("stopped"))


class PriceQuerySet(models.QuerySet["Price"]):
    """Reads of the price book."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> PriceQuerySet:
        return self.all() if user.is_authenticated else self.none()


class Price(models.Model):
    """What a language model costs; the reference price is the one that evidence compares with."""

    _help = "USD per million tokens. Providers change prices: edit this to what you pay."

    model = models.CharField(max_length=100, unique=True)
    input_per_million = models.DecimalField(
        max_digits=12, decimal_places=4, validators=[MinValueValidator(0)], help_text=_help
    )
    output_per_million = models.DecimalField(
        max_digits=12, decimal_places=4, validators=[MinValueValidator(0)], help_text=_help
    )
    as_of = models.DateField(help_text="The day on which these prices were looked up.")
    is_reference = models.BooleanField(
        default=False, help_text="Evidence of new runs compares with this model. At most one."
    )

    objects = PriceQuerySet.as_manager()

    class Meta:
        ordering = ("-is_reference", "model")
        constraints = (
            models.UniqueConstraint(
                fields=["is_reference"],
                condition=Q(is_reference=True),
                name="one_reference_price",
                violation_error_message="Another price is the reference; take its mark away first.",
            ),
            models.CheckConstraint(
                condition=Q(input_per_million__gte=0) & Q(output_per_million__gte=0),
                name="prices_not_negative",
            ),
        )

    def __str__(self) -> str:
        return self.model

    def as_json(self) -> dict[str, Any]:
        """The `prices` part of evidence."""
        return {
            "model": self.model,
            "input_per_million": float(self.input_per_million),
            "output_per_million": float(self.output_per_million),
            "currency": "USD",
            "as_of": self.as_of.isoformat(),
        }


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Reads of tokens."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> ApiTokenQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.all() if sees_everything(user) else self.filter(owner_id=user.pk)


class ApiToken(models.Model):
    """A key to the REST API. Only a keyed digest is kept, so a stolen table opens nothing."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=100, validators=[ProhibitNullCharactersValidator()])
    version = models.ForeignKey(
        Version,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="keys",
        help_text="A key of this version opens its decisions and nothing else.",
    )
    prefix = models.CharField(max_length=8, db_index=True, help_text="First characters after ag_.")
    digest = models.CharField(max_length=64, help_text="HMAC-SHA256 of the token.")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return f"{self.name} (ag_{self.prefix}…)"


class UsageQuerySet(models.QuerySet["Usage"]):
    """Reads of usage."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> UsageQuerySet:
        return self.filter(version__in=Version.objects.visible_to(user))


class Usage(models.Model):
    """What a version decided on one day over HTTP, and what was asked of an LLM in its place."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="usage")
    day = models.DateField()
    decided = models.PositiveBigIntegerField(default=0)
    forwarded = models.PositiveBigIntegerField(default=0)
    prompt_tokens = models.PositiveBigIntegerField(default=0)
    completion_tokens = models.PositiveBigIntegerField(default=0)
    shadowed = models.PositiveBigIntegerField(
        default=0, help_text="Requests on which the version was only compared with the LLM."
    )
    agreed = models.PositiveBigIntegerField(
        default=0, help_text="Of these, where both did the same."
    )

    objects = UsageQuerySet.as_manager()

    class Meta:
        ordering = ("-day",)
        constraints = (
            models.UniqueConstraint(fields=["version", "day"], name="one_usage_per_day"),
        )

    def __str__(self) -> str:
        return f"{self.version_id} {self.day}"
