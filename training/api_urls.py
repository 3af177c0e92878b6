"""REST addresses of runs, under /api/."""

from __future__ import annotations

from django.urls import path

from training import api, steering_api, studies_api

urlpatterns = [
    path("training/start/", api.StartTraining.as_view(), name="api-training-start"),
    path("training/stop/", steering_api.StopTraining.as_view(), name="api-training-stop"),
    path("training/pause/", steering_api.PauseTraining.as_view(), name="api-training-pause"),
    path("training/resume/", steering_api.ResumeTraining.as_view(), name="api-training-resume"),
    path("training/change/", steering_api.ChangeTraining.as_view(), name="api-training-change"),
    path("training/branch/", steering_api.BranchTraining.as_view(), name="api-training-branch"),
    path("training/status/", api.TrainingStatus.as_view(), name="api-training-status"),
    path("metrics/<int:run_id>/", api.RunMetrics.as_view(), name="api-metrics"),
    path("studies/", studies_api.Studies.as_view(), name="api-studies"),
    path("studies/<int:study_id>/", studies_api.StudyDetail.as_view(), name="api-study"),
    path(
        "studies/<int:study_id>/trials/", studies_api.StudyTrials.as_view(), name="api-study-trials"
    ),
    path(
        "studies/<int:study_id>/export/", studies_api.StudyExport.as_view(), name="api-study-export"
    ),
    path("studies/<int:study_id>/pause/", studies_api.PauseStudy.as_view(), name="api-study-pause"),
    path(
        "studies/<int:study_id>/resume/", studies_api.ResumeStudy.as_view(), name="api-study-resume"
    ),
    path("studies/<int:study_id>/stop/", studies_api.StopStudy.as_view(), name="api-study-stop"),
    path(
        "studies/<int:study_id>/extend/", studies_api.ExtendStudy.as_view(), name="api-study-extend"
    ),
    path(
        "studies/<int:study_id>/register/",
        studies_api.RegisterWinner.as_view(),
        name="api-study-register",
    ),
]
