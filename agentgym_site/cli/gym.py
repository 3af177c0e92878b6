"""`agentgym train gym:<id>`: the trainer on a Gymnasium environment, in this process and without a database."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from agentgym_site.cli.exits import FAILED, INTERRUPTED, OK, USAGE, CommandError
from agentgym_site.cli.watching import JsonLines, PlainLines, Watcher
from training import budget
from training.report import duration
from training.rl.config import ConfigError, TrainConfig

if TYPE_CHECKING:
    from training.rl.progress import Progress


def train_gym(
    config: TrainConfig,
    values: Mapping[str, Any],
    output_dir: Path | None,
    *,
    verbose: bool,
    as_json: bool,
) -> int:
    """Train to the end, the time budget or Ctrl-C, which keep what was learned; returns the exit code."""
    limits = budget.parse(values)[1]
    if limits["max_cost"] is not None:
        raise CommandError("--max-cost: only runs of the portal have a price", USAGE)
    watcher = JsonLines() if as_json else PlainLines(None, verbose=verbose)
    watcher.say(f"{config.scenario}, {config.algorithm}, seed {config.seed}")
    with _first_interrupt() as pressed:
        last, failure = _learn(config, watcher, pressed, limits["max_seconds"])
    directory = _write(config, last, output_dir)
    status = "failed" if failure else "succeeded" if last and last.evidence else "stopped"
    evidence = last.evidence if last else None
    watcher.result(
        {
            "scenario": config.scenario,
            "status": status,
            "episodes": last.episodes if last else 0,
            "env_steps": last.env_steps if last else 0,
            "train_seconds": last.seconds if last else 0.0,
            "failure": failure,
            "directory": str(directory) if directory else None,
            "evidence": evidence,
        }
    )
    for line in _ending(last, status, failure, directory):
        watcher.say(line)
    return FAILED if failure else INTERRUPTED if pressed and status == "stopped" else OK


def _learn(
    config: TrainConfig, watcher: Watcher, pressed: list[int], seconds: float | None
) -> tuple[Progress | None, str | None]:
    """The last progress, and why it failed."""
    from training.rl.stopping import StopTraining  # noqa: PLC0415
    from training.rl.train import Diverged, train  # noqa: PLC0415  (torch)

    last: Progress | None = None
    steps = train(config)
    try:
        for last in steps:
            watcher.progress(last)
            used_up = seconds is not None and last.seconds >= seconds
            if (pressed or used_up) and last.phase == "training":
                last = steps.throw(StopTraining())
                break
    except StopTraining:
        return last, None  # it had just learned all that it was to learn
    except ConfigError as problem:
        raise CommandError(str(problem), USAGE, problem.errors) from problem
    except Diverged as problem:
        return last, str(problem)
    return last, None


@contextmanager
def _first_interrupt() -> Iterator[list[int]]:
    """A list that the first Ctrl-C goes into; the second one ends the command at once."""
    pressed: list[int] = []

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        pressed.append(number)

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _write(config: TrainConfig, last: Progress | None, output_dir: Path | None) -> Path | None:
    """Weights and manifest, in `output_dir` where one was asked for."""
    if output_dir is None:
        return None
    output_dir.rmdir()  # it is empty; the bundle gets there whole, by a rename
    if last is None or last.weights is None:
        return None
    from models_registry.artifacts.bundle import save_bundle  # noqa: PLC0415
    from training.rl.gym.problem import manifest  # noqa: PLC0415

    save_bundle(output_dir, last.weights, manifest(config, last.evidence or {}))
    return output_dir


def _ending(
    last: Progress | None, status: str, failure: str | None, directory: Path | None
) -> Iterator[str]:
    if failure:
        yield f"Training failed: {failure}"
    elif last is not None:
        yield (
            f"{status.capitalize()} after {last.episodes:,} episodes, {last.env_steps:,} steps, "
            f"{duration(last.seconds)}."
        )
    if last is not None and last.evidence:
        yield from evidence_lines(last.evidence)
    if directory is not None:
        yield f"Weights: {directory}"


def evidence_lines(evidence: Mapping[str, Any]) -> Iterator[str]:
    """The evidence of a Gymnasium environment as a few lines."""
    yield f"Return over {evidence['episodes']:,} episodes from fresh seeds; 95 % intervals in brackets."
    for agent in evidence["agents"].values():
        found = agent["return"]
        bounds = f" [{found['low']:,.1f}, {found['high']:,.1f}]" if found["low"] is not None else ""
        yield f"  {agent['label']:<10}{found['value']:>10,.1f}{bounds}"
    if evidence["threshold"] is not None:
        yield f"  {'solved at':<10}{evidence['threshold']:>10,.1f}"
