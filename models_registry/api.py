"""The REST API of the registry: list, show and delete versions of models."""

from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from models_registry import services
from models_registry.models import Version
from scenarios.api import ERRORS, PAGE, ErrorSerializer, page


class VersionSerializer(serializers.Serializer[Any]):
    """A model's version in the list."""

    id = serializers.IntegerField()
    name = serializers.CharField(help_text="The model's name.")
    version = serializers.IntegerField()
    scenario = serializers.CharField()
    owner = serializers.CharField()
    sha256 = serializers.CharField(help_text="Of the weights file.")
    size_bytes = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class VersionPageSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = VersionSerializer(many=True)


class VersionDetailSerializer(VersionSerializer):
    """A version with all that is known of it."""

    manifest = serializers.DictField(help_text="Scenario, tools, config, seed, sha256.")
    evidence = serializers.DictField(
        allow_null=True, help_text="Null where the training was stopped early."
    )


class VersionList(APIView):
    """The registry."""

    @extend_schema(
        parameters=PAGE,
        responses={200: VersionPageSerializer, **ERRORS},
        operation_id="models_list",
        summary="List models",
    )
    def get(self, request: Request) -> Response:
        return page(request, self, _rows(request))


class VersionDetail(APIView):
    """One version of a model."""

    @extend_schema(
        responses={200: VersionDetailSerializer, 404: ErrorSerializer, **ERRORS},
        summary="Show a model's version",
    )
    def get(self, request: Request, pk: int) -> Response:
        values = _rows(request, "manifest", "evidence").filter(pk=pk).first()
        if values is None:
            raise _missing(pk)
        return Response(values)

    @extend_schema(
        responses={204: None, 404: ErrorSerializer, **ERRORS},
        summary="Delete a model's version",
        description="Its files are removed. The run that made it keeps its metrics and evidence.",
    )
    def delete(self, request: Request, pk: int) -> Response:
        version = Version.objects.visible_to(request.user).filter(pk=pk).first()
        if version is None or not services.delete_version(version=version):
            raise _missing(pk)
        return Response(status=204)


def _rows(request: Request, *more: str) -> QuerySet[Version, Any]:
    fields = ("id", "sha256", "size_bytes", "created_at", *more)
    rows: QuerySet[Version, Any] = Version.objects.visible_to(request.user).values(
        *fields,
        name=F("model__name"),
        version=F("number"),
        scenario=F("model__scenario__key"),
        owner=F("model__owner__username"),
    )
    return rows


def _missing(pk: int) -> NotFound:
    """Also for other people's versions, so that ids tell nothing."""
    return NotFound(f"There is no model version {pk} that you can see.")
