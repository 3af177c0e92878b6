"""REST addresses of runs, under /api/."""

from __future__ import annotations

from django.urls import path

from training import api

urlpatterns = [
    path("training/start/", api.StartTraining.as_view(), name="api-training-start"),
    path("training/stop/", api.StopTraining.as_view(), name="api-training-stop"),
    path("training/status/", api.TrainingStatus.as_view(), name="api-training-status"),
    path("metrics/<int:run_id>/", api.RunMetrics.as_view(), name="api-metrics"),
]
