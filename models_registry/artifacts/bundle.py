"""A model bundle: a folder with `policy.safetensors` and `manifest.json`, nothing else.

No pickle is ever read or written. What is loaded is checked against the manifest (sha256, names, shapes, dtypes) and
bounded in size before it is trusted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from models_registry.artifacts.files import write_directory, write_json

Weights = dict[str, NDArray[np.float32]]

WEIGHTS_FILE = "policy.safetensors"
MANIFEST_FILE = "manifest.json"
FORMAT = "agentgym-bundle-1"
MAX_WEIGHT_BYTES = 100 * 2**20
MAX_MANIFEST_BYTES = 4 * 2**20


class BundleError(ValueError):
    """The bundle is damaged, incomplete, or not one of ours; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Bundle:
    weights: Weights
    manifest: dict[str, Any]


def weights_bytes(weights: Mapping[str, NDArray[np.float32]]) -> bytes:
    """The weights as safetensors; equal weights give equal bytes."""
    return bytes(
        save(
            {
                name: np.ascontiguousarray(weights[name], dtype=np.float32)
                for name in sorted(weights)
            }
        )
    )


def weights_hash(weights: Mapping[str, NDArray[np.float32]]) -> str:
    """sha256 of the weights' bytes: the identity of a trained policy."""
    return hashlib.sha256(weights_bytes(weights)).hexdigest()


def save_bundle(
    directory: Path,
    weights: Mapping[str, NDArray[np.float32]],
    manifest: Mapping[str, Any],
    *,
    beside: Mapping[str, bytes] | None = None,
) -> str:
    """Write a bundle to a folder that does not exist yet; returns the sha256 of its weights.

    beside: further files, by name, that belong to a checkpoint. Raises `FileExistsError`, or `OSError` on a full disk;
    nothing half-written is left.
    """
    data = weights_bytes(weights)
    digest = hashlib.sha256(data).hexdigest()
    tensors = {name: list(weights[name].shape) for name in sorted(weights)}
    full = {**manifest, "format": FORMAT, "sha256": digest, "tensors": tensors}

    def fill(folder: Path) -> None:
        (folder / WEIGHTS_FILE).write_bytes(data)
        write_json(folder / MANIFEST_FILE, full)
        for name, content in (beside or {}).items():
            (folder / name).write_bytes(content)

    write_directory(directory, fill)
    return digest


def load_bundle(directory: Path) -> Bundle:
    """Read and check a bundle. Raises `BundleError`."""
    manifest = _read_manifest(directory / MANIFEST_FILE)
    data = _read(directory / WEIGHTS_FILE, MAX_WEIGHT_BYTES)
    if hashlib.sha256(data).hexdigest() != manifest.get("sha256"):
        raise BundleError(f"{directory.name}: the weights do not match the manifest's sha256")
    try:
        weights = load(data)
    except (SafetensorError, ValueError, KeyError) as problem:
        raise BundleError(f"{directory.name}: not a safetensors file: {problem}") from problem
    shapes = {name: list(value.shape) for name, value in weights.items()}
    if shapes != manifest.get("tensors"):
        raise BundleError(f"{directory.name}: tensor names or shapes differ from the manifest")
    for name, value in weights.items():
        if value.dtype != np.float32 or not np.isfinite(value).all():
            raise BundleError(f"{directory.name}: tensor {name} must hold finite float32 numbers")
    return Bundle(weights, manifest)


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as problem:
        raise BundleError(f"{path.name} cannot be read: {problem.strerror}") from problem
    if len(data) > limit:
        raise BundleError(f"{path.name} is larger than {limit} bytes")
    return data


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(_read(path, MAX_MANIFEST_BYTES))
    except (ValueError, RecursionError) as problem:
        if isinstance(problem, BundleError):
            raise
        raise BundleError(f"{path.name} is not JSON") from problem
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BundleError(f"{path.name} is not a manifest of format {FORMAT}")
    return manifest
