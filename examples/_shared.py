"""What the examples share: which version they run, and which task."""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from agentgym_site.cli.exits import CommandError
from agentgym_site.cli.site import open_site
from agentgym_site.cli.versions import bundle_directory, newest
from models_registry.artifacts.bundle import BundleError, load_bundle
from scenarios.core.tasks import Task
from scenarios.core.types import DIFFICULTIES
from scenarios.library import library

FIRST_FRESH_SEED = 1_000_000
"""Evidence is computed on the tasks below it."""


def arguments(text: str | None) -> argparse.Namespace:
    """The options of every example; `text` is its docstring."""
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version", nargs="?", help="id, name:number, name, or a bundle's folder")
    parser.add_argument("--seed", type=int, help="the task; drawn at random where not given")
    parser.add_argument("--difficulty", choices=DIFFICULTIES, default="medium")
    return parser.parse_args()


def chosen(options: argparse.Namespace, scenario: str) -> tuple[Path, str, str]:
    """Folder, name and scenario of the version to run. Exits with 2 and the fix where there is none."""
    try:
        directory, name = _version(options.version, scenario)
        manifest = load_bundle(directory).manifest
    except (CommandError, BundleError) as problem:
        print(problem, file=sys.stderr)
        raise SystemExit(2) from None
    return directory, name, str(manifest["scenario"])


def fresh_task(options: argparse.Namespace, scenario: str) -> Task:
    """A held-out task that nothing was ever measured on."""
    seed = options.seed
    if seed is None:
        seed = random.randrange(FIRST_FRESH_SEED, 2**31)
    return library.get(scenario)().task("test", options.difficulty, seed)


def _version(text: str | None, scenario: str) -> tuple[Path, str]:
    if text is not None:
        return bundle_directory(text)
    open_site()
    version = newest(scenario)
    if version is None:
        raise CommandError(
            f"No trained {scenario} version is registered yet. Train one first: agentgym train {scenario}"
        )
    return version.path, f"{version.model.name}:{version.number}"
