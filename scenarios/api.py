"""The REST API of the catalogue, and what all API modules share: errors, pages, JSON bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, ProtectedError, QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ParseError, ValidationError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scenarios import bringing, services
from scenarios.models import Scenario
from scenarios.sources.base import SourceError


class ErrorSerializer(serializers.Serializer[Any]):
    """What went wrong, and what to do about it."""

    detail = serializers.CharField()


class FieldErrorsSerializer(serializers.Serializer[Any]):
    """Messages by field: {"episodes": ["must be at least 1 ..."]}. A body that is no JSON has `detail` only."""

    detail = serializers.CharField(required=False)
    field = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="One entry per bad field."
    )


ERRORS: dict[int, OpenApiResponse] = {
    401: OpenApiResponse(ErrorSerializer, "No login, or a token that is wrong or revoked."),
}
"""Answers that every endpoint may give."""
PAGE = [
    OpenApiParameter("limit", int, description="Entries in one answer, at most 100.", default=50),
    OpenApiParameter("offset", int, description="Entries to leave out.", default=0),
]


class Pages(LimitOffsetPagination):
    """?limit= and ?offset=; the answer carries count, next, previous and results."""

    default_limit = 50
    max_limit = 100


def page(request: Request, view: APIView, rows: QuerySet[Any, Any]) -> Response:
    """One page of `.values()` rows: no objects are built for a list."""
    pages = Pages()
    return pages.get_paginated_response(
        list(pages.paginate_queryset(rows, request, view=view) or [])
    )


def account(request: Request) -> User:
    """The logged-in caller; the permission classes have let nobody else in."""
    assert isinstance(request.user, User)
    return request.user


class JsonObject:
    """The body of a request."""

    @staticmethod
    def of(request: Request) -> Mapping[str, Any]:
        """The body as an object; anything else is a 400 that says so."""
        try:
            data = request.data
        except RecursionError:
            raise ParseError("JSON parse error: nested too deeply.") from None
        if not isinstance(data, Mapping):
            raise ParseError(
                'The body must be a JSON object, for example {"scenario": "customer_support"}.'
            )
        return data


class ScenarioSerializer(serializers.Serializer[Any]):
    """A scenario in the list."""

    name = serializers.CharField(help_text="What runs call it.")
    title = serializers.CharField()
    version = serializers.CharField()
    builtin = serializers.BooleanField()
    content_hash = serializers.CharField()


class ScenarioPageSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ScenarioSerializer(many=True)


class ScenarioDetailSerializer(ScenarioSerializer):
    """A scenario with its tools, criteria and limits."""

    description = serializers.CharField()
    card = serializers.DictField(
        help_text="tools (JSON Schema), criteria, max_steps, fault_rate, company_policy."
    )


class BringSerializer(serializers.Serializer[Any]):
    """A scenario of one's own."""

    yaml = serializers.CharField(help_text="The text of the scenario's YAML file.")


class BroughtSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    content_hash = serializers.CharField()
    new = serializers.BooleanField(help_text="false: a new edition of an own scenario.")


class ScenarioList(APIView):
    """The catalogue."""

    @extend_schema(
        parameters=PAGE,
        responses={200: ScenarioPageSerializer, **ERRORS},
        operation_id="scenarios_list",
        summary="List scenarios",
    )
    def get(self, request: Request) -> Response:
        rows = Scenario.objects.visible_to(request.user)
        return page(
            request, self, rows.values("title", "version", "builtin", "content_hash", name=F("key"))
        )

    @extend_schema(
        request=BringSerializer,
        responses={201: BroughtSerializer, 400: FieldErrorsSerializer, **ERRORS},
        summary="Bring a scenario, or a new edition of one",
    )
    def post(self, request: Request) -> Response:
        text = JsonObject.of(request).get("yaml")
        if not isinstance(text, str):
            raise ValidationError({"yaml": ["Send the text of the scenario's YAML file."]})
        found = bringing.read(text)
        if found.document is None:
            raise ValidationError({"yaml": found.mistakes})
        try:
            row, new = services.save_scenario(
                owner=account(request), document=found.document, source=text
            )
        except (services.ScenarioTaken, SourceError) as problem:
            raise ValidationError({"yaml": [f"key: {problem}"]}) from problem
        return Response(
            {"name": row.key, "content_hash": row.content_hash, "new": new},
            status=201 if new else 200,
        )


class ScenarioDetail(APIView):
    """One scenario."""

    @extend_schema(
        request=None,
        responses={204: None, 404: ErrorSerializer, 409: ErrorSerializer, **ERRORS},
        summary="Delete an own scenario",
    )
    def delete(self, request: Request, name: str) -> Response:
        try:
            services.delete_scenario(owner=account(request), key=name.replace("\0", ""))
        except Scenario.DoesNotExist:
            raise NotFound(f"You have brought no scenario {name!r}.") from None
        except ProtectedError:
            text = "Runs or models were trained on it, and they name it; it stays."
            return Response({"detail": text}, status=409)
        return Response(status=204)

    @extend_schema(
        responses={200: ScenarioDetailSerializer, 404: ErrorSerializer, **ERRORS},
        summary="Show a scenario",
    )
    def get(self, request: Request, name: str) -> Response:
        scenario = (
            Scenario.objects.visible_to(request.user).filter(key=name.replace("\0", "")).first()
        )
        if scenario is None:
            known = ", ".join(
                Scenario.objects.visible_to(request.user).values_list("key", flat=True)
            )
            raise NotFound(f"There is no scenario {name!r}. Known: {known}.")
        names = ("title", "version", "builtin", "content_hash", "description", "card")
        return Response(
            {"name": scenario.key, **{field: getattr(scenario, field) for field in names}}
        )
