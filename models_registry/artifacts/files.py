"""Writes that are either whole or not there: temporary name, fsync, rename, fsync of the folder."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def sync(path: Path) -> None:
    """Force a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_directory(target: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write into a temporary folder beside `target`, then move it into place.

    Raises `FileExistsError` where the target exists, and whatever `fill` raises (`OSError` on a full disk); in both
    cases nothing is left behind and nothing that was there is touched.
    """
    if target.exists():
        raise FileExistsError(f"{target} exists already")
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        fill(scratch)
        for file in scratch.iterdir():
            sync(file)
        sync(scratch)
        scratch.rename(target)
        sync(target.parent)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Stable, readable JSON; NaN is refused (`ValueError`)."""
    path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")
