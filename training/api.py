"""The REST API of runs: start, status, metrics. Thin: the same services as the portal and the command line."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from scenarios.api import ERRORS, ErrorSerializer, FieldErrorsSerializer, JsonObject, account
from training import live, services, tasks
from training.api_fields import RunSerializer, StartSerializer, own_run, run_values
from training.rl.config import ConfigError

_RUN_ID = OpenApiParameter("run_id", int, required=True, description="The run's id.")


class StartedSerializer(serializers.Serializer[Any]):
    run_id = serializers.IntegerField()
    status = serializers.CharField()
    url = serializers.URLField(help_text="Where to ask for its status.")


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
        return Response(run_values(request, own_run(request, int(text)).pk))


class PointSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField(help_text="Position in the run, from 1.")
    episodes = serializers.IntegerField()
    seconds = serializers.FloatField(help_text="Seconds of training.")
    values = serializers.DictField(child=serializers.FloatField(allow_null=True))
    marks = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField()),
        help_text="What happened here: kind (change or stage), text, by (an account, or empty).",
    )


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
        run, since = own_run(request, run_id), int(text)
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
