"""Home, and the pages of runs."""

from __future__ import annotations

from django.urls import include, path

from training import result_views, steering_views, views

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

urlpatterns = [
    path("", views.home, name="home"),
    path("runs/", include((run_urls, "training"))),
]
