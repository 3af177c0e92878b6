"""The REST API of runs: start, stop, status, metrics. Thin: the same services as the portal and the command line."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from scenarios.api import ERRORS, ErrorSerializer, FieldErrorsSerializer, JsonObject, account
from training import live, services, tasks
from training.api_fields import RunSerializer, StartSerializer, run_values
from training.models import Run
from training.rl.config import ConfigError

_RUN_ID = OpenApiParameter("run_id", int, required=True, description="The run's id.")


class StartedSerializer(serializers.Serializer[Any]):
    run_id = serializers.IntegerField()
    status = serializers.CharField()
    url = serializers.URLField(help_text="Where to ask for its status.")


class StopSerializer(serializers.Serializer[Any]):
    run_id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class StartTraining(APIView):
    """Start a run."""

    @extend_schema(
        request=StartSerializer,
        responses={202: StartedSerializer, 400: FieldErrorsSerializer, **ERRORS},
        summary="Start a training run",
        description="Flat settings; what is left out takes its default. Without a reachable queue the run waits and starts later.",
    )
    def post(self, request: Request) -> Response:
        values = JsonObject.of(request)
        if "scenario" not in values:
            # The settings have a default, but nobody should start a run with an empty body by accident.
            raise ValidationError(
                {"scenario": ["Say which scenario to train on; see /api/scenarios/."]}
            )
        try:
            run = services.create_run(owner=account(request), values=values)
        except ConfigError as error:
            raise ValidationError(
                {name: [message] for name, message in error.errors.items()}
            ) from error
        tasks.launch(run)
        url = reverse("api-training-status", request=request) + f"?run_id={run.pk}"
        return Response({"run_id": run.pk, "status": run.status, "url": url}, status=202)


class StopTraining(APIView):
    """Stop a run."""

    @extend_schema(
        request=StopSerializer,
        responses={
            202: RunSerializer,
            400: FieldErrorsSerializer,
            404: ErrorSerializer,
            409: OpenApiResponse(ErrorSerializer, "The run has already ended."),
            **ERRORS,
        },
        summary="Stop a training run",
        description="What it has learned is kept as a version marked as stopped. Asking twice is harmless.",
    )
    def post(self, request: Request) -> Response:
        asked = StopSerializer(data=JsonObject.of(request))
        asked.is_valid(raise_exception=True)
        run = _own_run(request, asked.validated_data["run_id"])
        try:
            services.request_stop(run=run, actor=account(request))
        except services.InvalidTransition as error:
            return Response({"detail": str(error)}, status=409)
        return Response(run_values(request, run.pk), status=202)


class TrainingStatus(APIView):
    """Look at a run."""

    @extend_schema(
        parameters=[_RUN_ID],
        responses={200: RunSerializer, 400: FieldErrorsSerializer, 404: ErrorSerializer, **ERRORS},
        summary="Status of a training run",
    )
    def get(self, request: Request) -> Response:
        text = request.query_params.get("run_id", "")
        if not text.isdecimal() or len(text) > 18:
            raise ValidationError({"run_id": ["Give the id of a run, for example ?run_id=1."]})
        return Response(run_values(request, _own_run(request, int(text)).pk))


class PointSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField(help_text="Position in the run, from 1.")
    episodes = serializers.IntegerField()
    seconds = serializers.FloatField(help_text="Seconds of training.")
    values = serializers.DictField(child=serializers.FloatField(allow_null=True))


class MetricsSerializer(serializers.Serializer[Any]):
    run_id = serializers.IntegerField()
    attempt = serializers.IntegerField(
        help_text="Counts the starts; a new one begins its points again."
    )
    status = serializers.CharField()
    since = serializers.IntegerField()
    last_seq = serializers.IntegerField(help_text="The newest point there is.")
    next = serializers.URLField(allow_null=True, help_text="Where to go on, where there is more.")
    points = PointSerializer(many=True)


class RunMetrics(APIView):
    """Read a run's metric points."""

    @extend_schema(
        parameters=[
            OpenApiParameter("since", int, description="Only points after this one.", default=0)
        ],
        responses={
            200: MetricsSerializer,
            400: FieldErrorsSerializer,
            404: ErrorSerializer,
            **ERRORS,
        },
        summary="Metric points of a run",
        description=f"Up to {live.MOST_POINTS:,} points at a time; values that do not exist are null.",
    )
    def get(self, request: Request, run_id: int) -> Response:
        text = request.query_params.get("since", "0")
        if not text.isdecimal() or len(text) > 9:
            raise ValidationError(
                {"since": ["Give the number of a point, for example ?since=120."]}
            )
        run, since = _own_run(request, run_id), int(text)
        points = live.points_after(run.pk, since)
        more = len(points) == live.MOST_POINTS
        url = reverse("api-metrics", args=[run.pk], request=request)
        return Response(
            {
                "run_id": run.pk,
                "attempt": run.attempt,
                "status": run.status,
                "since": since,
                "last_seq": run.last_seq,
                "next": f"{url}?since={points[-1]['seq']}" if more else None,
                "points": points,
            }
        )


def _own_run(request: Request, run_id: int) -> Run:
    """The run, if the caller may see it; 404 also for other people's, so that ids tell nothing."""
    try:
        return Run.objects.visible_to(request.user).defer("evidence").get(pk=run_id)
    except Run.DoesNotExist:
        raise NotFound(f"There is no run {run_id} that you can see.") from None
