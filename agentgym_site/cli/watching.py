"""What the terminal shows of a run while it works: JSON lines, plain lines, or a live display."""

from __future__ import annotations

import json
import sys
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from training.report import duration, percent

if TYPE_CHECKING:
    from training.rl.progress import Progress

PLAIN_SECONDS = 2.0
CONVERGENCE = {
    "starting": "starting",
    "improving": "improving",
    "plateau": "no longer improving",
    "unstable": "unstable",
    "target_held": "target held",
}


class Watcher(ABC):
    """Shows progress. `say` is for a line of its own, `result` for the end; use it as a context manager."""

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        """Give the terminal back."""
        return

    @abstractmethod
    def progress(self, progress: Progress) -> None:
        """One state of the run."""

    @abstractmethod
    def say(self, text: str) -> None:
        """A line for people."""

    def result(self, values: dict[str, Any]) -> None:
        """The end of the run, for programs."""
        return


class JsonLines(Watcher):
    """One object per progress on stdout, a last one of type "result"; words for people go to stderr."""

    def progress(self, progress: Progress) -> None:
        write_json(
            {
                "type": "progress",
                "phase": progress.phase,
                "update": progress.update,
                "episodes": progress.episodes,
                "total_episodes": progress.total_episodes,
                "env_steps": progress.env_steps,
                "seconds": round(progress.seconds, 3),
                "fraction": progress.fraction,
                "convergence": progress.convergence,
                "metrics": progress.metrics,
            }
        )

    def say(self, text: str) -> None:
        sys.stderr.write(f"{text}\n")

    def result(self, values: dict[str, Any]) -> None:
        write_json({"type": "result", **values})


class PlainLines(Watcher):
    """A line every two seconds, for logs and pipes. verbose: every update, with all its metrics."""

    def __init__(self, target: float | None, *, verbose: bool = False) -> None:
        self.target, self.verbose = target, verbose
        self._next = 0.0
        self._phase = ""

    def progress(self, progress: Progress) -> None:
        due = self.verbose or progress.phase != self._phase or time.monotonic() >= self._next
        if due and progress.phase != "done":
            self.say(plain_line(progress, self.target, verbose=self.verbose))
            self._next, self._phase = time.monotonic() + PLAIN_SECONDS, progress.phase

    def say(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def write_json(value: Any) -> None:
    """One line of JSON on stdout, at once."""
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")
    sys.stdout.flush()


def plain_line(progress: Progress, target: float | None, *, verbose: bool = False) -> str:
    """A progress in one line. target: of tool reliability; None where there are no tools."""
    if progress.phase == "evidence":
        return f"evidence {100 * progress.fraction:3.0f} %: held-out tasks, with the baselines"
    m = progress.metrics
    speed = f"{number(m.get('steps_per_second'), 0)} steps/s"
    if target is None:
        line = (
            f"training {100 * progress.fraction:3.0f} %, {progress.episodes:,} episodes, "
            f"{progress.env_steps:,} steps, {time_left(progress)}: return {number(m.get('reward'))}, {speed}"
        )
    else:
        line = (
            f"training {progress.episodes:,}/{progress.total_episodes:,} episodes, {time_left(progress)}: "
            f"reliability {percent(m.get('tool_reliability'))} (target {100 * target:.0f} %), "
            f"success {percent(m.get('success'))}, reward {number(m.get('reward'))}, {speed}"
        )
    if not verbose:
        return line
    shown = {"tool_reliability", "success", "reward", "steps_per_second"}
    rest = [f"{name} {number(m[name], 4)}" for name in sorted(m) if name not in shown]
    return "; ".join([line, CONVERGENCE.get(progress.convergence, progress.convergence), *rest])


def time_left(progress: Progress) -> str:
    """Training time left at the pace so far."""
    if not progress.fraction or progress.phase != "training":
        return "time left unknown"
    left = progress.seconds / progress.fraction * (1 - progress.fraction)
    return f"{duration(left)} left"


def number(value: float | None, digits: int = 2) -> str:
    """A number with so many decimals; a dash where there is none."""
    return "-" if value is None else f"{value:,.{digits}f}"
