"""The space that a study searches: settings of `training.rl.config` with ranges, choices and conditions.

{"learning_rate": {"low": 1e-5, "high": 1e-2, "log": true},
 "batch_size": [128, 256, 512],
 "algorithm": ["ppo", "reinforce"],
 "clip_range": {"low": 0.1, "high": 0.4, "when": {"algorithm": "ppo"}}}
"""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, Protocol

from training.rl.config import ConfigError, TrainConfig, parse_config

Value = int | float | str
Params = dict[str, Value]

FIXED = {
    "scenario": "a study searches for one scenario",
    "difficulty": "trials could no longer be compared; set it for the whole study",
    "seed": "the study gives every trial the same seeds; see `seeds`",
    "validation_interval": "the study sets it; see `reports`",
    "evaluation_tasks": "it does not change what is learned",
    "evaluation_attempts": "it does not change what is learned",
    "checkpoint_interval": "it does not change what is worth finding; set it for the whole study",
}
"""Settings that no study searches over, and why."""
DEFAULT_SPACE: dict[str, Any] = {
    "learning_rate": {"low": 1e-5, "high": 1e-2, "log": True},
    "batch_size": [128, 256, 512, 1024],
    "discount_factor": {"low": 0.9, "high": 0.999},
}
KEYS = ("low", "high", "log", "step", "values", "when")
MOST_COUNTED = 100_000
_DEFAULTS = TrainConfig().as_json()


