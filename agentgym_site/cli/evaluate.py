"""`agentgym evaluate`: a trained version and the baselines on tasks of a split."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentgym_site.cli.exits import bad_option
from agentgym_site.cli.versions import bundle_directory, provide_scenario
from agentgym_site.cli.watching import write_json
from scenarios.core.types import DIFFICULTIES, SPLITS, Difficulty, Split

if TYPE_CHECKING:
    from training.rl.evaluation import Evaluated

MOST_EPISODES = 1_000_000
MOST_ATTEMPTS = 64


@dataclass(frozen=True, slots=True)
class Exam:
    """Which tasks are played, and how often each."""

    split: Split
    tasks: int
    attempts: int
    difficulty: Difficulty | None

    @classmethod
    def checked(cls, split: str, episodes: int, attempts: int, difficulty: str | None) -> Exam:
        """The exam of these options. Raises `CommandError` naming the option and the fix."""
        if split not in SPLITS:
            raise bad_option("--split", f"must be one of {', '.join(SPLITS)}, not {split!r}")
        if difficulty is not None and difficulty not in DIFFICULTIES:
            known = ", ".join(DIFFICULTIES)
            raise bad_option("--difficulty", f"must be one of {known}, not {difficulty!r}")
        if not 1 <= episodes <= MOST_EPISODES:
            raise bad_option("--episodes", f"must be 1 to {MOST_EPISODES:,}, not {episodes:,}")
        if not 1 <= attempts <= MOST_ATTEMPTS:
            raise bad_option("--attempts", f"must be 1 to {MOST_ATTEMPTS}, not {attempts:,}")
        attempts = min(attempts, episodes)
        tasks = math.ceil(episodes / attempts)
        return cls(split, tasks, attempts, difficulty)


def evaluate(text: str, exam: Exam, *, as_json: bool) -> None:
    """Play the exam and print the evidence."""
    directory, name = bundle_directory(text)
    provide_scenario(directory)
    from training.rl.versions import evaluate_version  # noqa: PLC0415

    states = evaluate_version(
        directory,
        split=exam.split,
        tasks=exam.tasks,
        attempts=exam.attempts,
        difficulty=exam.difficulty,
    )
    if not as_json:
        episodes = exam.tasks * exam.attempts
        sys.stdout.write(
            f"{name}: {episodes:,} episodes ({exam.tasks:,} {exam.split} tasks, {exam.attempts} attempts each)\n"
        )
        sys.stdout.flush()
    evidence = _last(_shown(states, as_json=as_json))
    if as_json:
        write_json(
            {"type": "result", "version": name, "directory": str(directory), "evidence": evidence}
        )
        return
    from training.report import evidence_text  # noqa: PLC0415

    sys.stdout.write(f"{evidence_text(evidence)}\n")


def _last(states: Iterator[Evaluated]) -> dict[str, Any]:
    evidence: dict[str, Any] = {}
    for state in states:
        evidence = state.evidence or evidence
    return evidence


def _shown(states: Iterator[Evaluated], *, as_json: bool) -> Iterator[Evaluated]:
    """The same states, with progress on stderr where that is a terminal, or as JSON lines."""
    if as_json:
        for state in states:
            if state.evidence is None:
                write_json({"type": "progress", "fraction": state.fraction, "doing": state.doing})
            yield state
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<22}"), BarColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        job = bar.add_task("", total=1.0)
        for state in states:
            bar.update(job, completed=state.fraction, description=state.doing)
            yield state
