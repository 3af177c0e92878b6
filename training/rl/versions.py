"""Evaluating a version that lies on disk: one agent or a team, each in its own way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from models_registry.artifacts.bundle import load_bundle
from scenarios.core.team import TeamScenario
from scenarios.core.types import Difficulty, Split
from scenarios.sources.catalogue import find
from training.rl import evaluation
from training.rl.evaluation import Evaluated
from training.rl.exam import Exam
from training.rl.team import evaluation as team_evaluation


def evaluate_version(
    directory: Path,
    *,
    split: Split = "test",
    tasks: int = 400,
    attempts: int = 8,
    difficulty: Difficulty | None = None,
    seed: int = 0,
) -> Iterator[Evaluated]:
    """Evaluate a bundle on its own scenario. Raises `BundleError`, or `UnknownKey` for a scenario that is gone."""
    bundle = load_bundle(directory)
    scenario = find(bundle.manifest["scenario"])
    chosen: Difficulty = difficulty or bundle.manifest["config"]["difficulty"]
    exam = Exam(scenario, split, chosen, tasks, attempts)
    evaluate = (
        team_evaluation.evaluate if isinstance(scenario, TeamScenario) else evaluation.evaluate
    )
    yield from evaluate(
        bundle.weights,
        exam,
        seed=seed,
        weights_sha256=bundle.manifest["sha256"],
        calibrated=bundle.manifest.get("calibration"),
    )
