"""Pages of the catalogue."""

from __future__ import annotations

from django.urls import path

from scenarios import brought_views, play_views, views

app_name = "scenarios"
urlpatterns = [
    path("scenarios/", views.scenario_list, name="list"),
    path("scenarios/new/", brought_views.scenario_new, name="new"),
    path("scenarios/preview/", brought_views.scenario_preview, name="preview"),
    path("scenarios/<slug:key>/edit/", brought_views.scenario_edit, name="edit"),
    path("scenarios/<slug:key>/delete/", brought_views.scenario_delete, name="delete"),
    path("scenarios/<slug:key>/play/", play_views.scenario_play, name="play"),
    path("scenarios/<slug:key>/", views.scenario_detail, name="detail"),
]
