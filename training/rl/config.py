"""What a run is told: one flat, validated, frozen dataclass. No torch here, because web forms read it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, fields
from typing import Any

from scenarios.core.registry import UnknownKey
from scenarios.core.types import DIFFICULTIES, SHARING, Difficulty, Sharing
from scenarios.sources.names import is_key
from training.rl.algorithms import algorithms
from training.rl.curriculum import OFF, ON, parse
from training.rl.gym import names
from training.rl.gym.presets import with_preset


class ConfigError(ValueError):
    """Bad configuration. `errors` maps each field's name to a message that says what to put there instead."""

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{name}: {message}" for name, message in errors.items()))


@dataclass(frozen=True, slots=True)
class Spec:
    """Bounds, label and help text of one field; forms, API and CLI all show these."""

    label: str
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    open_low: bool = False


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Everything that decides a training run. Equal configs give bit-identical results on one build of torch."""

    scenario: str = "customer_support"
    difficulty: Difficulty = "medium"
    algorithm: str = "ppo"
    curriculum: str = "off"
    episodes: int = 30_000
    steps: int = 0
    warm_start: float = 0.8
    seed: int = 0
    learning_rate: float = 6e-4
    batch_size: int = 512
    discount_factor: float = 0.95
    gae_lambda: float = 0.9
    clip_range: float = 0.2
    entropy_coefficient: float = 0.002
    kl_leash: float = 0.0
    group_size: int = 8
    update_epochs: int = 3
    reward_sharing: Sharing = "shared"
    sharing_weight: float = 0.5
    critic: str = "shared"
    environments: int = 64
    collectors: int = 2
    rollout_steps: int = 32
    device: str = "auto"
    checkpoint_interval: int = 4_000
    validation_interval: int = 0
    evaluation_tasks: int = 400
    evaluation_attempts: int = 8

    @property
    def demonstrations(self) -> int:
        """Episodes of the warm start."""
        return round(self.episodes * self.warm_start)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


SPECS: dict[str, Spec] = {
    "scenario": Spec("Scenario", "What the agent is trained for."),
    "difficulty": Spec(
        "Difficulty", "How hard the training and test tasks are.", choices=DIFFICULTIES
    ),
    "algorithm": Spec("Algorithm", "What updates the policy."),
    "curriculum": Spec(
        "Curriculum",
        "off; on: easy tasks first, harder ones on success; or stages such as 'easy promote=0.9; medium; hard'.",
    ),
    "episodes": Spec("Episodes", "Attempts at tasks to learn from.", 1, 10_000_000),
    "steps": Spec(
        "Steps",
        "Decisions to learn from, where they run out before the episodes do. 0: no such limit.",
        0,
        1_000_000_000,
    ),
    "warm_start": Spec(
        "Warm start",
        "Share of these episodes, the first ones, in which the oracle shows the way. 0: reward alone decides.",
        0.0,
        1.0,
    ),
    "seed": Spec("Seed", "The same seed gives the same result, bit for bit.", 0, 2**31 - 1),
    "learning_rate": Spec(
        "Learning rate", "Step size of the optimizer at the start.", 0.0, 1.0, open_low=True
    ),
    "batch_size": Spec("Batch size", "Decisions per gradient step.", 8, 65_536),
    "discount_factor": Spec("Discount factor", "How much a later reward counts.", 0.0, 1.0),
    "gae_lambda": Spec("GAE lambda", "Bias against variance of the advantages.", 0.0, 1.0),
    "clip_range": Spec(
        "Clip range", "How far one update may move a decision's odds.", 0.0, 1.0, open_low=True
    ),
    "entropy_coefficient": Spec(
        "Entropy coefficient", "Reward for staying undecided; keeps exploring.", 0.0, 1.0
    ),
    "kl_leash": Spec(
        "KL leash",
        "How strongly the policy is held near what the warm start ended with. 0: not at all.",
        0.0,
        100.0,
    ),
    "group_size": Spec("Group size", "Attempts at the same task that grpo compares.", 2, 256),
    "reward_sharing": Spec(
        "Reward sharing",
        "Teams only. What each member is paid: the team's sum, what it earned itself, a weighted mean of both, or what "
        "it earned less what the others did on average (zero-sum).",
        choices=SHARING,
    ),
    "sharing_weight": Spec(
        "Sharing weight",
        "Teams only. Weight of the team's sum where sharing is weighted.",
        0.0,
        1.0,
    ),
    "critic": Spec(
        "Critic",
        "Teams only. shared: one value that reads what the whole team has seen (MAPPO); independent: each member's own "
        "(IPPO).",
        choices=("shared", "independent"),
    ),
    "update_epochs": Spec("Update epochs", "Passes over each batch of experience.", 1, 50),
    "environments": Spec("Environments", "Conversations simulated side by side.", 1, 4_096),
    "collectors": Spec(
        "Collectors",
        "Processes that simulate conversations; part of what makes a run repeatable.",
        1,
        16,
    ),
    "rollout_steps": Spec("Rollout steps", "Decisions per environment between updates.", 1, 4_096),
    "device": Spec(
        "Device",
        "Where updates run. auto: on a GPU where one is there and is quicker; what was chosen, and why, stands among the events.",
        choices=("auto", "cpu", "cuda"),
    ),
    "checkpoint_interval": Spec(
        "Checkpoint interval", "Episodes between checkpoints on disk.", 1, 10_000_000
    ),
    "validation_interval": Spec(
        "Validation interval",
        "Episodes between two looks at validation tasks, which are never trained on. 0: none.",
        0,
        10_000_000,
    ),
    "evaluation_tasks": Spec(
        "Test tasks", "Held-out tasks that the evidence is computed on.", 1, 100_000
    ),
    "evaluation_attempts": Spec(
        "Attempts per test task", "Needed for pass^k; 8 gives pass^8.", 1, 64
    ),
}


LIVE = (
    "learning_rate",
    "entropy_coefficient",
    "episodes",
    "checkpoint_interval",
    "validation_interval",
    "curriculum",
)
"""Settings that may change while a run goes on."""


def parse_changes(config: TrainConfig, values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that `values` would change in a run that goes on, typed. Raises `ConfigError` like `parse_config`."""
    fixed = {name: "cannot be changed while a run goes on" for name in values if name not in LIVE}
    known = {field.name for field in fields(TrainConfig)}
    if errors := {name: text for name, text in fixed.items() if name in known}:
        raise ConfigError(errors)
    new = parse_config({**config.as_json(), **values})
    return {
        name: value
        for name, value in new.as_json().items()
        if value != getattr(config, name) and name in LIVE
    }


