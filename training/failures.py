"""Why a run failed, in words for its owner. Tracebacks are for the log and for staff."""

from __future__ import annotations

import errno
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from scenarios.core.registry import UnknownKey
from scenarios.sources.base import SourceError
from training.rl.config import ConfigError

_NO_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "unable to allocate",
)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DivergedError(ArithmeticError):
    """The learned numbers are no longer finite."""


class CheckpointGone(RuntimeError):
    """A branch has lost the checkpoint that it was to begin with."""


def check_finite(weights: Mapping[str, NDArray[np.float32]], *, episodes: int) -> None:
    """Raise `DivergedError` where a weight is NaN or infinite: no checkpoint or version may hold such."""
    if not all(np.isfinite(value).all() for value in weights.values()):
        raise DivergedError(f"The weights were no longer finite after {episodes:,} episodes.")


def explain(error: BaseException) -> str:
    """One or two sentences: what happened, and what to do."""
    text = str(error)
    if isinstance(error, MemoryError) or any(word in text.lower() for word in _NO_MEMORY):
        return "Out of memory: the training needed more than this machine has. Try fewer environments or a smaller batch."
    if _disk_is_full(error):
        return "The disk is full, so the run could not be saved. What was saved before is intact; free some space, and branch from the last checkpoint."
    if isinstance(error, ArithmeticError):
        return f"The training diverged: {text.rstrip('.')}. Try a smaller learning rate or another seed."
    if isinstance(error, CheckpointGone):
        return "The checkpoint that this run branched off from can no longer be read. Start another branch."
    if isinstance(error, UnknownKey | SourceError) or type(error).__name__ == "NoDevice":
        return text
    if isinstance(error, ConfigError):
        return f"The run's settings are no longer valid: {text}"
    return "An unexpected error ended the run. The administrator finds the details in the log and in the run's events."


def _disk_is_full(error: BaseException | None) -> bool:
    """Whether this error, or one that led to it, says that nothing more can be written."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False
