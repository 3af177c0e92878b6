"""Forms of studies. Values stay text: the study's own parser reads them, here as for the API and the command line."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms import BoundField

from scenarios.models import Scenario
from training.rl.config import ConfigError
from training.studies_page import form_errors
from training.tuning.config import PRUNERS, SAMPLERS, SPECS, StudyConfig, parse_study
from training.tuning.objectives import OBJECTIVES
from training.tuning.text import read_text

BASIC = ("scenario", "name", "sampler", "pruner", "trials", "jobs")
_DEFAULTS = StudyConfig().as_json()
_SELECT = {"class": "form-select"}
_SETTINGS = "episodes: 5000"
_SPACE = """learning_rate: {low: 1e-5, high: 1e-2, log: true}
batch_size: [128, 256, 512, 1024]
discount_factor: {low: 0.9, high: 0.999}
"""
_HINTS = {
    "settings": "One a line, such as episodes: 5000. What is left out takes its default.",
    "space": "One setting a line: a list of values, or a range. {low: 0.1, high: 0.4, when: {algorithm: ppo}} makes one conditional.",
}
MAX_TEXT = 20_000


class StudyForm(forms.Form):
    """A new study."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scenarios = list(Scenario.objects.filter(builtin=True).values_list("key", "title"))
        self.fields["scenario"] = forms.CharField(
            label="Scenario", widget=forms.Select(_SELECT, scenarios), initial="customer_support"
        )
        self.fields["name"] = forms.CharField(
            label="Name", required=False, max_length=100,
            widget=forms.TextInput({"class": "form-control", "autocomplete": "off"}),
        )  # fmt: skip
        for name in SPECS:
            self.fields[name] = _field(name)

    def clean(self) -> dict[str, Any]:
        """The study's values; every message of its parser stands at its field."""
        values = {
            n: v for n, v in self.cleaned_data.items() if v not in ("", None, []) and n != "name"
        }
        for name in ("settings", "space"):
            if name in values:
                values[name] = self._read(name, values[name])
        if self.errors:
            return values
        try:
            parse_study(values)
        except ConfigError as problem:
            self.add_config_errors(problem)
        return values

    def _read(self, name: str, text: str) -> Any:
        try:
            return read_text(text)
        except ValueError as problem:
            self.add_error(name, str(problem).capitalize())
            return None

    def add_config_errors(self, problem: ConfigError) -> None:
        for name, messages in form_errors(problem).items():
            for message in messages:
                self.add_error(name if name in self.fields else None, message)

    @property
    def basic(self) -> list[BoundField]:
        return [self[name] for name in BASIC]

    @property
    def texts(self) -> list[BoundField]:
        return [self[name] for name in ("space", "settings")]

    @property
    def advanced(self) -> list[BoundField]:
        first = (*BASIC, "space", "settings", "objectives")
        return [self[name] for name in SPECS if name not in first]

    @property
    def has_advanced_errors(self) -> bool:
        return any(field.errors for field in self.advanced)


def _field(name: str) -> forms.Field:
    spec = SPECS[name]
    shared: dict[str, Any] = {"label": spec.label, "help_text": _HINTS.get(name, spec.help), "required": False}  # fmt: skip
    if name in ("settings", "space"):
        return forms.CharField(
            **shared,
            initial=_SPACE if name == "space" else _SETTINGS,
            max_length=MAX_TEXT,
            widget=forms.Textarea(
                {
                    "class": "form-control mono",
                    "rows": 6,
                    "spellcheck": "false",
                    "autocomplete": "off",
                }
            ),
        )
    if name == "objectives":
        choices = [(one.key, one.label) for one in OBJECTIVES.values() if one.key != "return"]
        return forms.MultipleChoiceField(
            **shared, choices=choices, initial=["success"], widget=forms.CheckboxSelectMultiple
        )
    if spec.choices:
        labels = {**{key: label for key, (label, _) in SAMPLERS.items()}, **PRUNERS}
        choices = [(choice, labels[choice]) for choice in spec.choices]
        return forms.CharField(
            **shared, initial=_DEFAULTS[name], widget=forms.Select(_SELECT, choices)
        )
    return _number(name)


def _number(name: str) -> forms.Field:
    spec, default = SPECS[name], _DEFAULTS[name]
    keyboard = "numeric" if isinstance(default, int) else "decimal"
    return forms.CharField(
        label=spec.label,
        help_text=spec.help,
        required=False,
        initial=default,
        max_length=30,
        widget=forms.TextInput(
            {"class": "form-control", "inputmode": keyboard, "autocomplete": "off"}
        ),
    )


class ExtendForm(forms.Form):
    """Another total of trials, time, cost, or trials at the same time."""

    def __init__(self, config: dict[str, Any], data: Any = None) -> None:
        names = ("trials", "jobs", "timeout", "max_cost")
        super().__init__(
            data, initial={name: config.get(name) for name in names}, auto_id="extend_%s"
        )
        for name in names:
            self.fields[name] = _number(name)

    def changed(self) -> dict[str, Any]:
        """What differs from what holds now; a field left empty means none."""
        found = {}
        for name, text in self.cleaned_data.items():
            before = self.initial.get(name)
            if text != ("" if before is None else str(before)):
                found[name] = text
        return found
