"""The start form, built from the trainer's own specification, so that the two cannot drift apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from django import forms
from django.forms import BoundField

from scenarios.models import Scenario
from training import budget
from training.rl.algorithms import algorithms
from training.rl.config import SPECS, ConfigError, Spec, TrainConfig
from training.templatetags.figures import significant

BASIC = ("scenario", "difficulty", "episodes", "seed")
_DEFAULTS = TrainConfig().as_json()
_SELECT = {"class": "form-select"}


class StartForm(forms.Form):
    """Settings of a new run. Values stay text: `budget.parse` reads them, here as for the API and the CLI."""

    submission = forms.CharField(widget=forms.HiddenInput, required=False, max_length=40)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in fields(TrainConfig):
            self.fields[field.name] = field_of(field.name, SPECS[field.name])
        for name, spec in budget.SPECS.items():
            self.fields[name] = field_of(name, spec)

    def clean(self) -> dict[str, Any]:
        """Adds the trainer's own message to each field that it refuses."""
        values = {name: value for name, value in _settings(self).items() if value not in ("", None)}
        try:
            budget.parse(values)
        except ConfigError as problem:
            self.add_config_errors(problem)
        return values

    def add_config_errors(self, problem: ConfigError) -> None:
        """One message per field; what belongs to no field of the form stands on top of it."""
        for name, message in problem.errors.items():
            self.add_error(name if name in self.fields else None, message)

    @property
    def basic(self) -> list[BoundField]:
        """The few settings that everybody looks at."""
        return [self[name] for name in BASIC]

    @property
    def advanced(self) -> list[BoundField]:
        return [self[name] for name in (*SPECS, *budget.SPECS) if name not in BASIC]

    @property
    def has_advanced_errors(self) -> bool:
        return any(field.errors for field in self.advanced)


def _settings(form: forms.Form) -> dict[str, Any]:
    """The settings among a form's cleaned values."""
    known = SPECS.keys() | budget.SPECS.keys()
    return {name: value for name, value in form.cleaned_data.items() if name in known}


def field_of(name: str, spec: Spec) -> forms.Field:
    """The form field of one setting or budget, which has text in it either way."""
    shared: dict[str, Any] = {
        "label": spec.label,
        "help_text": _help(name, spec),
        "required": False,
        "initial": _DEFAULTS.get(name),
    }
    if choices := _choices(name, spec):
        return forms.CharField(**shared, widget=forms.Select(_SELECT, choices))
    keyboard = {int: "numeric", float: "decimal"}.get(type(_DEFAULTS.get(name, 0.0)), "text")
    attributes = {"class": "form-control", "inputmode": keyboard, "autocomplete": "off"}
    return forms.CharField(
        **shared,
        max_length=300 if keyboard == "text" else 30,
        widget=forms.TextInput(attributes),
    )


def _choices(name: str, spec: Spec) -> list[tuple[str, str]]:
    if name == "scenario":
        return list(Scenario.objects.filter(builtin=True).values_list("key", "title"))
    if name == "algorithm":
        return [(key, algorithms.about(key)[0].partition(":")[0]) for key in algorithms.keys()]  # noqa: SIM118 (a registry)
    return [(choice, choice.capitalize()) for choice in spec.choices]


def _help(name: str, spec: Spec) -> str:
    if spec.low is None or spec.high is None or name not in _DEFAULTS:
        return spec.help
    start = "Above" if spec.open_low else "From"
    low, high, usual = (significant(value) for value in (spec.low, spec.high, _DEFAULTS[name]))
    return f"{spec.help} {start} {low} to {high}; usually {usual}."


def settings_table(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A run's settings for people: label, value, and whether it is the usual one."""
    return [
        {
            "label": spec.label,
            "help": spec.help,
            "value": config[name],
            "usual": config[name] == _DEFAULTS[name],
        }
        for name, spec in SPECS.items()
        if name in config and name != "scenario"
    ]
