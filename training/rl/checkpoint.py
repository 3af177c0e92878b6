"""Checkpoints: the policy so far as a bundle, written atomically, the newest few kept."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models_registry.artifacts.bundle import BundleError, load_bundle, save_bundle

if TYPE_CHECKING:
    from training.rl.progress import Progress

KEEP = 3
_NAME = re.compile(r"^episode-(\d+)$")


class CheckpointError(OSError):
    """A checkpoint could not be written; the earlier ones are intact."""


def save_checkpoint(
    directory: Path, progress: Progress, manifest: Mapping[str, Any] | None = None
) -> Path:
    """Write `directory/episode-N`; afterwards only the newest `KEEP` remain. Raises `CheckpointError`."""
    if progress.weights is None:
        raise ValueError("this progress carries no weights")
    target = directory / f"episode-{progress.episodes:09d}"
    if target.exists():
        return target
    facts = {
        **(manifest or {}),
        "episodes": progress.episodes,
        "update": progress.update,
        "env_steps": progress.env_steps,
    }
    try:
        save_bundle(target, progress.weights, facts)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise CheckpointError(
            problem.errno,
            f"checkpoint at episode {progress.episodes:,} could not be written ({reason})",
        ) from problem
    for old in _all(directory)[:-KEEP]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def latest_checkpoint(directory: Path) -> Path | None:
    """The newest checkpoint that reads well, or None; damaged ones are passed over."""
    for found in reversed(_all(directory)):
        try:
            load_bundle(found)
        except BundleError:
            continue
        return found
    return None


def _all(directory: Path) -> list[Path]:
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if _NAME.match(path.name))
