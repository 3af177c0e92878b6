"""The REST API of studies. Thin: the same services as the portal and the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Count, Q
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from models_registry.services import RegistryError
from scenarios.api import (
    ERRORS,
    PAGE,
    ErrorSerializer,
    FieldErrorsSerializer,
    JsonObject,
    Pages,
    account,
    page,
)
from training import studies, tasks
from training.models import Run
from training.rl.config import ConfigError
from training.steering import InvalidTransition
from training.studies_messages import tell_workers
from training.studies_models import Study, Trial
from training.studies_report import as_csv, as_document, study_values, trial_values
from training.tuning.config import PRUNERS, SAMPLERS, SPECS, StudyConfig
from training.tuning.objectives import OBJECTIVES

_DEFAULTS = StudyConfig().as_json()
_STATUSES = ", ".join(Study.Status.values)
_CONFLICT = OpenApiResponse(ErrorSerializer, "The study is not in a state that allows this.")


def _field(name: str) -> serializers.Field[Any, Any, Any, Any]:
    spec, default = SPECS[name], _DEFAULTS[name]
    about: dict[str, Any] = {"required": False, "help_text": spec.help}
    if name in ("settings", "space"):
        return serializers.DictField(**about)
    if name == "objectives":
        return serializers.ListField(
            child=serializers.ChoiceField(choices=list(OBJECTIVES)), **about
        )
    about["default"] = default
    if spec.choices:
        return serializers.ChoiceField(choices=spec.choices, **about)
    bounds: dict[str, Any] = {"min_value": spec.low, "max_value": spec.high}
    if isinstance(default, int):
        return serializers.IntegerField(**bounds, **about)
    return serializers.FloatField(allow_null=True, **bounds, **about)


class NewStudySerializer(serializers.Serializer[Any]):
    """For the documentation only: `parse_study` checks the values, as it does for the form and the command line."""

    scenario = serializers.CharField()
    name = serializers.CharField(required=False, max_length=studies.MAX_NAME)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return super().get_fields() | {name: _field(name) for name in SPECS}


class ExtendSerializer(serializers.Serializer[Any]):
    """For the documentation only."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        found = {name: _field(name) for name in ("trials", "jobs", "timeout", "max_cost")}
        for field in found.values():
            field.default = serializers.empty
        return found


class RegisterSerializer(serializers.Serializer[Any]):
    trial = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=2**31 - 1,
        help_text="A confirmed trial; else the winner.",
    )  # fmt: skip
    name = serializers.CharField(
        required=False, max_length=studies.MAX_NAME, help_text="Of the model; else the scenario's."
    )


class RegisteredSerializer(serializers.Serializer[Any]):
    model_id = serializers.IntegerField(help_text="The version; see /api/models/{id}/.")
    name = serializers.CharField()
    number = serializers.IntegerField()


class StudySerializer(serializers.Serializer[Any]):
    """A study as the API answers it."""

    study_id = serializers.IntegerField()
    name = serializers.CharField()
    scenario = serializers.CharField()
    status = serializers.CharField(help_text=_STATUSES)
    config = serializers.DictField()
    trials = serializers.DictField(
        child=serializers.IntegerField(), help_text="Of the search, by status."
    )
    front = serializers.ListField(
        child=serializers.IntegerField(),
        help_text="Trials that no other one beats in every objective; of a single one the best.",
    )
    importance = serializers.DictField(help_text="Share of each setting, by objective.")
    verdict = serializers.DictField(allow_null=True, help_text="The honest ending.")
    model_id = serializers.IntegerField(allow_null=True, help_text="What was registered last.")
    failure = serializers.CharField()
    seconds = serializers.FloatField(help_text="Since it began, pauses apart.")
    work_seconds = serializers.FloatField(help_text="Of all its runs.")
    cost = serializers.FloatField(help_text="USD of that work.")
    history = serializers.ListField(child=serializers.DictField())
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class StudyRowSerializer(serializers.Serializer[Any]):
    study_id = serializers.IntegerField()
    name = serializers.CharField()
    scenario = serializers.CharField()
    status = serializers.CharField(help_text=_STATUSES)
    trials = serializers.IntegerField(help_text="Of the search, begun so far.")
    created_at = serializers.DateTimeField()


class StudyPageSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = StudyRowSerializer(many=True)


class TrialSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField(allow_null=True, help_text="null: it confirms another one.")
    confirms = serializers.IntegerField(
        allow_null=True, help_text="Number of the trial that was trained again; null: the usual settings."
    )  # fmt: skip
    round = serializers.IntegerField(allow_null=True)
    status = serializers.CharField(help_text=", ".join(Trial.Status.values))
    params = serializers.DictField()
    values = serializers.DictField(allow_null=True, child=serializers.FloatField())
    looks = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()), help_text="Pairs of step and value."
    )  # fmt: skip
    runs = serializers.ListField(child=serializers.IntegerField())
    scores = serializers.ListField(child=serializers.DictField(allow_null=True))
    failure = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class TrialPageSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = TrialSerializer(many=True)


_ONE = {200: StudySerializer, 404: ErrorSerializer, **ERRORS}
_ASKED = {
    202: StudySerializer,
    400: FieldErrorsSerializer,
    404: ErrorSerializer,
    409: _CONFLICT,
    **ERRORS,
}


def own_study(request: Request, study_id: int) -> Study:
    """The study, if the caller may see it; 404 also for other people's."""
    found = Study.objects.visible_to(request.user).select_related("scenario").filter(pk=study_id)
    study = found.first()
    if study is None:
        raise NotFound(f"There is no study {study_id} that you can see.")
    return study


def _refused(problem: ConfigError) -> ValidationError:
    return ValidationError({name: [message] for name, message in problem.errors.items()})


class Studies(APIView):
    """Studies."""

    @extend_schema(
        operation_id="studies_list",
        parameters=PAGE,
        responses={200: StudyPageSerializer, **ERRORS},
        summary="List studies",
    )
    def get(self, request: Request) -> Response:
        begun = Count("trials", filter=Q(trials__number__isnull=False))
        rows = Study.objects.visible_to(request.user).annotate(begun=begun)
        names = ("pk", "name", "scenario__key", "status", "begun", "created_at")
        answer = page(request, self, rows.order_by("-created_at", "-pk").values(*names))
        answer.data["results"] = [
            {"study_id": row.pop("pk"), "scenario": row.pop("scenario__key"), "trials": row.pop("begun"), **row}
            for row in answer.data["results"]
        ]  # fmt: skip
        return answer

    @extend_schema(
        request=NewStudySerializer,
        responses={202: StudySerializer, 400: FieldErrorsSerializer, **ERRORS},
        summary="Start a study",
        description=(
            f"Samplers: {', '.join(SAMPLERS)}. Pruners: {', '.join(PRUNERS)}. A space maps settings to a list of "
            'values or to a range, for example {"learning_rate": {"low": 1e-5, "high": 0.01, "log": true}}; `when` '
            "makes one conditional. Workers carry out the trials."
        ),
    )
    def post(self, request: Request) -> Response:
        values = dict(JsonObject.of(request))
        if "scenario" not in values:
            raise ValidationError({"scenario": ["Say what to search for; see /api/scenarios/."]})
        name = values.pop("name", "")
        if not isinstance(name, str):
            raise ValidationError({"name": ["must be text"]})
        try:
            study = studies.create_study(owner=account(request), values=values, name=name)
        except ConfigError as problem:
            raise _refused(problem) from problem
        tell_workers(study.pk)
        return Response(study_values(study), status=202)


class StudyDetail(APIView):
    """One study."""

    @extend_schema(operation_id="studies_read", responses=_ONE, summary="A study")
    def get(self, request: Request, study_id: int) -> Response:
        return Response(study_values(own_study(request, study_id)))


class StudyTrials(APIView):
    """The trials of a study."""

    @extend_schema(
        parameters=PAGE,
        responses={200: TrialPageSerializer, 404: ErrorSerializer, **ERRORS},
        summary="Trials of a study",
    )
    def get(self, request: Request, study_id: int) -> Response:
        study = own_study(request, study_id)
        rows = study.trials.select_related("confirms").prefetch_related("runs").order_by("pk")
        pages = Pages()
        found = pages.paginate_queryset(rows, request, view=self) or []
        objectives = study.config.get("objectives", [])
        return pages.get_paginated_response([trial_values(trial, objectives) for trial in found])


