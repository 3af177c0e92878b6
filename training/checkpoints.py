"""A run's checkpoints: folders on disk, and the rows that say which of them are whole and may be gone on from."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from models_registry.artifacts.bundle import BundleError
from models_registry.artifacts.files import write_directory
from training.models import Checkpoint, Run
from training.rl import checkpoint as files

if TYPE_CHECKING:
    from training.rl.progress import Progress

KEEP = 3
"""Of each run; a damaged one must not cost the whole run."""
logger = logging.getLogger(__name__)


def directory(run_id: int) -> Path:
    """Where a run's checkpoints lie."""
    return Path(settings.RUNS_DIR) / str(run_id) / "checkpoints"


def write(run: Run, progress: Progress) -> Checkpoint:
    """Write the files; the row that is returned still has to be saved. Raises `CheckpointError`.

    The name holds the number of the start, so that a worker that was given up cannot be in the way of the next one.
    """
    name = f"episode-{progress.episodes:09d}-start-{run.attempt}-update-{progress.update}"
    return Checkpoint(
        run_id=run.pk,
        name=name,
        sha256=files.save_checkpoint(directory(run.pk) / name, progress),
        update=progress.update,
        episodes=progress.episodes,
        env_steps=progress.env_steps,
        seconds=progress.seconds,
        fraction=progress.fraction,
        convergence=progress.convergence[:20],
        stage=progress.stage[:50],
    )


def read(checkpoint: Checkpoint) -> files.Checkpoint:
    """What the checkpoint holds. Raises `BundleError` where it is damaged or gone."""
    return files.load_checkpoint(directory(checkpoint.run_id) / checkpoint.name, checkpoint.sha256)


def newest_good(run_id: int) -> Checkpoint | None:
    """The newest checkpoint that reads well; damaged ones are passed over."""
    for checkpoint in Checkpoint.objects.filter(run_id=run_id).order_by("-update", "-pk"):
        try:
            read(checkpoint)
        except BundleError as problem:
            logger.warning("Run %s: passing over a checkpoint: %s", run_id, problem)
        else:
            return checkpoint
    return None


def prune(run_id: int) -> None:
    """Keep the newest `KEEP` rows, and once that is committed, no folder that has no row."""
    rows = Checkpoint.objects.filter(run_id=run_id).order_by("-update", "-pk")
    old = list(rows.values_list("pk", flat=True)[KEEP:])
    rows.filter(pk__in=old).delete()
    transaction.on_commit(lambda: sweep(run_id))


def sweep(run_id: int) -> None:
    """Remove folders without a row: old ones, and ones whose worker was killed between the files and the row."""
    known = set(Checkpoint.objects.filter(run_id=run_id).values_list("name", flat=True))
    folder = directory(run_id)
    for found in folder.iterdir() if folder.is_dir() else ():
        if found.name not in known:
            shutil.rmtree(found, ignore_errors=True)


def copy(checkpoint: Checkpoint, run: Run) -> Checkpoint:
    """The same place as the first checkpoint of another run, whose points begin there. Raises `BundleError`, `OSError`."""
    read(checkpoint)
    # Ids start again with a new database; what lies there is not this run's.
    shutil.rmtree(directory(run.pk), ignore_errors=True)
    source = directory(checkpoint.run_id) / checkpoint.name

    def fill(scratch: Path) -> None:
        shutil.copytree(source, scratch, dirs_exist_ok=True)

    write_directory(directory(run.pk) / checkpoint.name, fill)
    kept = ("name", "sha256", "update", "episodes", "env_steps", "seconds", "fraction",
            "convergence", "stage")  # fmt: skip
    return Checkpoint.objects.create(run=run, **{name: getattr(checkpoint, name) for name in kept})
