"""What the REST API says of runs, and what it takes to start one."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.reverse import reverse

from training import budget
from training.models import Run
from training.rl.config import LIVE, SPECS, TrainConfig

_DEFAULTS = TrainConfig().as_json()


def _setting(name: str) -> serializers.Field[Any, Any, Any, Any]:
    """The OpenAPI field of one setting; what it may be is said by the same table as in the form."""
    spec, default = SPECS[name], _DEFAULTS[name]
    about: dict[str, Any] = {"required": False, "default": default, "help_text": spec.help}
    if name == "scenario":
        return serializers.CharField(help_text=spec.help)
    if spec.choices:
        return serializers.ChoiceField(choices=spec.choices, **about)
    if isinstance(default, str):
        return serializers.CharField(**about)
    bounds: dict[str, Any] = {"min_value": spec.low, "max_value": spec.high}
    kind = serializers.IntegerField if isinstance(default, int) else serializers.FloatField
    return kind(**bounds, **about)


class StartSerializer(serializers.Serializer[Any]):
    """For the documentation only: `parse_config` checks the values, as it does for the form and the command line."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name: _setting(name) for name in SPECS} | _budgets()


def _budgets() -> dict[str, serializers.Field[Any, Any, Any, Any]]:
    return {
        name: serializers.FloatField(
            required=False,
            allow_null=True,
            min_value=spec.low,
            max_value=spec.high,
            help_text=spec.help,
        )
        for name, spec in budget.SPECS.items()
    }


class ChangeSerializer(serializers.Serializer[Any]):
    """For the documentation only, as `StartSerializer`; at least one setting besides the id."""

    run_id = serializers.IntegerField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        settings = {name: _setting(name) for name in LIVE}
        for field in settings.values():
            field.default = serializers.empty
        return {**super().get_fields(), **settings}


class BranchSerializer(ChangeSerializer):
    """For the documentation only."""

    checkpoint = serializers.IntegerField(required=False, help_text="Its id; else the newest.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return super().get_fields() | _budgets()


class ChangeEntrySerializer(serializers.Serializer[Any]):
    by = serializers.CharField(allow_null=True)
    asked_at = serializers.DateTimeField()
    before = serializers.DictField()
    after = serializers.DictField()
    update = serializers.IntegerField(  # type: ignore[assignment]  # a method of the base class
        allow_null=True, help_text="The first one with the new values; null: it waits."
    )
    episodes = serializers.IntegerField(allow_null=True)
    applied_at = serializers.DateTimeField(allow_null=True)


class CheckpointEntrySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    update = serializers.IntegerField()  # type: ignore[assignment]  # a method of the base class
    episodes = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class RunSerializer(serializers.Serializer[Any]):
    """A run as its status answer."""

    run_id = serializers.IntegerField()
    status = serializers.ChoiceField(choices=Run.Status.choices)
    scenario = serializers.CharField()
    algorithm = serializers.CharField()
    difficulty = serializers.CharField()
    config = serializers.DictField(help_text="As it was started; see changes.")
    changes = ChangeEntrySerializer(many=True, help_text="Settings changed while it went on.")
    checkpoints = CheckpointEntrySerializer(many=True, help_text="Places to branch from.")
    parent_id = serializers.IntegerField(
        allow_null=True, help_text="The run that it branched off from."
    )
    max_seconds = serializers.FloatField(allow_null=True)
    max_cost = serializers.FloatField(allow_null=True)
    used_seconds = serializers.FloatField(help_text="Worked on it altogether.")
    cost = serializers.FloatField(help_text="USD of that work.")
    stage = serializers.CharField(help_text="Of its curriculum.")
    phase = serializers.CharField(help_text="training, evidence or done; empty before the start.")
    phase_fraction = serializers.FloatField(help_text="Share of the phase that is done, 0 to 1.")
    episodes_done = serializers.IntegerField()
    total_episodes = serializers.IntegerField()
    env_steps = serializers.IntegerField()
    train_seconds = serializers.FloatField()
    seconds_left = serializers.FloatField(allow_null=True)
    convergence = serializers.CharField()
    metrics = serializers.DictField(
        child=serializers.FloatField(allow_null=True), help_text="The newest ones."
    )
    evidence = serializers.DictField(allow_null=True)
    failure = serializers.CharField(help_text="Why it failed, in words.")
    stop_reason = serializers.CharField()
    model_id = serializers.IntegerField(
        allow_null=True, help_text="The version that it made; see /api/models/{id}/."
    )
    metrics_url = serializers.URLField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


_SAME = (
    "status", "algorithm", "difficulty", "config", "phase", "phase_fraction", "episodes_done", "total_episodes",
    "env_steps", "train_seconds", "seconds_left", "convergence", "evidence", "failure", "stop_reason", "created_at",
    "started_at", "finished_at", "parent_id", "max_seconds", "max_cost", "used_seconds", "stage",
)  # fmt: skip


def run_values(request: Request, run_id: int) -> dict[str, Any]:
    """The answer about one run, which the caller may see."""
    run = Run.objects.select_related("scenario", "version").get(pk=run_id)
    kept = run.version is not None and run.version.deleted_at is None
    return {
        "run_id": run.pk,
        **{name: getattr(run, name) for name in _SAME},
        "scenario": run.scenario.key,
        "metrics": run.latest_metrics,
        "cost": round(budget.cost(run, run.used_seconds), 6),
        "changes": _changes(run),
        "checkpoints": list(
            run.checkpoints.order_by("-update").values("id", "update", "episodes", "created_at")
        ),
        "model_id": run.version_id if kept else None,
        "metrics_url": reverse("api-metrics", args=[run.pk], request=request),
    }


def _changes(run: Run) -> list[dict[str, Any]]:
    names = ("asked_at", "before", "after", "update", "episodes", "applied_at")
    rows = run.changes.order_by("pk").annotate(by=F("actor__username"))
    return [dict(row) for row in rows.values("by", *names)]


def own_run(request: Request, run_id: int) -> Run:
    """The run, if the caller may see it; 404 also for other people's, so that ids tell nothing."""
    try:
        return Run.objects.visible_to(request.user).defer("evidence").get(pk=run_id)
    except Run.DoesNotExist:
        raise NotFound(f"There is no run {run_id} that you can see.") from None
