"""Home, and the pages of runs."""

from __future__ import annotations

from django.urls import include, path

from training import result_views, steering_views, studies_views, views

run_urls = [
    path("", views.run_list, name="run-list"),
    path("new/", views.run_create, name="run-create"),
    path("<int:pk>/", views.run_detail, name="run-detail"),
    path("<int:pk>/stop/", steering_views.run_stop, name="run-stop"),
    path("<int:pk>/pause/", steering_views.run_pause, name="run-pause"),
    path("<int:pk>/resume/", steering_views.run_resume, name="run-resume"),
    path("<int:pk>/change/", steering_views.run_change, name="run-change"),
    path("<int:pk>/branch/", steering_views.run_branch, name="run-branch"),
    path("<int:pk>/status/", views.run_status, name="run-status"),
    path("<int:pk>/points/", views.run_points, name="run-points"),
    path("<int:pk>/evidence/", result_views.run_evidence, name="run-evidence"),
    path("<int:pk>/episodes/", result_views.episode_list, name="episode-list"),
    path("<int:pk>/episodes/<int:seq>/", result_views.episode_detail, name="episode-detail"),
]

study_urls = [
    path("", studies_views.study_list, name="list"),
    path("new/", studies_views.study_create, name="create"),
    path("<int:pk>/", studies_views.study_detail, name="detail"),
    path("<int:pk>/export.<str:kind>", studies_views.study_export, name="export"),
    path("<int:pk>/pause/", studies_views.study_pause, name="pause"),
    path("<int:pk>/resume/", studies_views.study_resume, name="resume"),
    path("<int:pk>/stop/", studies_views.study_stop, name="stop"),
    path("<int:pk>/extend/", studies_views.study_extend, name="extend"),
    path("<int:pk>/register/", studies_views.study_register, name="register"),
]

urlpatterns = [
    path("", views.home, name="home"),
    path("runs/", include((run_urls, "training"))),
    path("studies/", include((study_urls, "studies"))),
]
