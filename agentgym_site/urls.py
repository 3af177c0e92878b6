"""Every address of the site, as a table of contents."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from agentgym_site.health import healthz, readyz
from models_registry.chat_api import ChatCompletions, Models

account_urls = [
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]

urlpatterns = [
    path("", include("training.urls")),
    path("", include("scenarios.urls")),
    path("", include("models_registry.urls")),
    path("accounts/", include(account_urls)),
    path("v1/models", Models.as_view(), name="openai-models"),
    path("v1/chat/completions", ChatCompletions.as_view(), name="openai-chat"),
    path("api/", include("agentgym_site.api")),
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]
