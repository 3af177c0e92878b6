"""REST addresses of the catalogue, under /api/."""

from __future__ import annotations

from django.urls import path

from scenarios import api

urlpatterns = [
    path("scenarios/", api.ScenarioList.as_view(), name="api-scenario-list"),
    path("scenarios/<str:name>/", api.ScenarioDetail.as_view(), name="api-scenario-detail"),
]
