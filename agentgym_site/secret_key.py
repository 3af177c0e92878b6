"""The key that signs sessions, made once per var folder when the environment gives none."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def stored_secret_key(path: Path) -> str:
    """The key kept in `path`; a new random one, readable by its owner only, when the file is missing.

    Raises ImproperlyConfigured when the file cannot be read or written.
    """
    try:
        if not path.exists():
            _write_once(path, secrets.token_urlsafe(50))
        key = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"No SECRET_KEY is set and {path} cannot be used: {error.strerror}. "
            "Set SECRET_KEY, or make that folder writable."
        ) from error
    if len(key) < 32:
        raise ImproperlyConfigured(f"{path} holds no usable key. Delete it to get a new one.")
    return key


def _write_once(path: Path, key: str) -> None:
    """Create `path` whole or not at all; the first of several processes wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".secret_key-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(key)
        temporary.chmod(0o600)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        temporary.unlink()
