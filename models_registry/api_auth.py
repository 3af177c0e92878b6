"""Who is asking: API tokens in the `Authorization` header."""

from __future__ import annotations

from django.contrib.auth.models import User
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from models_registry import services
from models_registry.models import ApiToken

KEYWORDS = ("token", "bearer")


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token ag_...` or `Bearer ag_...`. A wrong or revoked token is 401, never anonymous."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        words = get_authorization_header(request).decode("latin-1").split()
        if not words or words[0].lower() not in KEYWORDS:
            return None
        if len(words) != 2:
            raise AuthenticationFailed("The header must read 'Authorization: Token ag_...'.")
        token = services.find_token(words[1])
        if token is None:
            raise AuthenticationFailed("This token is wrong or has been revoked.")
        view = (request.parser_context or {}).get("view")
        if token.version_id is not None and not getattr(view, "takes_version_keys", False):
            raise AuthenticationFailed("This key opens the decisions of one model version only.")
        services.note_token_use(token=token)
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        return "Token"


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI page names it."""

    target_class = "models_registry.api_auth.TokenAuthentication"
    name = "tokenAuth"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "Token ag_... (make one under /tokens/)",
        }
