"""A first price book, so that the cost of an LLM loop can be shown; the admin edits it."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from django.db import migrations

AS_OF = datetime.date(2026, 11, 1)
PRICES = [
    ("gpt-4o-mini-class reference", "0.15", "0.60", True),
    ("gpt-4o-class", "2.50", "10.00", False),
    ("frontier-class", "5.00", "25.00", False),
]


def write(apps: Any, schema_editor: Any) -> None:
    price = apps.get_model("models_registry", "Price")
    for model, incoming, outgoing, reference in PRICES:
        price.objects.get_or_create(
            model=model,
            defaults={
                "input_per_million": Decimal(incoming),
                "output_per_million": Decimal(outgoing),
                "as_of": AS_OF,
                "is_reference": reference,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("models_registry", "0001_initial")]

    # Backwards the table goes anyway; prices that somebody edited are not ours to delete.
    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
