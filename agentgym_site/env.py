"""Reading the environment: the one place that knows `.env`, `<NAME>_FILE` secrets and the var folder."""

from __future__ import annotations

import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()


def load_env_file() -> None:
    """Read `.env` beside manage.py, if there is one; real environment variables win."""
    path = BASE_DIR / ".env"
    if path.is_file():
        environ.Env.read_env(path)


def secret(name: str) -> str | None:
    """The value of `name`, or the text of the file that `<name>_FILE` points at (Docker secrets).

    An empty value counts as not set, because compose files pass empty strings for unset variables.
    """
    if value := os.environ.get(name, "").strip():
        return value
    file_name = os.environ.get(f"{name}_FILE", "").strip()
    if not file_name:
        return None
    try:
        return Path(file_name).read_text(encoding="utf-8").strip() or None
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name}_FILE points at {file_name}, which cannot be read: {error.strerror}. "
            f"Fix the path or set {name} itself."
        ) from error


def var_dir() -> Path:
    """Where everything that the site writes lives (AGENTGYM_VAR, default `var/`), as a full path."""
    return Path(os.environ.get("AGENTGYM_VAR", "").strip() or BASE_DIR / "var").resolve()


def on_off(name: str, *, default: bool) -> bool:
    """A yes/no variable; a word that is neither is refused by name."""
    word = os.environ.get(name, "").strip().lower()
    if not word:
        return default
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(
        f"{name} must be one of 1/0, true/false, yes/no, on/off; got {word!r}."
    )


def listed(name: str, default: list[str]) -> list[str]:
    """A comma-separated variable as a list without empty items."""
    words = [word.strip() for word in os.environ.get(name, "").split(",")]
    return [word for word in words if word] or default


load_env_file()
