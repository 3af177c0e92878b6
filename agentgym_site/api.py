"""The REST API's table of contents, its schema and its offline documentation page."""

from __future__ import annotations

from typing import Any

from csp.decorators import csp_update
from django.urls import include, path, re_path
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView


@extend_schema(exclude=True)
class UnknownPath(APIView):
    """Every address under /api/ that does not exist: the error is JSON, as a script expects it."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound(f"There is no {request.path}; see /api/docs/ for every address.")


# Swagger's page styles itself inline; its script stays in a URL of its own, so scripts stay strict.
_docs = csp_update({"style-src": ["'unsafe-inline'"]})(
    SpectacularSwaggerSplitView.as_view(url_name="api-schema")
)

urlpatterns = [
    path("", include("scenarios.api_urls")),
    path("", include("training.api_urls")),
    path("", include("models_registry.api_urls")),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", _docs, name="api-docs"),
    re_path("", UnknownPath.as_view()),
]