class StudyExport(APIView):
    """A study to take away."""

    @extend_schema(
        parameters=[OpenApiParameter("as", str, enum=["json", "csv"], default="json")],
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "text/csv"): OpenApiTypes.STR,
            404: ErrorSerializer,
            **ERRORS,
        },
        summary="Everything about a study, as JSON; or its trials, as CSV",
    )
    def get(self, request: Request, study_id: int) -> Response | HttpResponse:
        study = own_study(request, study_id)
        kind = request.query_params.get("as", "json")
        if kind not in ("json", "csv"):
            raise ValidationError({"as": ["must be json or csv"]})
        if kind == "csv":
            return HttpResponse(as_csv(study), content_type="text/csv; charset=utf-8")
        return Response(as_document(study))


class _Ask(APIView):
    """What is asked of a study that goes on."""

    def ask(self, request: Request, study_id: int, do: Callable[[Study], Any]) -> Response:
        study = own_study(request, study_id)
        try:
            found = do(study)
        except ConfigError as problem:
            raise _refused(problem) from problem
        except InvalidTransition as problem:
            return Response({"detail": str(problem)}, status=409)
        for run in found if isinstance(found, list) else ():
            if run.status == Run.Status.QUEUED:
                tasks.launch(run)
        tell_workers(study.pk)
        study.refresh_from_db()
        return Response(study_values(study), status=202)


class PauseStudy(_Ask):
    """Pause a study."""

    @extend_schema(
        request=None,
        responses=_ASKED,
        summary="Pause a study",
        description="No new trial begins; runs at work pause with a checkpoint.",
    )
    def post(self, request: Request, study_id: int) -> Response:
        user = account(request)
        return self.ask(request, study_id, lambda s: studies.request_pause(study=s, actor=user))


class ResumeStudy(_Ask):
    """Go on with a paused study."""

    @extend_schema(request=None, responses=_ASKED, summary="Go on with a paused study")
    def post(self, request: Request, study_id: int) -> Response:
        user = account(request)
        return self.ask(request, study_id, lambda s: studies.request_resume(study=s, actor=user))


class StopStudy(_Ask):
    """Stop a study."""

    @extend_schema(
        request=None,
        responses=_ASKED,
        summary="Stop a study",
        description="Trials at work count as failed. Extending it goes on with it.",
    )
    def post(self, request: Request, study_id: int) -> Response:
        user = account(request)
        return self.ask(request, study_id, lambda s: studies.request_stop(study=s, actor=user))


class ExtendStudy(_Ask):
    """Extend a study."""

    @extend_schema(
        request=ExtendSerializer,
        responses=_ASKED,
        summary="Extend a study, or end its search early",
        description="A new total of trials, time, cost, or trials at the same time. Fewer trials than planned end the search.",
    )
    def post(self, request: Request, study_id: int) -> Response:
        user, values = account(request), JsonObject.of(request)
        return self.ask(
            request, study_id, lambda s: studies.extend(study=s, actor=user, values=values)
        )


class RegisterWinner(APIView):
    """Make a confirmed trial a version of a model."""

    @extend_schema(
        request=RegisterSerializer,
        responses={
            200: RegisteredSerializer, 400: FieldErrorsSerializer, 404: ErrorSerializer,
            409: _CONFLICT, **ERRORS,
        },
        summary="Register the winner as a model version",
        description="Of the winner's fresh runs the one that validation likes best. The same run is registered once.",
    )  # fmt: skip
    def post(self, request: Request, study_id: int) -> Response:
        asked = RegisterSerializer(data=dict(JsonObject.of(request)))
        asked.is_valid(raise_exception=True)
        study = own_study(request, study_id)
        try:
            version = studies.register(study=study, actor=account(request), **asked.validated_data)
        except InvalidTransition as problem:
            return Response({"detail": str(problem)}, status=409)
        except RegistryError as problem:
            raise ValidationError({"name": [str(problem)]}) from problem
        return Response(
            {"model_id": version.pk, "name": version.model.name, "number": version.number}
        )
