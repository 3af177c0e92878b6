from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from agentgym_site.tests.processes import clean_env, evaluate, python

_SETTINGS = "from agentgym_site import settings as s"


def read(expression: str, var: Path, **env: str) -> Any:
    """What a setting is in a fresh process with just these variables."""
    return evaluate(expression, clean_env(var, **env), _SETTINGS)


def refusal(var: Path, **env: str) -> str:
    """The last line of the complaint about these variables."""
    done = python(_SETTINGS, clean_env(var, **env))
    assert done.returncode == 1, done.stdout
    return done.stderr.splitlines()[-1]


def test_it_works_with_nothing_set_and_starts_nothing(var: Path) -> None:
    found = read(
        "[s.DEBUG, s.ALLOWED_HOSTS, s.DATABASES['default']['OPTIONS']['host'], s.REDIS_URL]", var
    )

    assert found == [
        False,
        ["127.0.0.1", "[::1]", "localhost"],
        f"{var}/run/postgres",
        f"unix://{var}/run/redis/redis.sock?db=0",
    ]
    assert [path.name for path in var.iterdir()] == ["secret_key"]


def test_the_secret_key_is_made_once_and_kept_private(var: Path) -> None:
    first, second = (read("s.SECRET_KEY", var) for _ in range(2))

    assert first == second
    assert len(first) > 50
    assert stat.S_IMODE((var / "secret_key").stat().st_mode) == 0o600


def test_a_broken_secret_key_file_is_refused(var: Path) -> None:
    var.mkdir()
    (var / "secret_key").write_text("short")

    assert "holds no usable key" in refusal(var)


def test_an_unwritable_var_folder_asks_for_a_key(var: Path) -> None:
    var.touch()

    assert "Set SECRET_KEY" in refusal(var)
    var.unlink()


def test_secrets_may_come_from_files(var: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k" * 50 + "\n")
    (tmp_path / "url").write_text("postgresql://gym:s%40fe@db:5433/gym\n")

    found = read(
        "[s.SECRET_KEY, [s.DATABASES['default'][name] for name in ('HOST', 'PORT', 'PASSWORD')]]",
        var,
        SECRET_KEY_FILE=str(tmp_path / "key"),
        DATABASE_URL_FILE=str(tmp_path / "url"),
    )

    assert found == ["k" * 50, ["db", 5433, "s@fe"]]


def test_a_missing_secret_file_is_named(var: Path) -> None:
    assert "SECRET_KEY_FILE points at /nowhere" in refusal(var, SECRET_KEY_FILE="/nowhere")


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("DEBUG", "maybe", "DEBUG must be one of"),
        ("SITE_URL", "gym.example.com", "SITE_URL must look like"),
        ("DATABASE_URL", "sqlite:///x", "DATABASE_URL must start with postgresql://"),
    ],
)
def test_a_wrong_value_is_refused_by_name(var: Path, name: str, value: str, complaint: str) -> None:
    assert complaint in refusal(var, **{name: value})


def test_a_site_on_https_is_strict(var: Path) -> None:
    found = read(
        "[s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS > 0,"
        " s.SECURE_PROXY_SSL_HEADER[0], 'gym.example.com' in s.ALLOWED_HOSTS, s.CSRF_TRUSTED_ORIGINS]",
        var,
        SITE_URL="https://gym.example.com",
        BEHIND_PROXY="yes",
    )

    assert found == [
        True,
        True,
        True,
        True,
        "HTTP_X_FORWARDED_PROTO",
        True,
        ["https://gym.example.com"],
    ]


def test_django_s_deployment_check_is_clean(var: Path) -> None:
    env = clean_env(
        var, SITE_URL="https://gym.example.com", DJANGO_SETTINGS_MODULE="agentgym_site.settings"
    )

    done = python(
        "import sys; sys.argv = ['', 'check', '--deploy', '--fail-level', 'WARNING'];"
        "from django.core.management import execute_from_command_line as run; run(sys.argv)",
        env,
    )

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("redis://:pw@cache:6379/3", "redis://:pw@cache:6379/3"),
        ("unix:///run/redis.sock?db=2", "redis+socket:///run/redis.sock?virtual_host=2"),
        ("unix:///run/redis.sock", "redis+socket:///run/redis.sock?virtual_host=0"),
    ],
)
def test_celery_reaches_the_same_redis(var: Path, url: str, broker: str) -> None:
    assert read("s.CELERY_BROKER_URL", var, REDIS_URL=url) == broker


def test_a_dead_redis_does_not_hang_a_request(var: Path) -> None:
    code = """
import time
import django
from celery import current_app
from kombu.exceptions import OperationalError

django.setup()
start = time.monotonic()
try:
    current_app.send_task("training.tasks.anything")
except OperationalError:
    print("refused", time.monotonic() - start)
"""
    env = clean_env(
        var, REDIS_URL="unix:///nowhere.sock", DJANGO_SETTINGS_MODULE="agentgym_site.settings"
    )

    refused, seconds = python(code, env).stdout.split()

    assert refused == "refused"
    assert float(seconds) < 3
