"""What the REST API says of runs, and what it takes to start one."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.reverse import reverse

from training.models import Run
from training.rl.config import SPECS, TrainConfig

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
        return {name: _setting(name) for name in SPECS}


class RunSerializer(serializers.Serializer[Any]):
    """A run as its status answer."""

    run_id = serializers.IntegerField()
    status = serializers.ChoiceField(choices=Run.Status.choices)
    scenario = serializers.CharField()
    algorithm = serializers.CharField()
    difficulty = serializers.CharField()
    config = serializers.DictField()
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
    "started_at", "finished_at",
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
        "model_id": run.version_id if kept else None,
        "metrics_url": reverse("api-metrics", args=[run.pk], request=request),
    }
