"""Checkpoints: the policy so far as a bundle, and beside it the trainer's state, written together or not at all.

A folder holds `policy.safetensors`, `state.safetensors` and `manifest.json`, which has the facts of the state and the
sha256 of both files; the sha256 of the manifest itself stands for the whole checkpoint.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from models_registry.artifacts.bundle import (
    MANIFEST_FILE,
    BundleError,
    Weights,
    load_bundle,
    save_bundle,
)

if TYPE_CHECKING:
    from training.rl.progress import Progress

STATE_FILE = "state.safetensors"


class CheckpointError(OSError):
    """A checkpoint could not be written; the earlier ones are intact."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was read back: the policy, and the trainer's state as `training.rl.state.TrainerState` takes it."""

    weights: Weights
    arrays: dict[str, NDArray[Any]]
    facts: dict[str, Any]


def save_checkpoint(
    target: Path, progress: Progress, manifest: Mapping[str, Any] | None = None
) -> str:
    """Write the folder `target`, which must not exist; returns the sha256 that it is read with. Raises `CheckpointError`."""
    if progress.weights is None or progress.state is None:
        raise ValueError("this progress carries no weights and state")
    # (ascontiguousarray would turn a single number into a list of one.)
    arrays = {name: np.asarray(v, order="C") for name, v in sorted(progress.state.arrays.items())}
    state = bytes(save(arrays))
    facts = {
        **(manifest or {}),
        "episodes": progress.episodes,
        "update": progress.update,
        "env_steps": progress.env_steps,
        "state": {"sha256": hashlib.sha256(state).hexdigest(), "facts": progress.state.facts},
    }
    try:
        save_bundle(target, progress.weights, facts, beside={STATE_FILE: state})
        return _digest(target)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise CheckpointError(
            problem.errno,
            f"checkpoint at episode {progress.episodes:,} could not be written ({reason})",
        ) from problem


def load_checkpoint(directory: Path, sha256: str) -> Checkpoint:
    """Read and check a checkpoint. Raises `BundleError` where anything about it is not as it was written."""
    try:
        if _digest(directory) != sha256:
            raise BundleError(f"{directory.name}: the manifest is not the one that was written")
        data = (directory / STATE_FILE).read_bytes()
    except OSError as problem:
        raise BundleError(f"{directory.name} cannot be read: {problem.strerror}") from problem
    bundle = load_bundle(directory)
    state = bundle.manifest["state"]
    if hashlib.sha256(data).hexdigest() != state["sha256"]:
        raise BundleError(f"{directory.name}: the state does not match the manifest's sha256")
    try:
        return Checkpoint(bundle.weights, load(data), state["facts"])
    except (SafetensorError, ValueError, KeyError) as problem:
        raise BundleError(f"{directory.name}: not a safetensors file: {problem}") from problem


def _digest(directory: Path) -> str:
    return hashlib.sha256((directory / MANIFEST_FILE).read_bytes()).hexdigest()
