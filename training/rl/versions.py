"""Evaluating a version that lies on disk: one agent or a team, each in its own way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from models_registry.artifacts.bundle import load_bundle
from scenarios.core.team import TeamScenario
from scenarios.core.types import Difficulty, Split
from scenarios.sources.base import SourceError
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
    """Evaluate a bundle on its own scenario.

    Raises `BundleError`, `UnknownKey` for a scenario that is gone, `SourceError` for held-out tasks of one that holds
    none out.
    """
    bundle = load_bundle(directory)
    scenario = find(bundle.manifest["scenario"])
    if not scenario.held_out and split != "train":
        raise SourceError(
            [
                f"split: {scenario.key} holds no {split} tasks out, it was trained on all of its conversations; evaluate "
                "with a file of cases (--cases), or see how well it remembers (split train)"
            ]
        )
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
