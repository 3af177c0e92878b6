"""Budgets: how long a run may be worked on, and for how much money; then it stops and keeps what it has learned.

They are no settings of the training: what they cut off depends on how fast a machine is. (The budget of episodes is
one, see `TrainConfig.episodes`.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from training.report import duration
from training.rl.config import ConfigError, Spec, TrainConfig, parse_config

if TYPE_CHECKING:
    from training.models import Run

SPECS = {
    "max_seconds": Spec(
        "Time budget", "Seconds of work on the run, then it is stopped. Empty: none.", 1, 31_536_000
    ),
    "max_cost": Spec(
        "Cost budget",
        "USD of computing time on the run, then it is stopped. Empty: none.",
        0,
        1_000_000,
        open_low=True,
    ),
}
Limits = dict[str, float | None]


def parse(values: Mapping[str, Any]) -> tuple[TrainConfig, Limits]:
    """Settings and budgets from untyped input. Raises `ConfigError` with a message per field of either kind."""
    errors: dict[str, str] = {}
    found: Limits = {}
    try:
        found = limits(values)
    except ConfigError as problem:
        errors = problem.errors
    try:
        config = parse_config({name: value for name, value in values.items() if name not in SPECS})
    except ConfigError as problem:
        raise ConfigError({**problem.errors, **errors}) from problem
    if errors:
        raise ConfigError(errors)
    return config, found


def limits(values: Mapping[str, Any]) -> Limits:
    """The budgets among untyped values. Raises `ConfigError`."""
    errors: dict[str, str] = {}
    found: Limits = {}
    for name, spec in SPECS.items():
        try:
            found[name] = _limit(spec, values.get(name))
        except ValueError as problem:
            errors[name] = str(problem)
    if errors:
        raise ConfigError(errors)
    return found


def _limit(spec: Spec, value: Any) -> float | None:
    if value is None or value == "":
        return None
    low, high = spec.low or 0.0, spec.high or math.inf
    words = f"must be a number {'above' if spec.open_low else 'of at least'} {low:,.0f} and at most {high:,.0f}"
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not low <= number <= high or (spec.open_low and number == low):
        raise ValueError(f"{words}, not {value!r}")
    return number


def price_per_hour(run: Run) -> float:
    """USD of an hour's work on this run: one processor core per collector."""
    from django.conf import settings  # noqa: PLC0415 (`agentgym --help` shall not load Django)

    return float(settings.PRICE_PER_CPU_HOUR) * max(1, int(run.config.get("collectors", 1)))


def cost(run: Run, seconds: float) -> float:
    """USD of so many seconds' work."""
    return seconds / 3600 * price_per_hour(run)


def table(run: Run) -> list[tuple[str, str]]:
    """What was used of the budgets, for people: label and value."""
    spent, seconds = cost(run, run.used_seconds), duration(run.used_seconds)
    of_time = f" of {duration(run.max_seconds)}" if run.max_seconds is not None else ""
    of_cost = f" of {run.max_cost:g}" if run.max_cost is not None else ""
    return [("Time used", f"{seconds}{of_time}"), ("Cost", f"{spent:.4f}{of_cost} USD")]


def used_up(run: Run, seconds: float) -> str:
    """Why a run that has been worked on for so many seconds has to stop; empty where it need not."""
    if run.max_seconds is not None and seconds >= run.max_seconds:
        return f"The time budget of {duration(run.max_seconds)} is used up."
    if run.max_cost is not None and cost(run, seconds) >= run.max_cost:
        return (
            f"The cost budget of {run.max_cost:g} USD is used up, "
            f"at {price_per_hour(run):g} USD an hour."
        )
    return ""
