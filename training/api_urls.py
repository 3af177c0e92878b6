"""REST addresses of runs, under /api/."""

from __future__ import annotations

from django.urls import path

from training import api, steering_api

urlpatterns = [
    path("training/start/", api.StartTraining.as_view(), name="api-training-start"),
    path("training/stop/", steering_api.StopTraining.as_view(), name="api-training-stop"),
    path("training/pause/", steering_api.PauseTraining.as_view(), name="api-training-pause"),
    path("training/resume/", steering_api.ResumeTraining.as_view(), name="api-training-resume"),
    path("training/change/", steering_api.ChangeTraining.as_view(), name="api-training-change"),
    path("training/branch/", steering_api.BranchTraining.as_view(), name="api-training-branch"),
    path("training/status/", api.TrainingStatus.as_view(), name="api-training-status"),
    path("metrics/<int:run_id>/", api.RunMetrics.as_view(), name="api-metrics"),
]