class Suggests(Protocol):
    """What a space asks of an Optuna trial."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any: ...

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int: ...

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None, log: bool
    ) -> float: ...


@dataclass(frozen=True, slots=True)
class Dimension:
    """One setting: either `values`, or a range from `low` to `high`, both included.

    when: the values of other settings with which it is searched at all; else it keeps its usual value.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    values: tuple[Value, ...] = ()
    when: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether the setting is a whole number."""
        return type(_DEFAULTS[self.name]) is int

    def suggest(self, trial: Suggests) -> Value:
        if self.values:
            chosen: Value = trial.suggest_categorical(self.name, self.values)
            return chosen
        if self.is_whole:
            step = int(self.step or 1)
            return trial.suggest_int(
                self.name, int(self.low), int(self.high), step=step, log=self.log
            )
        return trial.suggest_float(self.name, self.low, self.high, step=self.step, log=self.log)

    def points(self) -> tuple[Value, ...]:
        """The values of a grid. Raises `ValueError` for a range without a step."""
        if self.values:
            return self.values
        if self.step is None:
            raise ValueError("a grid needs `values`, or a range with a `step`")
        count = math.floor((self.high - self.low) / self.step + 1e-9) + 1
        found = (self.low + i * self.step for i in range(count))
        return tuple(round(x) if self.is_whole else round(x, 12) for x in found)

    def holds(self, value: Value) -> bool:
        """Whether the space has this value."""
        if self.values:
            return value in self.values
        return not isinstance(value, str) and self.low <= value <= self.high

    def as_json(self) -> dict[str, Any]:
        """As it was given; parsing this gives the same dimension."""
        out: dict[str, Any] = {}
        if self.values:
            out["values"] = list(self.values)
        else:
            out |= {"low": self.low, "high": self.high}
            out |= {"log": True} if self.log else {}
            out |= {"step": self.step} if self.step is not None else {}
        if self.when:
            out["when"] = {name: list(values) for name, values in self.when.items()}
        return out


@dataclass(frozen=True, slots=True)
class Space:
    """Dimensions in an order in which every condition is known before it is asked for.

    settings: those of all trials, which conditions may refer to as well.
    """

    dimensions: tuple[Dimension, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Dimension:
        return next(one for one in self.dimensions if one.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.dimensions)

    def suggest(self, trial: Suggests) -> Params:
        """The settings of one trial, asked for one after the other."""
        params: Params = {}
        for one in self.dimensions:
            if self._active(one, params):
                params[one.name] = one.suggest(trial)
        return params

    def _active(self, one: Dimension, params: Mapping[str, Any]) -> bool:
        return all(
            params.get(parent, None if self._has(parent) else self._usual(parent)) in values
            for parent, values in one.when.items()
        )

    def _has(self, name: str) -> bool:
        return any(one.name == name for one in self.dimensions)

    def _usual(self, name: str) -> Any:
        return self.settings.get(name, _DEFAULTS[name])

    def grid(self) -> Iterator[Params]:
        """Every combination of the grid, conditions kept. Raises `ConfigError` where a dimension has no points."""
        errors: dict[str, str] = {}
        for one in self.dimensions:
            try:
                one.points()
            except ValueError as problem:
                errors[f"space.{one.name}"] = str(problem)
        if errors:
            raise ConfigError(errors)
        return self._combine(self.dimensions, {})

    def _combine(self, rest: Sequence[Dimension], params: Params) -> Iterator[Params]:
        if not rest:
            yield params
            return
        first, *others = rest
        if not self._active(first, params):
            yield from self._combine(others, params)
            return
        for value in first.points():
            yield from self._combine(others, {**params, first.name: value})

    def grid_size(self) -> int:
        """Combinations of the grid; counted up to `MOST_COUNTED`. Raises `ConfigError`."""
        return sum(1 for _ in itertools.islice(self.grid(), MOST_COUNTED))

    def as_json(self) -> dict[str, Any]:
        return {one.name: one.as_json() for one in self.dimensions}


def parse_space(given: Any, settings: Mapping[str, Any] | None = None) -> Space:
    """A space from untyped input (JSON, YAML). settings: those of all trials, already checked.

    Raises `ConfigError`; its errors are named `space.<setting>`, or `space` for the whole.
    """
    settings = settings or {}
    if not isinstance(given, Mapping) or not given:
        raise ConfigError({"space": "must name at least one setting with its range or values"})
    found: dict[str, Dimension] = {}
    errors: dict[str, str] = {}
    for name, entry in given.items():
        try:
            found[str(name)] = _dimension(str(name), entry)
        except ValueError as problem:
            errors[f"space.{name}"] = str(problem)
    for name, one in found.items():
        for parent in one.when:
            if text := _condition_error(name, parent, given, found, one.when[parent]):
                errors[f"space.{name}"] = text
    if errors:
        raise ConfigError(errors)
    return Space(tuple(found[name] for name in _ordered(found)), dict(settings))


def _ordered(found: Mapping[str, Dimension]) -> list[str]:
    """By name, but every setting after those that its condition names; the same however they were given."""
    graph = {name: sorted(p for p in found[name].when if p in found) for name in sorted(found)}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as problem:
        circle = " -> ".join(problem.args[1])
        raise ConfigError({"space": f"conditions go round in a circle: {circle}"}) from problem


def _dimension(name: str, entry: Any) -> Dimension:
    """One entry of a space. Raises `ValueError`."""
    if name in FIXED:
        raise ValueError(f"cannot be searched over: {FIXED[name]}")
    checked(name, _DEFAULTS.get(name))
    if isinstance(entry, list | tuple):
        entry = {"values": entry}
    if not isinstance(entry, Mapping):
        raise ValueError("must be a list of values, or a range such as {low: 0.1, high: 0.9}")
    for key in entry:
        if key not in KEYS:
            close = difflib.get_close_matches(str(key), KEYS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"unknown key {key!r}{hint} (known: {', '.join(KEYS)})")
    when = _condition(entry.get("when"))
    if "values" in entry:
        return Dimension(name, values=_values(name, entry), when=when)
    return _range(name, entry, when)


def _values(name: str, entry: Mapping[str, Any]) -> tuple[Value, ...]:
    if extra := [key for key in ("low", "high", "log", "step") if key in entry]:
        raise ValueError(f"has `values` and `{extra[0]}`; give one or the other")
    given = entry["values"]
    if not isinstance(given, list | tuple) or not given:
        raise ValueError("the list of values is empty; name at least one")
    values = tuple(checked(name, value) for value in given)
    if len(set(values)) < len(values):
        raise ValueError("names a value twice")
    return values


def _range(name: str, entry: Mapping[str, Any], when: dict[str, tuple[Value, ...]]) -> Dimension:
    if isinstance(_DEFAULTS[name], str):
        raise ValueError("is a name, not a number; give it a list of `values`")
    if missing := [key for key in ("low", "high") if key not in entry]:
        raise ValueError(f"needs `{missing[0]}` (or a list of `values`)")
    step, log = entry.get("step"), entry.get("log", False)
    if not isinstance(log, bool):
        raise ValueError("`log` must be true or false")
    _refuse_log_of_zero(entry["low"], log)
    low, high = (_bound(name, key, entry[key]) for key in ("low", "high"))
    if low > high:
        raise ValueError(f"low {low:g} is above high {high:g}")
    if low == high:
        raise ValueError(f"low and high are both {low:g}: nothing to search, set it for all trials")
    if step is not None:
        step = _step(name, step, high - low)
        if log:
            raise ValueError("a range is either `log` or has a `step`; for a grid give `values`")
    return Dimension(name, low, high, log, step, when=when)


def _refuse_log_of_zero(low: Any, log: bool) -> None:
    try:
        number = float(low)
    except (TypeError, ValueError, OverflowError):
        return  # said in better words where the bound itself is read
    if log and number <= 0:
        raise ValueError(f"a `log` range must begin above 0, not at {number:g}")


def _bound(name: str, key: str, given: Any) -> float:
    try:
        return float(checked(name, given))
    except ValueError as problem:
        raise ValueError(f"{key} {problem}") from problem


def _step(name: str, given: Any, width: float) -> float:
    try:
        step = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError, OverflowError):
        step = math.nan
    if not 0 < step <= width:
        raise ValueError(f"step must be above 0 and at most {width:g}, not {given!r}")
    if type(_DEFAULTS[name]) is int and step != int(step):
        raise ValueError(f"step must be a whole number, not {given!r}")
    return step


def _condition(given: Any) -> dict[str, tuple[Value, ...]]:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not given:
        raise ValueError("`when` must name a setting and its value, such as {algorithm: ppo}")
    found: dict[str, tuple[Value, ...]] = {}
    for parent, values in given.items():
        several = values if isinstance(values, list | tuple) else [values]
        if not several:
            raise ValueError(f"`when` names no value of {parent}")
        try:
            found[str(parent)] = tuple(checked(str(parent), value) for value in several)
        except ValueError as problem:
            raise ValueError(f"`when` {parent}: {problem}") from problem
    return found


def _condition_error(
    name: str,
    parent: str,
    given: Mapping[Any, Any],
    found: Mapping[str, Dimension],
    values: Sequence[Value],
) -> str:
    """What is wrong with a condition, in words; empty where it is fine."""
    if parent == name:
        return "cannot depend on itself"
    if parent in found and not any(found[parent].holds(value) for value in values):
        return f"is never searched: {parent} does not take {', '.join(map(str, values))}"
    return ""


def checked(name: str, value: Any) -> Value:
    """A setting's value as the trainer reads it. Raises `ValueError` with the trainer's own words."""
    try:
        parsed: Value = getattr(parse_config({name: value}), name)
    except ConfigError as problem:
        raise ValueError(problem.errors.get(name, str(problem))) from problem
    except AttributeError:
        raise ValueError("unknown setting") from None
    return parsed
