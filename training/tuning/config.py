"""What a study is told: one flat, validated, frozen dataclass. Nothing heavy here, because web forms read it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from importlib.util import find_spec
from typing import Any

from training.rl.config import ConfigError, Spec, TrainConfig, parse_config
from training.rl.gym.names import gym_id
from training.tuning.objectives import OBJECTIVES
from training.tuning.space import DEFAULT_SPACE, FIXED, MOST_COUNTED, Space, parse_space

SAMPLERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "tpe": ("Bayesian: tree-structured Parzen estimator", ()),
    "random": ("Random", ()),
    "grid": ("Grid: every combination", ()),
    "nsgaii": ("NSGA-II, evolutionary", ()),
    "nsgaiii": ("NSGA-III, evolutionary, for many objectives", ()),
    "cmaes": ("CMA-ES, evolutionary, for numbers only", ("cmaes",)),
    "gp": ("Bayesian: Gaussian process", ("scipy", "torch")),
    "qmc": ("Quasi-random (Sobol)", ("scipy",)),
}
"""Label, and the modules that Optuna needs for it."""
PRUNERS = {
    "none": "None: every trial runs to its end",
    "median": "Median: stop what is worse than the median of the earlier trials",
    "percentile": "Percentile: stop what is among the worse three quarters",
    "hyperband": "Hyperband: several brackets of successive halving",
    "asha": "Successive halving, asynchronous",
}
MOST_GRID = 1_000
FRESH = 10_000
"""How far the seeds of the honest ending lie from those of the search."""
SPECS = {
    "settings": Spec("Settings", "Of all trials; what is left out takes its default."),
    "space": Spec("Space", "Settings to search over, with their ranges or values."),
    "sampler": Spec("Sampler", "How settings are chosen.", choices=tuple(SAMPLERS)),
    "pruner": Spec("Pruner", "When a trial is given up early.", choices=tuple(PRUNERS)),
    "objectives": Spec("Objectives", "What counts; several give a Pareto front."),
    "trials": Spec("Trials", "How many settings are tried.", 1, 10_000),
    "seeds": Spec("Seeds per trial", "Each trial is the mean over so many runs.", 1, 20),
    "seed": Spec(
        "Seed", "The same seed and one run at a time give the same study.", 0, 2**31 - 1 - 2 * FRESH
    ),
    "jobs": Spec("At the same time", "Trials; 0: as many as workers take.", 0, 256),
    "timeout": Spec(
        "Time", "Seconds, after which no new trial begins. Empty: none.", 0, 31_536_000, open_low=True
    ),
    "max_cost": Spec(
        "Cost", "USD of computing, after which no new trial begins. Empty: none.", 0, 1_000_000,
        open_low=True,
    ),
    "reports": Spec("Looks per trial", "Looks at validation tasks for the pruner.", 2, 100),
    "startup": Spec(
        "First trials", "Trials at random, and none pruned, before the methods set in.", 1, 1_000
    ),
    "score_tasks": Spec("Validation tasks", "That each trial is scored on.", 1, 100_000),
    "score_attempts": Spec("Attempts per task", "At each validation task.", 1, 64),
    "confirm_top": Spec(
        "Trials to confirm", "The best ones, trained again on fresh seeds. 0: none.", 0, 20
    ),
    "confirm_seeds": Spec("Seeds to confirm on", "Fresh ones, for each of them.", 1, 20),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StudyConfig:
    """Everything that decides a study. `settings` are those of all trials, as `TrainConfig` takes them."""

    scenario: str = "customer_support"
    settings: Mapping[str, Any] = field(default_factory=dict)
    space: Mapping[str, Any] = field(default_factory=lambda: DEFAULT_SPACE)
    sampler: str = "tpe"
    pruner: str = "none"
    objectives: tuple[str, ...] = ("success",)
    trials: int = 20
    seeds: int = 1
    seed: int = 0
    jobs: int = 1
    timeout: float | None = None
    max_cost: float | None = None
    reports: int = 8
    startup: int = 10
    score_tasks: int = 200
    score_attempts: int = 1
    confirm_top: int = 3
    confirm_seeds: int = 3

    @property
    def ranges(self) -> Space:
        """The space, parsed."""
        return parse_space(self.space, self.settings)

    @property
    def prunes(self) -> bool:
        return self.pruner != "none"

    def search_seeds(self) -> list[int]:
        """The seeds of every trial of the search: the same for all, so that luck is shared."""
        return [self.seed + i for i in range(self.seeds)]

    def fresh_seeds(self, count: int | None = None) -> list[int]:
        """The seeds of the honest ending, which no trial has seen."""
        return [self.seed + FRESH + i for i in range(count or self.confirm_seeds)]

    def train_config(self, params: Mapping[str, Any], seed: int, *, search: bool) -> TrainConfig:
        """The settings of one run of a trial. search: with looks for the pruner. Raises `ConfigError`."""
        values = {**self.settings, "scenario": self.scenario, **params, "seed": seed}
        config = parse_config(values)
        if search and self.prunes:
            interval = max(1, config.episodes // self.reports)
            config = parse_config({**values, "validation_interval": interval})
        return config

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "objectives": list(self.objectives)}


_DEFAULTS: dict[str, Any] = StudyConfig().as_json()


def parse_study(values: Mapping[str, Any]) -> StudyConfig:
    """A study from untyped input (form, JSON, command line); what is missing takes its default.

    Raises `ConfigError` with a message per bad field; a bad setting is named `settings.<name>`, a bad dimension
    `space.<name>`.
    """
    errors: dict[str, str] = {}
    parsed: dict[str, Any] = {}
    known = [one.name for one in fields(StudyConfig)]
    for name, value in values.items():
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
            errors[str(name)] = f"unknown field; {hint}"
        elif name not in ("scenario", "settings", "space"):
            try:
                parsed[name] = _parse(name, value)
            except ValueError as problem:
                errors[name] = str(problem)
    _parse_parts(values, parsed, errors)
    if not errors:
        _check_together(StudyConfig(**parsed), "trials" in values, parsed, errors)
    if errors:
        raise ConfigError(errors)
    return StudyConfig(**parsed)


def _parse_parts(values: Mapping[str, Any], parsed: dict[str, Any], errors: dict[str, str]) -> None:
    """Scenario, settings and space, by the trainer's own rules."""
    parsed["scenario"] = values.get("scenario", _DEFAULTS["scenario"])
    try:
        parsed["settings"] = _settings(values.get("settings") or {}, parsed["scenario"])
    except ConfigError as problem:
        for name, text in problem.errors.items():
            errors[name if name in ("scenario", "settings") else f"settings.{name}"] = text
    try:
        given = values.get("space")
        space = parse_space(DEFAULT_SPACE if given is None else given, parsed.get("settings"))
        parsed["space"] = space.as_json()
    except ConfigError as problem:
        errors.update(problem.errors)


