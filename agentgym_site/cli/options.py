"""The settings of a training run as options: parsed, ranged and worded by `training.rl.config`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import typer

from agentgym_site.cli.exits import USAGE, CommandError, as_option, bad_option
from training import budget
from training.rl.config import SPECS, ConfigError, TrainConfig
from training.tuning.config import SPECS as STUDY_SPECS
from training.tuning.config import StudyConfig
from training.tuning.objectives import OBJECTIVES

_DEFAULTS = {field.name: field.default for field in fields(TrainConfig)}
_STUDY = StudyConfig().as_json()


def setting(name: str) -> Any:
    """The typer option of one setting, with its help, range and default."""
    spec, default = SPECS[name], _DEFAULTS[name]
    text = [spec.help]
    if spec.choices:
        text.append(f"One of: {', '.join(spec.choices)}.")
    if spec.low is not None and spec.high is not None:
        low, high = (f"{bound:,.0f}" for bound in (spec.low, spec.high))
        text.append(f"{'Above ' if spec.open_low else ''}{low} to {high}.")
    metavar = {int: "INTEGER", float: "NUMBER"}.get(type(default), "NAME")
    # Text, so that the config's own parser words every error, here as in the portal and the API.
    return typer.Option(
        as_option(name),
        metavar=metavar,
        help=" ".join([*text, f"Default: {default}."]),
        show_default=False,
    )


def budget_option(name: str) -> Any:
    """The typer option of one budget."""
    text = budget.SPECS[name].help
    return typer.Option(as_option(name), metavar="NUMBER", help=text, show_default=False)


def study_option(name: str, metavar: str = "NUMBER", option: str = "") -> Any:
    """The typer option of one field of a study."""
    spec, default = STUDY_SPECS[name], _STUDY[name]
    text = [spec.help]
    if spec.choices:
        text.append(f"One of: {', '.join(spec.choices)}.")
    if name == "objectives":
        text.append(f"One of: {', '.join(OBJECTIVES)}; may be given several times.")
    elif name != "space" and default is not None:
        text.append(f"Default: {default}.")
    return typer.Option(
        as_option(option or name), metavar=metavar, help=" ".join(text), show_default=False
    )


def train_config(
    given: dict[str, str | None], assignments: Iterable[str]
) -> tuple[TrainConfig, dict[str, Any]]:
    """The config of these options (None: not given) and of `--set name=value`, and the values as they were given.

    Raises `CommandError` naming every bad option.
    """
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    named = {name: as_option(name) for name in values}
    for text in assignments:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise bad_option("--set", f"must look like NAME=VALUE, not {text!r}")
        values[name], named[name] = value.strip(), f"--set {name}"
    try:
        return budget.parse(values)[0], values
    except ConfigError as problem:
        errors = {named.get(name, name): text for name, text in problem.errors.items()}
        lines = [f"{option}: {text}" for option, text in errors.items()]
        raise CommandError("\n       ".join(lines), USAGE, errors) from problem


def free_directory(path: Path | None) -> Path | None:
    """`path` where a bundle may be written to. Raises `CommandError` where something is there or cannot be."""
    if path is None:
        return None
    path = path.expanduser().absolute()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise bad_option("--output-dir", f"{path} is already there; name a new or an empty folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(exist_ok=True)
    except OSError as problem:
        reason = f"{path} cannot be made: {problem.strerror}; name another folder"
        raise bad_option("--output-dir", reason) from problem
    return path
