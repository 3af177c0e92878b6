"""The REST API's table of contents, its schema and its offline documentation page."""

from __future__ import annotations

from csp.decorators import csp_update
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

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
]
