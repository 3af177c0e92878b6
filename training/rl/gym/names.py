"""`gym:<id>` as a scenario: which ids are known. Gymnasium itself is imported only once somebody names such an id."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any

PREFIX = "gym:"


def gym_id(scenario: str) -> str | None:
    """The Gymnasium id that a scenario's name holds; None for a scenario of our own."""
    return scenario.removeprefix(PREFIX) if scenario.startswith(PREFIX) else None


def check(settings: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the settings of a run on a Gymnasium environment: a message per field.

    Only registered ids are taken: Gymnasium's own `module:id` would import any module that somebody names.
    """
    errors = {}
    wanted = gym_id(settings["scenario"])
    # By name, so that neither the web process nor its import contract ever sees Gymnasium.
    known = list(importlib.import_module("gymnasium").registry)
    if wanted not in known:
        close = difflib.get_close_matches(str(wanted), known, n=3, cutoff=0.5)
        hint = (
            f"did you mean {' or '.join(repr(PREFIX + name) for name in close)}?" if close else ""
        )
        errors["scenario"] = f"{wanted!r} is no registered Gymnasium id; {hint or 'see the list of environments at https://gymnasium.farama.org'}"  # fmt: skip
    if settings.get("algorithm", "ppo") != "ppo":
        errors["algorithm"] = "a Gymnasium environment is learned by ppo only"
    if settings.get("curriculum", "off") != "off":
        errors["curriculum"] = "a Gymnasium environment has no stages; leave it off"
    if settings.get("collectors", 1) != 1:
        errors["collectors"] = "Gymnasium environments are stepped in one process; leave it at 1"
    return errors
