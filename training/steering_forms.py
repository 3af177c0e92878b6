"""Forms that steer a run: change its settings while it goes on, or branch off from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms

from training import budget, changes
from training.forms import field_of
from training.models import Checkpoint, Run
from training.rl.config import LIVE, SPECS, ConfigError, parse_changes, parse_config

if TYPE_CHECKING:
    _ChoiceField = forms.ModelChoiceField[Checkpoint]
else:  # Django's form classes take no type arguments at run time
    _ChoiceField = forms.ModelChoiceField


class ChangeForm(forms.Form):
    """The settings that may change, filled in with what they are. Values stay text: the trainer's parser reads them."""

    def __init__(self, run: Run, data: Mapping[str, Any] | None = None) -> None:
        self.before = changes.config_of(run, waiting=True)
        initial = {name: _shown(self.before[name]) for name in LIVE if name in self.before}
        super().__init__(data, initial=initial, auto_id="change_%s")
        for name in LIVE:
            self.fields[name] = field_of(name, SPECS[name])

    def clean(self) -> dict[str, Any]:
        """The settings that differ, as text; a field left empty stays as it is."""
        values = {n: v for n, v in self.given().items() if v != self.initial.get(n)}
        try:
            parse_changes(parse_config(self.before), values)
        except ConfigError as problem:
            self.add_config_errors(problem)
        return values

    def given(self) -> dict[str, Any]:
        """All settings that are filled in."""
        cleaned = self.cleaned_data
        return {name: cleaned[name] for name in LIVE if cleaned.get(name) not in ("", None)}

    def add_config_errors(self, problem: ConfigError) -> None:
        """One message per field; what belongs to no field of the form stands on top of it."""
        for name, message in problem.errors.items():
            self.add_error(name if name in self.fields else None, message.capitalize())


class _PlaceField(_ChoiceField):
    def label_from_instance(self, obj: Checkpoint) -> str:
        return f"{obj.episodes:,} episodes"


class BranchForm(ChangeForm):
    """A checkpoint, the settings to change there, and the new run's budgets."""

    def __init__(self, run: Run, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(run, data)
        found = run.checkpoints.order_by("-update")
        place = _PlaceField(
            found,
            label="Checkpoint",
            help_text="Where the new run begins.",
            initial=found.first(),
            empty_label=None,
            widget=forms.Select({"class": "form-select"}),
        )
        self.fields = {"checkpoint": place, **self.fields}
        for name, spec in budget.SPECS.items():
            self.fields[name] = field_of(name, spec)

    def clean(self) -> dict[str, Any]:
        super().clean()
        try:
            limits = budget.limits({name: self.cleaned_data.get(name) for name in budget.SPECS})
        except ConfigError as problem:
            self.add_config_errors(problem)
            limits = {}
        return {
            # All of them: the checkpoint may be from before a change that the form shows.
            "values": self.given(),
            "limits": limits,
            "checkpoint": self.cleaned_data.get("checkpoint"),
        }


def _shown(value: Any) -> str:
    """A setting as text that reads back as the same value."""
    return str(value) if isinstance(value, str | int) else repr(value)


def waiting_words(run: Run) -> list[str]:
    """Changes that have not taken effect yet, in words."""
    return [changes.words(change) for change in changes.waiting(run)]
