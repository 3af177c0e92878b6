"""Versions over HTTP: a plain decision, and OpenAI's chat-completions protocol, alone or in front of an LLM."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from models_registry import services
from models_registry.loaded import core_of
from models_registry.models import ApiToken, Version
from scenarios.api import ERRORS, ErrorSerializer, JsonObject

if TYPE_CHECKING:
    from models_registry.adapters._gateway import Upstream

logger = logging.getLogger(__name__)


class DecideSerializer(serializers.Serializer[Any]):
    """A conversation and the tools on offer, in OpenAI's shapes."""

    messages = serializers.ListField(child=serializers.DictField())
    tools = serializers.ListField(child=serializers.DictField(), required=False)
    role = serializers.CharField(required=False, help_text="Which member, of a team's version.")


class DecisionSerializer(serializers.Serializer[Any]):
    """What the policy does next."""

    kind = serializers.CharField(help_text="tool, final, ask or hand_over.")
    tool = serializers.CharField(allow_null=True)
    arguments = serializers.DictField(allow_null=True)
    text = serializers.CharField()
    confidence = serializers.FloatField()
    alternatives = serializers.ListField(child=serializers.DictField())
    mask = serializers.ListField(
        child=serializers.CharField(), help_text="Decisions that could be made here."
    )
    schema_errors = serializers.ListField(child=serializers.CharField())


class VersionEndpoint(APIView):
    """An address that a key of one version opens, too."""

    takes_version_keys = True

    def allowed(self, request: Request, version: Version | None) -> Version:
        """The version, if the caller may use it. Raises `NotFound`."""
        token = request.auth
        if version is None or (
            isinstance(token, ApiToken) and token.version_id not in (None, version.pk)
        ):
            raise NotFound("There is no such model version that you can use.")
        return version


class Decide(VersionEndpoint):
    """`POST /api/models/{id}/decide/`."""

    @extend_schema(
        request=DecideSerializer,
        responses={200: DecisionSerializer, 400: ErrorSerializer, 404: ErrorSerializer, **ERRORS},
        summary="Decide what an agent does next",
    )
    def post(self, request: Request, pk: int) -> Response:
        from models_registry.adapters._core import ToolChoiceError  # noqa: PLC0415
        from models_registry.adapters._openai_chat import (  # noqa: PLC0415
            BadRequest,
            decision_json,
            read,
        )

        body = JsonObject.of(request)
        found = Version.objects.visible_to(request.user).filter(pk=pk).first()
        version = self.allowed(request, found)
        try:
            chat = read(body)
            core = core_of(version, _role(body))
            reply = core.decide(chat.turns, chat.tools, chat.choice)
            mask = core.fillable(chat.turns, chat.tools)
        except BadRequest as problem:
            return Response({"detail": f"{problem.param}: {problem}"}, status=400)
        except (ToolChoiceError, ValueError) as problem:
            return Response({"detail": str(problem)}, status=400)
        services.note_decision(version=version)
        return Response(decision_json(reply, mask))


class Models(VersionEndpoint):
    """`GET /v1/models`."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        from models_registry.adapters._openai_chat import listed  # noqa: PLC0415

        versions = Version.objects.visible_to(request.user).select_related("model")
        if isinstance(request.auth, ApiToken) and request.auth.version_id is not None:
            versions = versions.filter(pk=request.auth.version_id)
        return Response(listed([f"{v.model.name}:{v.number}" for v in versions[:100]]))


class ChatCompletions(VersionEndpoint):
    """`POST /v1/chat/completions`; `model` is a version's id or `name:number`."""

    @extend_schema(exclude=True)
    def post(self, request: Request) -> HttpResponse:
        from models_registry.adapters._core import ToolChoiceError  # noqa: PLC0415
        from models_registry.adapters._gateway import UpstreamError  # noqa: PLC0415
        from models_registry.adapters._openai_chat import (  # noqa: PLC0415
            BadRequest,
            error_body,
            events,
            read,
        )

        body = JsonObject.of(request)
        try:
            chat = read(body)
            version = self.allowed(request, _named(request, chat.model))
            found = _answered(version, chat, body)
        except NotFound as problem:
            return Response(error_body(str(problem.detail), "model", "model_not_found"), 404)
        except BadRequest as problem:
            return Response(error_body(str(problem), problem.param), 400)
        except ToolChoiceError as problem:
            return Response(error_body(str(problem), "tool_choice"), 400)
        except UpstreamError as problem:
            return Response(error_body(str(problem), code="upstream_error"), problem.status)
        except ValueError as problem:
            return Response(error_body(str(problem), "model"), 400)
        if chat.stream:
            text = "".join(events(found, with_usage=chat.with_usage))
            return HttpResponse(text, content_type="text/event-stream")
        return Response(found)


def _answered(version: Version, chat: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    """The completion, with what it cost noted under the version."""
    from dataclasses import replace  # noqa: PLC0415

    from models_registry.adapters._gateway import Gateway  # noqa: PLC0415

    upstream = upstream_of_the_site()
    core = core_of(version, _role(body))
    if upstream is not None:
        core = replace(core, min_confidence=settings.GATEWAY_MIN_CONFIDENCE)
    name = f"{version.model.name}:{version.number}"
    gateway = Gateway(core, name, upstream, shadow=settings.GATEWAY_SHADOW)
    found = gateway.answer(chat, body)
    spent = gateway.ledger
    if spent.forwarded:
        services.note_forwarded(
            version=version,
            prompt_tokens=spent.prompt_tokens,
            completion_tokens=spent.completion_tokens,
            shadowed=spent.shadowed,
            agreed=spent.agreed,
        )
    else:
        services.note_decision(version=version)
    return found


def upstream_of_the_site() -> Upstream | None:
    """The LLM that the site's settings name; None where they name none."""
    from models_registry.adapters._gateway import Upstream  # noqa: PLC0415

    if not settings.GATEWAY_URL:
        return None
    return Upstream(settings.GATEWAY_URL, settings.GATEWAY_MODEL, settings.GATEWAY_KEY)


def _role(body: Mapping[str, Any]) -> str:
    role = body.get("role", "")
    return role if isinstance(role, str) else ""


def _named(request: Request, name: str) -> Version | None:
    """The version that a request's `model` means: an id, `name:number`, or that of the key."""
    visible = Version.objects.visible_to(request.user).select_related("model")
    token = request.auth
    if isinstance(token, ApiToken) and token.version_id is not None and name in ("", "policy"):
        return visible.filter(pk=token.version_id).first()
    model, _, number = name.replace("\0", "").rpartition(":")
    if name.isascii() and name.isdecimal() and len(name) < 10:
        return visible.filter(pk=int(name)).first()
    if number.isascii() and number.isdecimal() and len(number) < 9:
        return visible.filter(model__name=model, number=int(number)).first()
    return visible.filter(model__name=name.replace("\0", "")).first()
