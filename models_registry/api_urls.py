"""REST addresses of the registry, under /api/."""

from __future__ import annotations

from django.urls import path

from models_registry import api, chat_api

urlpatterns = [
    path("models/", api.VersionList.as_view(), name="api-model-list"),
    path("models/<int:pk>/decide/", chat_api.Decide.as_view(), name="api-model-decide"),
    path("models/<int:pk>/", api.VersionDetail.as_view(), name="api-model-detail"),
]
