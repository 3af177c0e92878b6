"""Runs and what they leave behind: metric points, sampled episodes, events."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from models_registry.models import Version
from scenarios.models import Scenario, sees_everything

Viewer = AbstractBaseUser | AnonymousUser


class RunQuerySet(models.QuerySet["Run"]):
    """Reads of runs."""

    def visible_to(self, user: Viewer) -> RunQuerySet:
        """Own runs; staff sees all."""
        if not user.is_authenticated:
            return self.none()
        return self.all() if sees_everything(user) else self.filter(owner_id=user.pk)

    def active(self) -> RunQuerySet:
        """Runs that wait or work."""
        return self.filter(status__in=Run.ACTIVE)


class Run(models.Model):
    """One training of one policy on one scenario. Only `training.services` writes here."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        PAUSING = "pausing", "Pausing"
        PAUSED = "paused", "Paused"
        STOPPING = "stopping", "Stopping"
        STOPPED = "stopped", "Stopped"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    ACTIVE = (Status.QUEUED, Status.RUNNING, Status.PAUSING, Status.PAUSED, Status.STOPPING)
    HELD = (Status.RUNNING, Status.PAUSING, Status.STOPPING)
    FINISHED = (Status.STOPPED, Status.SUCCEEDED, Status.FAILED)

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="runs"
    )
    scenario = models.ForeignKey(Scenario, on_delete=models.PROTECT, related_name="runs")
    version = models.ForeignKey(
        Version,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="runs",
        help_text="Its result.",
    )
    algorithm = models.CharField(max_length=50)
    difficulty = models.CharField(max_length=20)
    config = models.JSONField(default=dict, help_text="As it was started; see its changes.")
    parent = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="branches",
        help_text="The run from whose checkpoint this one went on.",
    )
    max_seconds = models.FloatField(null=True, blank=True, help_text="Time budget; null: none.")
    max_cost = models.FloatField(null=True, blank=True, help_text="Cost budget in USD; null: none.")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.QUEUED)

    attempt = models.PositiveIntegerField(
        default=0,
        help_text="Counts the starts; writes of an earlier start are refused (fencing token).",
    )
    losses = models.PositiveIntegerField(
        default=0, help_text="How often its worker was lost since its last checkpoint."
    )
    lease_owner = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    woken_at = models.DateTimeField(
        null=True, blank=True, help_text="When a worker was last told about it."
    )

    phase = models.CharField(max_length=20, blank=True, help_text="training, evidence or done.")
    phase_fraction = models.FloatField(default=0.0)
    episodes_done = models.PositiveIntegerField(default=0)
    total_episodes = models.PositiveIntegerField(default=0)
    env_steps = models.PositiveBigIntegerField(default=0)
    train_seconds = models.FloatField(default=0.0)
    used_seconds = models.FloatField(
        default=0.0, help_text="Worked on it altogether, lost work and the final test included."
    )
    stage = models.CharField(max_length=50, blank=True, help_text="Of its curriculum.")
    convergence = models.CharField(max_length=20, default="starting")
    latest_metrics = models.JSONField(default=dict, blank=True)
    last_seq = models.PositiveIntegerField(default=0, help_text="Of its newest metric point.")
    last_episode_seq = models.PositiveIntegerField(
        default=0, help_text="Of its newest sampled episode."
    )

    evidence = models.JSONField(null=True, blank=True)
    failure = models.TextField(blank=True, help_text="Why it failed, in words for its owner.")
    stop_reason = models.TextField(blank=True)
    scenario_hash = models.CharField(max_length=64, blank=True)
    code_version = models.CharField(max_length=50, blank=True)
    torch_version = models.CharField(max_length=50, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    start: Checkpoint | None = None
    """Of a claimed run: what it goes on from. Not stored."""

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-pk")
        indexes = (
            models.Index(fields=["owner", "-created_at"], name="run_owner_created"),
            models.Index(
                fields=["status", "created_at"],
                condition=Q(status__in=["queued", "running", "pausing", "paused", "stopping"]),
                name="run_active",
            ),
        )

    def __str__(self) -> str:
        return f"Run {self.pk}"

    @property
    def is_active(self) -> bool:
        """Whether it still waits or works."""
        return self.status in self.ACTIVE

    @property
    def is_finished(self) -> bool:
        return self.status in self.FINISHED

    @property
    def can_stop(self) -> bool:
        return self.is_active and self.status != self.Status.STOPPING

    @property
    def can_pause(self) -> bool:
        return self.status in (self.Status.QUEUED, self.Status.RUNNING)

    @property
    def can_resume(self) -> bool:
        return self.status in (self.Status.PAUSING, self.Status.PAUSED)

    @property
    def can_change(self) -> bool:
        """Whether its settings may still change: not once the final test has begun."""
        return self.can_stop and self.phase not in ("evidence", "done")

    @property
    def fraction(self) -> float:
        """Share of the training that is done, in [0, 1]."""
        return min(1.0, self.episodes_done / self.total_episodes) if self.total_episodes else 0.0

    @property
    def percent(self) -> int:
        """Whole percent of the current phase (training, then evidence), for the progress bar."""
        return int(100 * (self.phase_fraction if self.phase == "evidence" else self.fraction))

    @property
    def seconds_left(self) -> float | None:
        """Training time left at the pace so far; None while nothing is known."""
        if self.status != self.Status.RUNNING or self.phase != "training" or not self.episodes_done:
            return None
        return self.train_seconds / self.episodes_done * (self.total_episodes - self.episodes_done)

    @property
    def latest_episode(self) -> Episode | None:
        """The newest sampled episode: what the live page shows as the current one."""
        return self.episodes.order_by("-seq").first()


class MetricPointQuerySet(models.QuerySet["MetricPoint"]):
    """Reads of metric points."""

    def visible_to(self, user: Viewer) -> MetricPointQuerySet:
        return self.filter(run__in=Run.objects.visible_to(user))


class MetricPoint(models.Model):
    """What one update of a run measured; values that do not exist (NaN, no call) are null."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="points")
    seq = models.PositiveIntegerField()
    episodes = models.PositiveIntegerField()
    env_steps = models.PositiveBigIntegerField()
    seconds = models.FloatField()
    values = models.JSONField(default=dict)
    marks = models.JSONField(
        default=list, blank=True, help_text="What happened here: changed settings, a new stage."
    )

    objects = MetricPointQuerySet.as_manager()

    class Meta:
        ordering = ("run", "seq")
        constraints = (models.UniqueConstraint(fields=["run", "seq"], name="point_seq_per_run"),)

    def __str__(self) -> str:
        return f"Run {self.run_id}, point {self.seq}"


class EpisodeQuerySet(models.QuerySet["Episode"]):
    """Reads of sampled episodes."""

    def visible_to(self, user: Viewer) -> EpisodeQuerySet:
        return self.filter(run__in=Run.objects.visible_to(user))


class Episode(models.Model):
    """A sampled attempt at one task, with every step."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="episodes")
    seq = models.PositiveIntegerField(help_text="Position in the run.")
    task_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=100)
    attempt = models.PositiveIntegerField(default=0, help_text="Which attempt at the task.")
    success = models.BooleanField()
    truncated = models.BooleanField(default=False)
    total_reward = models.FloatField(null=True)
    reason = models.CharField(max_length=50, help_text="Why it was kept.")
    opening = models.TextField()
    steps = models.JSONField(default=list)
    episodes_done = models.PositiveIntegerField(
        default=0, help_text="Episodes trained when it was sampled."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EpisodeQuerySet.as_manager()

    class Meta:
        ordering = ("run", "-seq")
        constraints = (models.UniqueConstraint(fields=["run", "seq"], name="episode_seq_per_run"),)

    def __str__(self) -> str:
        return f"Run {self.run_id}, episode {self.seq}"


class CheckpointQuerySet(models.QuerySet["Checkpoint"]):
    """Reads of checkpoints."""

    def visible_to(self, user: Viewer) -> CheckpointQuerySet:
        return self.filter(run__in=Run.objects.visible_to(user))


class Checkpoint(models.Model):
    """A place from which a run can go on, on disk and known to be whole; the row is written after the files.

    Metric points and sampled episodes up to its numbers belong to it; later ones are removed before going on from it.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="checkpoints")
    name = models.CharField(max_length=60, help_text="Folder.")
    sha256 = models.CharField(max_length=64, help_text="Of its manifest, which has the others.")
    update = models.PositiveIntegerField()
    episodes = models.PositiveIntegerField()
    env_steps = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    fraction = models.FloatField(default=0.0)
    convergence = models.CharField(max_length=20, default="starting")
    stage = models.CharField(max_length=50, blank=True)
    last_seq = models.PositiveIntegerField(default=0)
    last_episode_seq = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CheckpointQuerySet.as_manager()

    class Meta:
        ordering = ("run", "-update", "-pk")
        constraints = (
            models.UniqueConstraint(fields=["run", "name"], name="checkpoint_name_per_run"),
        )

    def __str__(self) -> str:
        return f"Run {self.run_id}, checkpoint at {self.episodes:,} episodes"


class ChangeQuerySet(models.QuerySet["Change"]):
    """Reads of changes."""

    def visible_to(self, user: Viewer) -> ChangeQuerySet:
        return self.filter(run__in=Run.objects.visible_to(user))


class Change(models.Model):
    """Settings that somebody changed while a run went on.

    Once `update` is set it never changes: a run that goes on from an earlier checkpoint takes them in again there.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="changes")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField(auto_now_add=True)
    before = models.JSONField(help_text="Old values by name.")
    after = models.JSONField(help_text="New values by name.")
    update = models.PositiveIntegerField(
        null=True, blank=True, help_text="The first update with the new values; null: waits."
    )
    episodes = models.PositiveIntegerField(null=True, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        ordering = ("run", "pk")

    def __str__(self) -> str:
        return f"Run {self.run_id}: {', '.join(self.after)}"


class RunEventQuerySet(models.QuerySet["RunEvent"]):
    """Reads of events."""

    def visible_to(self, user: Viewer) -> RunEventQuerySet:
        return self.filter(run__in=Run.objects.visible_to(user))


class RunEvent(models.Model):
    """Something that happened to a run: what, when, and who asked for it. Never changed afterwards."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    kind = models.CharField(
        max_length=30,
        help_text="created, started, stop_requested, checkpoint, requeued, finished, ...",
    )
    detail = models.JSONField(
        default=dict, blank=True, help_text="May hold a traceback: for staff only."
    )

    objects = RunEventQuerySet.as_manager()

    class Meta:
        ordering = ("run", "at", "pk")

    def __str__(self) -> str:
        return f"Run {self.run_id}: {self.kind}"


from training.studies_models import Study, Trial, TrialRun  # noqa: E402, F401 (Django looks for models here)
