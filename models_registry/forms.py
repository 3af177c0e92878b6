"""The form of a new API token."""

from __future__ import annotations

from django import forms
from django.core.validators import ProhibitNullCharactersValidator

from models_registry.services import MAX_NAME


class TokenForm(forms.Form):
    """Only a name: the secret is drawn by the server."""

    name = forms.CharField(
        label="Name",
        max_length=MAX_NAME,
        validators=[ProhibitNullCharactersValidator()],
        help_text="What will use it, for example: build server.",
        error_messages={"required": "give the token a name, so that you can tell it from others"},
        widget=forms.TextInput({"class": "form-control", "autocomplete": "off"}),
    )
