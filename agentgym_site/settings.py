"""All settings in one file. Every knob comes from the environment, and the site works with none set.

Reading this file starts nothing. Without DATABASE_URL / REDIS_URL it names the sockets of the
private servers, which `agentgym_site.private_services.prepare_environment()` starts.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from agentgym_site import __version__
from agentgym_site.env import BASE_DIR, env, listed, on_off, secret, var_dir
from agentgym_site.private_services import private_database_url, private_redis_url
from agentgym_site.secret_key import stored_secret_key

VAR_DIR = var_dir()
MODELS_DIR = Path(os.environ.get("AGENTGYM_MODELS_DIR") or VAR_DIR / "models")
RUNS_DIR = Path(os.environ.get("AGENTGYM_RUNS_DIR") or VAR_DIR / "runs")
# Which process this is: web, worker, beat or cli. Only timeouts depend on it.
ROLE = os.environ.get("AGENTGYM_ROLE", "web")

# --- who may reach us, and how
DEBUG = on_off("DEBUG", default=False)
SITE_URL = os.environ.get("SITE_URL") or f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"
_site = urlsplit(SITE_URL)
if _site.scheme not in {"http", "https"} or not _site.hostname:
    raise ImproperlyConfigured(
        f"SITE_URL must look like https://gym.example.com; got {SITE_URL!r}."
    )
HTTPS = _site.scheme == "https"
ALLOWED_HOSTS = listed("ALLOWED_HOSTS", sorted({_site.hostname, "127.0.0.1", "localhost", "[::1]"}))
CSRF_TRUSTED_ORIGINS = listed("CSRF_TRUSTED_ORIGINS", [f"{_site.scheme}://{_site.netloc}"])
SECRET_KEY = secret("SECRET_KEY") or stored_secret_key(VAR_DIR / "secret_key")

# Over https everything is strict. Plain http exists for 127.0.0.1, where a browser would not send
# a secure cookie back and nobody could log in.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# Liveness is asked for from inside the container, over plain http.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
if on_off("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "agentgym_session", "agentgym_csrf"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- the parts
INSTALLED_APPS = [
    "agentgym_site",
    "training",
    "models_registry",
    "scenarios",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "csp",
]
# Each of them is async-capable (a test holds that): one sync-only middleware costs two thread hops.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "agentgym_site.urls"
WSGI_APPLICATION = "agentgym_site.wsgi.application"
ASGI_APPLICATION = "agentgym_site.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- data
DATABASES = {"default": env.db_url_config(secret("DATABASE_URL") or private_database_url())}
_database: dict[str, Any] = DATABASES["default"]
if _database["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured(
        "DATABASE_URL must start with postgresql://; other engines are not used."
    )
# A socket folder may stand percent-encoded in the host's place, as libpq reads it.
_database["HOST"] = unquote(_database.get("HOST", ""))
_database["CONN_MAX_AGE"] = 600
# Measured: without the check, a PostgreSQL restart turns into failed requests.
_database["CONN_HEALTH_CHECKS"] = True
_database.setdefault("OPTIONS", {}).setdefault("connect_timeout", 10)

REDIS_URL = secret("REDIS_URL") or private_redis_url()

# --- people
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"

# --- language and time
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# --- static files, from the web process itself
STATIC_URL = "/static/"
STATIC_ROOT = Path(os.environ.get("STATIC_ROOT") or VAR_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
# A laptop serves straight from the source folders; an image collects once at build time.
SERVESTATIC_USE_FINDERS = on_off("STATIC_FROM_SOURCE", default=True)
SERVESTATIC_AUTOREFRESH = DEBUG
_STATIC_BACKEND = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
    if SERVESTATIC_USE_FINDERS
    else "servestatic.storage.CompressedManifestStaticFilesStorage"
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _STATIC_BACKEND},
}

# --- the API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "models_registry.api_auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "AgentGym API",
    "DESCRIPTION": "Train tool-using agents, watch runs, compare and fetch models.",
    "VERSION": __version__,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
}

# --- budgets of runs: USD for an hour of one processor core
PRICE_PER_CPU_HOUR = env.float("PRICE_PER_CPU_HOUR", default=0.05)

# --- background work: a message is only a wake-up call, the row in PostgreSQL is the truth
_socket_path, _, _redis_query = REDIS_URL.removeprefix("unix://").partition("?db=")
CELERY_BROKER_URL = (
    f"redis+socket://{_socket_path}?virtual_host={_redis_query or 0}"
    if REDIS_URL.startswith("unix://")
    else REDIS_URL
)
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
# Early acknowledgement: late was measured to lose tasks and to run long ones twice.
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A dead Redis must not hang a web request: fail at once, beat re-sends what is still queued.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 2,
    # The worker waits on its socket for work, so only publishers get a short limit.
    "socket_timeout": 30 if ROLE == "worker" else 2,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "retry_on_timeout": False,
    "max_retries": 0 if ROLE != "worker" else 3,
}
CELERY_TIMEZONE = "UTC"
# Nothing here runs less than every few seconds, so no state needs a file.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    # `expires` keeps a long Redis or worker outage from ending in a pile of wake-ups.
    "wake-queued-runs": {
        "task": "training.tasks.wake_queued_runs",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "wake-studies": {
        "task": "training.studies_tasks.wake_studies",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
}

# --- logs
LOG_LEVEL = os.environ.get("LOG_LEVEL") or "INFO"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        name: {"level": LOG_LEVEL}
        for name in ("agentgym_site", "training", "models_registry", "scenarios", "celery")
    }
    | {"django": {"level": "INFO", "handlers": []}},
}

# --- an LLM behind the versions that are served under /v1 (any OpenAI-compatible address)
GATEWAY_URL = os.environ.get("GATEWAY_URL", "").strip()
GATEWAY_MODEL = os.environ.get("GATEWAY_MODEL", "").strip()
GATEWAY_KEY = secret("GATEWAY_KEY") or ""
GATEWAY_MIN_CONFIDENCE = float(os.environ.get("GATEWAY_MIN_CONFIDENCE") or 0.5)
GATEWAY_SHADOW = on_off("GATEWAY_SHADOW", default=False)
if GATEWAY_URL and not (GATEWAY_URL.startswith(("http://", "https://")) and GATEWAY_MODEL):
    raise ImproperlyConfigured(
        "GATEWAY_URL must begin with http:// or https://, and GATEWAY_MODEL must say which model to ask."
    )
