"""What a study may look for, each of it measured on validation tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Objective:
    """A measure of a trained policy. live: the metric of the run that says the same while it learns."""

    key: str
    label: str
    help: str
    maximize: bool
    unit: str = "number"
    live: str = ""

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        return "maximize" if self.maximize else "minimize"


OBJECTIVES = {
    one.key: one
    for one in (
        Objective(
            "success", "Success", "Share of tasks that are solved.", True, "share",
            "validation_success",
        ),
        Objective(
            "tool_reliability", "Tool reliability", "Share of tool calls that are right.", True,
            "share", "validation_reliability",
        ),
        Objective("reward", "Reward", "Mean reward of an episode.", True),
        Objective("calls", "Calls per success", "Tool calls for every solved task.", False),
        Objective("steps", "Steps", "Mean decisions of an episode.", False),
        Objective(
            "latency", "Response time",
            "Mean seconds of a task: measured decisions, simulated tools.", False, "seconds",
        ),
        Objective(
            "cost", "Cost per success", "USD of deciding for every solved task (measured time).",
            False, "usd",
        ),
        Objective(
            "train_seconds", "Training time", "Seconds that the training took (measured).", False,
            "seconds",
        ),
        Objective(
            "return", "Return", "Mean return of an episode; Gymnasium environments only.", True,
            "number", "validation_return",
        ),
    )
}  # fmt: skip


def values_of(objectives: Sequence[str], scores: Sequence[Mapping[str, Any]]) -> list[float] | None:
    """Each objective's mean over the seeds of a trial; None where one of them does not exist (nothing was solved)."""
    means = []
    for key in objectives:
        found = [value for score in scores if (value := score.get(key)) is not None]
        if not found or len(found) < len(scores):
            return None
        means.append(sum(found) / len(found))
    return means


def dominates(first: Sequence[float], second: Sequence[float], objectives: Sequence[str]) -> bool:
    """Whether the first values are nowhere worse than the second, and somewhere better."""
    signs = [1 if OBJECTIVES[key].maximize else -1 for key in objectives]
    gains = [sign * (a - b) for sign, a, b in zip(signs, first, second, strict=True)]
    return all(gain >= 0 for gain in gains) and any(gain > 0 for gain in gains)


def front(rows: Mapping[int, Sequence[float]], objectives: Sequence[str]) -> list[int]:
    """Numbers of the trials that no other one dominates, best by the first objective first."""
    kept = [
        number
        for number, values in rows.items()
        if not any(dominates(other, values, objectives) for other in rows.values())
    ]
    return ranked({number: rows[number] for number in kept}, objectives)


def ranked(rows: Mapping[int, Sequence[float]], objectives: Sequence[str]) -> list[int]:
    """Numbers of the trials by their first objective, best first; of equals the earlier one."""
    sign = -1 if OBJECTIVES[objectives[0]].maximize else 1
    return sorted(rows, key=lambda number: (sign * rows[number][0], number))


def top(rows: Mapping[int, Sequence[float]], objectives: Sequence[str], count: int) -> list[int]:
    """The trials worth a second look: of one objective the best, of several the front, spread along it."""
    if len(objectives) == 1:
        return ranked(rows, objectives)[:count]
    found = front(rows, objectives)
    if len(found) <= count:
        return found
    if count == 1:
        return found[:1]
    # Both ends, and what lies evenly between them.
    places = [round(i * (len(found) - 1) / (count - 1)) for i in range(count)]
    return [found[place] for place in dict.fromkeys(places)]