def _settings(given: Any, scenario: Any) -> dict[str, Any]:
    """The settings that were given, typed. Raises `ConfigError`."""
    if not isinstance(given, Mapping):
        raise ConfigError({"settings": "must be names with values, such as {episodes: 2000}"})
    refused = {
        name: f"cannot be set here: {FIXED[name]}"
        for name in ("scenario", "seed", "validation_interval")
        if name in given
    }
    if refused:
        raise ConfigError(refused)
    config = parse_config({**given, "scenario": scenario})
    return {str(name): getattr(config, str(name)) for name in given}


def _parse(name: str, value: Any) -> Any:
    spec, default = SPECS[name], _DEFAULTS[name]
    if name == "objectives":
        return _objectives(value)
    if isinstance(default, str):
        return _choice(name, value, spec.choices)
    if default is None and value in (None, ""):
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    low, high = spec.low or 0, spec.high or math.inf
    whole = isinstance(default, int)
    if not low <= number <= high or (spec.open_low and number == low) or (
        whole and number != int(number)
    ):  # fmt: skip
        kind = "a whole number" if whole else "a number"
        above = "above" if spec.open_low else "of at least"
        raise ValueError(
            f"must be {kind} {above} {low:,.0f} and at most {high:,.0f}, not {value!r}"
        )
    return int(number) if whole else number


def _choice(name: str, value: Any, choices: Sequence[str]) -> str:
    if value not in choices:
        close = difflib.get_close_matches(str(value), choices, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"must be one of {', '.join(choices)}{hint}")
    if name == "sampler":
        missing = [module for module in SAMPLERS[value][1] if find_spec(module) is None]
        if missing:
            needs = " and ".join(missing)
            raise ValueError(f"{value} needs {needs}, which is not installed: pip install {needs}")
    return str(value)


def _objectives(value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names:
        raise ValueError(f"name at least one of {', '.join(OBJECTIVES)}")
    found = tuple(str(name).strip() for name in names)
    for name in found:
        if name not in OBJECTIVES:
            close = difflib.get_close_matches(name, OBJECTIVES, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(OBJECTIVES)}"
            raise ValueError(f"unknown objective {name!r}; {hint}")
    if len(set(found)) < len(found):
        raise ValueError("names an objective twice")
    return found


def _check_together(
    config: StudyConfig, trials_given: bool, parsed: dict[str, Any], errors: dict[str, str]
) -> None:
    """What no field can tell by itself; sets the number of trials of a grid that has none."""
    if twice := set(config.settings) & set(config.space):
        name = min(twice)
        errors[f"space.{name}"] = "is also among the settings; take it out of one of them"
    is_gym = gym_id(config.scenario) is not None
    for name in config.objectives:
        if (name == "return") is not is_gym and name not in ("train_seconds",):
            right = "return" if is_gym else "success, tool_reliability, ..."
            errors["objectives"] = f"{name!r} does not exist for {config.scenario}; use {right}"
    if config.prunes and len(config.objectives) > 1:
        errors["pruner"] = "pruning needs a single objective; take none"
    elif config.prunes and not OBJECTIVES[config.objectives[0]].live:
        live = ", ".join(one.key for one in OBJECTIVES.values() if one.live)
        errors["pruner"] = f"cannot be judged during training by this objective; only by {live}"
    if config.sampler == "grid":
        _check_grid(config, trials_given, parsed, errors)


def _check_grid(
    config: StudyConfig, trials_given: bool, parsed: dict[str, Any], errors: dict[str, str]
) -> None:
    try:
        size = config.ranges.grid_size()
    except ConfigError as problem:
        errors.update(problem.errors)
        return
    allowed = config.trials if trials_given else MOST_GRID
    if size > allowed:
        count = f"more than {MOST_COUNTED:,}" if size >= MOST_COUNTED else f"{size:,}"
        errors["space"] = (
            f"the grid has {count} points, but {allowed:,} trials are allowed; "
            "allow more, take fewer values, or another sampler"
        )
    else:
        parsed["trials"] = size
