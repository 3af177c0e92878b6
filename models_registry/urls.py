"""Pages of the registry and of API tokens."""

from __future__ import annotations

from django.urls import path

from models_registry import views

app_name = "models_registry"
urlpatterns = [
    path("models/", views.model_list, name="list"),
    path("models/<int:pk>/", views.version_detail, name="detail"),
    path("models/<int:pk>/playground/", views.version_playground, name="playground"),
    path("models/<int:pk>/key/", views.version_key, name="key"),
    path("models/<int:pk>/delete/", views.version_delete, name="delete"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", views.token_revoke, name="token-revoke"),
]
