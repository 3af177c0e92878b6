"""Studies, their trials, and which run belongs to which trial. Loaded by `training.models`."""

from __future__ import annotations

import secrets
from dataclasses import fields
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

from models_registry.models import Version
from scenarios.models import Scenario, sees_everything
from training.tuning.config import StudyConfig, parse_study

if TYPE_CHECKING:
    from training.models import Viewer


def _token() -> str:
    return secrets.token_hex(6)


class StudyQuerySet(models.QuerySet["Study"]):
    """Reads of studies."""

    def visible_to(self, user: Viewer) -> StudyQuerySet:
        """Own studies; staff sees all."""
        if not user.is_authenticated:
            return self.none()
        return self.all() if sees_everything(user) else self.filter(owner_id=user.pk)

    def at_work(self) -> StudyQuerySet:
        """Studies that somebody has to look after."""
        return self.filter(status__in=Study.AT_WORK)


class Study(models.Model):
    """A search for good settings. Only `training.studies` and `training.studies_search` write here."""

    class Status(models.TextChoices):
        RUNNING = "running", "Searching"
        CONFIRMING = "confirming", "Confirming"
        PAUSED = "paused", "Paused"
        STOPPING = "stopping", "Stopping"
        STOPPED = "stopped", "Stopped"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    AT_WORK = (Status.RUNNING, Status.CONFIRMING, Status.STOPPING)
    FINISHED = (Status.STOPPED, Status.SUCCEEDED, Status.FAILED)

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="studies"
    )
    scenario = models.ForeignKey(Scenario, on_delete=models.PROTECT, related_name="studies")
    name = models.CharField(max_length=100, blank=True)
    config = models.JSONField(default=dict, help_text="See training.tuning.config.StudyConfig.")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.RUNNING)
    paused_from = models.CharField(
        max_length=20, blank=True, help_text="What it was doing when it was paused."
    )
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_seconds = models.FloatField(default=0.0, help_text="In all pauses that are over.")
    token = models.CharField(
        max_length=12, default=_token, help_text="Keeps names in Optuna's storage apart."
    )
    round = models.PositiveIntegerField(
        default=0, help_text="Of the honest ending; a study that was extended has another one."
    )
    importance = models.JSONField(
        default=dict, blank=True, help_text="Share of each setting, by objective."
    )
    verdict = models.JSONField(null=True, blank=True, help_text="See training.tuning.verdict.")
    version = models.ForeignKey(
        Version, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    failure = models.TextField(blank=True)
    history = models.JSONField(
        default=list, blank=True, help_text="What people asked of it: at, by, kind, and details."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = StudyQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-pk")
        verbose_name_plural = "studies"
        indexes = (
            models.Index(fields=["owner", "-created_at"], name="study_owner_created"),
            models.Index(
                fields=["status"],
                condition=Q(status__in=["running", "confirming", "stopping"]),
                name="study_at_work",
            ),
        )

    def __str__(self) -> str:
        return f"Study {self.pk}"

    @property
    def plan(self) -> StudyConfig:
        """Its config, typed and checked. Raises `ConfigError` where it is no longer valid."""
        return parse_study(self.config)

    @property
    def shown_plan(self) -> StudyConfig:
        """Its config as it was: to look at, also where its scenario has gone."""
        names = {one.name for one in fields(StudyConfig)}
        kept = {name: value for name, value in self.config.items() if name in names}
        return StudyConfig(**{**kept, "objectives": tuple(kept.get("objectives", ("success",)))})

    @property
    def optuna_name(self) -> str:
        """Its name in Optuna's storage."""
        return f"study-{self.pk}-{self.token}"

    @property
    def title(self) -> str:
        return self.name or f"Study {self.pk}"

    @property
    def is_finished(self) -> bool:
        return self.status in self.FINISHED

    @property
    def can_pause(self) -> bool:
        return self.status in (self.Status.RUNNING, self.Status.CONFIRMING)

    @property
    def can_resume(self) -> bool:
        return self.status == self.Status.PAUSED

    @property
    def can_stop(self) -> bool:
        return not self.is_finished and self.status != self.Status.STOPPING

    @property
    def can_extend(self) -> bool:
        return self.status != self.Status.STOPPING and self.config.get("sampler") != "grid"


class TrialQuerySet(models.QuerySet["Trial"]):
    """Reads of trials."""

    def visible_to(self, user: Viewer) -> TrialQuerySet:
        return self.filter(study__in=Study.objects.visible_to(user))

    def of_search(self) -> TrialQuerySet:
        """Without those that confirm."""
        return self.exclude(number=None)


class Trial(models.Model):
    """One choice of settings, and what came of it.

    One of the search has a number, the same as in Optuna's storage. One of the honest ending has none, but a round: it
    trains the settings of `confirms` again, or the usual ones where that is empty.
    """

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        COMPLETE = "complete", "Complete"
        PRUNED = "pruned", "Pruned"
        FAILED = "failed", "Failed"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="trials")
    number = models.PositiveIntegerField(null=True, blank=True)
    round = models.PositiveIntegerField(null=True, blank=True)
    confirms = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="confirmations"
    )
    params = models.JSONField(default=dict)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.RUNNING)
    values = models.JSONField(null=True, blank=True, help_text="One per objective.")
    looks = models.JSONField(default=list, blank=True, help_text="Pairs of step and value.")
    failure = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TrialQuerySet.as_manager()

    class Meta:
        ordering = ("study", "number", "pk")
        constraints = (
            models.UniqueConstraint(fields=["study", "number"], name="trial_number_per_study"),
            models.UniqueConstraint(
                fields=["study", "round", "confirms"],
                nulls_distinct=False,
                condition=Q(number=None),
                name="trial_confirmed_once_per_round",
            ),
        )

    def __str__(self) -> str:
        return f"Study {self.study_id}, trial {self.number}"

    @property
    def is_search(self) -> bool:
        return self.number is not None


class TrialRun(models.Model):
    """A run of a trial: one per seed."""

    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="runs")
    run = models.OneToOneField("training.Run", on_delete=models.CASCADE, related_name="trial_run")
    place = models.PositiveIntegerField(help_text="Of its seed among the trial's.")
    scores = models.JSONField(
        null=True, blank=True, help_text="On validation tasks, once it is trained."
    )
    pruned = models.BooleanField(default=False)
    manifest = models.JSONField(
        null=True, blank=True, help_text="Of its bundle, should it become a version."
    )

    class Meta:
        ordering = ("trial", "place")
        constraints = (
            models.UniqueConstraint(fields=["trial", "place"], name="run_place_per_trial"),
        )

    def __str__(self) -> str:
        return f"Run {self.run_id} of {self.trial_id}"

    def score(self, objective: str) -> float | None:
        """What it scored on validation tasks; None where it has not."""
        found = (self.scores or {}).get(objective)
        return None if found is None else float(found)
