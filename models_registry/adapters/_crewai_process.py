"""A process of its own for CrewAI, with its own home, storage and temporary folder.

CrewAI keeps background threads, process-wide hooks and an SQLite file; a worker or a server that outlives one crew is
better off without them.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

from models_registry.adapters._crewai_home import QUIET, STORAGE

T = TypeVar("T")


class CrewProcess:
    """Runs functions that build and kick off crews, one at a time, in a child process. A context manager.

    What a function takes and returns has to be picklable (a crew is not; its answer is), and the function has to be
    importable by name.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._own = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="agentgym-crew-"))
        self._pool = ProcessPoolExecutor(
            1,
            multiprocessing.get_context("spawn"),
            initializer=_prepare,
            initargs=(str(self.folder),),
        )

    def run(self, work: Callable[..., T], *arguments: Any, timeout: float | None = None) -> T:
        """What `work(*arguments)` returns. Raises what it raised, and `TimeoutError` (the process is then ended)."""
        future = self._pool.submit(work, *arguments)
        try:
            return future.result(timeout)
        except TimeoutError:
            self.kill()
            raise

    def kill(self) -> None:
        """End the process at once, whatever it is doing."""
        for process in (self._pool._processes or {}).values():
            process.kill()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._own:
            shutil.rmtree(self.folder, ignore_errors=True)


def _prepare(folder: str) -> None:
    """Runs first in the child: everything that CrewAI writes goes below the folder."""
    for name in ("home", "storage", "temporary"):
        (Path(folder) / name).mkdir(parents=True, exist_ok=True)
    os.environ.update(
        QUIET
        | {
            "HOME": f"{folder}/home",
            STORAGE: f"{folder}/storage",
            "TMPDIR": f"{folder}/temporary",
        }
    )
    tempfile.tempdir = None
