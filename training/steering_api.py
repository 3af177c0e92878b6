"""The REST API of runs that go on: stop, pause, resume, change settings, branch. Thin: the portal's own services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scenarios.api import ERRORS, ErrorSerializer, FieldErrorsSerializer, JsonObject, account
from training import budget, services, tasks
from training.api_fields import (
    BranchSerializer,
    ChangeSerializer,
    RunSerializer,
    own_run,
    run_values,
)
from training.models import Checkpoint, Run
from training.rl.config import ConfigError

_ANSWERS = {
    202: RunSerializer,
    400: FieldErrorsSerializer,
    404: ErrorSerializer,
    409: OpenApiResponse(ErrorSerializer, "The run is not in a state that allows this."),
    **ERRORS,
}


class RunIdSerializer(serializers.Serializer[Any]):
    run_id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


def _asked(request: Request) -> tuple[Run, dict[str, Any]]:
    """The run that the body names, and what else it says."""
    values = dict(JsonObject.of(request))
    asked = RunIdSerializer(data=values)
    asked.is_valid(raise_exception=True)
    values.pop("run_id")
    return own_run(request, asked.validated_data["run_id"]), values


def _refused(problem: ConfigError) -> ValidationError:
    return ValidationError({name: [message] for name, message in problem.errors.items()})


def _ask(request: Request, ask: Callable[..., Run]) -> Response:
    run, _ = _asked(request)
    try:
        run = ask(run=run, actor=account(request))
    except services.InvalidTransition as error:
        return Response({"detail": str(error)}, status=409)
    if run.status == Run.Status.QUEUED:
        tasks.launch(run)
    return Response(run_values(request, run.pk), status=202)


class StopTraining(APIView):
    """Stop a run."""

    @extend_schema(
        request=RunIdSerializer,
        responses=_ANSWERS,
        summary="Stop a training run",
        description="What it has learned is kept as a version marked as stopped. Asking twice is harmless.",
    )
    def post(self, request: Request) -> Response:
        return _ask(request, services.request_stop)


class PauseTraining(APIView):
    """Pause a run."""

    @extend_schema(
        request=RunIdSerializer,
        responses=_ANSWERS,
        summary="Pause a training run",
        description=(
            "At its next update the run writes a checkpoint and frees its worker. A checkpoint starts all training "
            "conversations afresh, so a run that was paused takes another course than one that was not."
        ),
    )
    def post(self, request: Request) -> Response:
        return _ask(request, services.request_pause)


class ResumeTraining(APIView):
    """Let a paused run go on."""

    @extend_schema(
        request=RunIdSerializer,
        responses=_ANSWERS,
        summary="Resume a paused training run",
        description="It goes on from its last checkpoint as soon as a worker is free.",
    )
    def post(self, request: Request) -> Response:
        return _ask(request, services.request_resume)


class ChangeTraining(APIView):
    """Change settings of a run that goes on."""

    @extend_schema(
        request=ChangeSerializer,
        responses=_ANSWERS,
        summary="Change settings of a training run",
        description="They take effect at the next update; `changes` of the answer says when they did.",
    )
    def post(self, request: Request) -> Response:
        run, values = _asked(request)
        try:
            services.request_change(run=run, actor=account(request), values=values)
        except ConfigError as problem:
            raise _refused(problem) from problem
        except services.InvalidTransition as error:
            return Response({"detail": str(error)}, status=409)
        return Response(run_values(request, run.pk), status=202)


class BranchTraining(APIView):
    """Start a run from another run's checkpoint."""

    @extend_schema(
        request=BranchSerializer,
        responses=_ANSWERS,
        summary="Branch off a new training run from a checkpoint",
        description="`checkpoint` is one of the ids in `checkpoints` of the run's status; without it, the newest one.",
    )
    def post(self, request: Request) -> Response:
        source, values = _asked(request)
        wanted = values.pop("checkpoint", None)
        limits = {name: values.pop(name, None) for name in budget.SPECS}
        try:
            run = services.branch(
                checkpoint=_checkpoint(source, wanted),
                owner=account(request),
                values=values,
                limits=budget.limits(limits),
            )
        except ConfigError as problem:
            raise _refused(problem) from problem
        except services.InvalidTransition as error:
            return Response({"detail": str(error)}, status=409)
        tasks.launch(run)
        return Response(run_values(request, run.pk), status=202)


def _checkpoint(run: Run, wanted: Any) -> Checkpoint:
    """The checkpoint asked for, or the newest one. Raises `NotFound`, `ValidationError`."""
    rows = run.checkpoints.select_related("run").order_by("-update", "-pk")
    if wanted is not None:
        if isinstance(wanted, bool) or not isinstance(wanted, int) or not 0 < wanted < 2**63:
            raise ValidationError({"checkpoint": ["Give the id of a checkpoint."]})
        rows = rows.filter(pk=wanted)
    found = rows.first()
    if found is None:
        raise NotFound(f"Run {run.pk} has no such checkpoint; see checkpoints in its status.")
    return found