def parse_config(values: Mapping[str, Any]) -> TrainConfig:
    """A config from untyped input (form, JSON, command line); missing fields take their defaults.

    Raises `ConfigError` with one message per bad field: unknown names with the nearest known one, wrong types, values
    out of range, NaN.
    """
    known = {field.name: field for field in fields(TrainConfig)}
    errors: dict[str, str] = {}
    parsed: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
            errors[str(name)] = f"unknown setting; {hint}"
            continue
        try:
            parsed[name] = _parse(known[name], value)
        except ValueError as problem:
            errors[name] = str(problem)
    parsed = with_preset(parsed)
    _check_plugins(parsed, errors)
    _check_curriculum(parsed, errors)
    if errors:
        raise ConfigError(errors)
    return TrainConfig(**parsed)


def _parse(field: Field[Any], value: Any) -> Any:
    kind, spec = type(field.default), SPECS[field.name]
    if kind is str:
        return _text(spec, value)
    if isinstance(value, bool) or value is None:
        raise ValueError(f"must be a number, not {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"must be a number, not {value!r}") from None
    if not math.isfinite(number):
        raise ValueError("must be a finite number")
    if kind is int:
        if number != int(number):
            raise ValueError(f"must be a whole number, not {value!r}")
        number = int(number)
    _check_range(spec, number)
    return number


def _text(spec: Spec, value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("must be text")
    if spec.choices and value not in spec.choices:
        close = difflib.get_close_matches(value, spec.choices, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"must be one of {', '.join(spec.choices)}{hint}")
    return value


def _check_range(spec: Spec, number: float) -> None:
    low, high = spec.low or 0, math.inf if spec.high is None else spec.high
    if number < low or number > high or (spec.open_low and number == low):
        above = "above" if spec.open_low else "at least"
        raise ValueError(
            f"must be {above} {_plain(low)} and at most {_plain(high)}, not {_plain(number)}"
        )


def _plain(number: float) -> str:
    return f"{int(number):,}" if number == int(number) else f"{number:g}"


def _check_plugins(parsed: Mapping[str, Any], errors: dict[str, str]) -> None:
    scenario = parsed.get("scenario")
    if scenario is not None and names.gym_id(scenario) is not None:
        errors.update(names.check(parsed))
    elif scenario is not None and not is_key(scenario):
        # Whether there is such a scenario is known where scenarios are: in a database, or a file.
        errors["scenario"] = "must be the name of a scenario: lower-case letters, digits, - and _"
    if "algorithm" in parsed:
        try:
            algorithms.known(parsed["algorithm"])
        except UnknownKey as problem:
            errors["algorithm"] = str(problem)


def _check_curriculum(parsed: Mapping[str, Any], errors: dict[str, str]) -> None:
    setting = parsed.get("curriculum", OFF)
    if setting not in (OFF, ON):
        try:
            parse(setting)
        except ValueError as problem:
            errors["curriculum"] = str(problem)
