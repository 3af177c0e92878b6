"""Token authentication of the REST API (placeholder: nobody has a token yet)."""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request


class TokenAuthentication(BaseAuthentication):
    """Knows no token yet."""

    def authenticate(self, request: Request) -> None:
        """Leave the request to the next authentication class."""
        return
