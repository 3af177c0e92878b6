"""The scenario that `agentgym scenario new` writes, for the tests of what users bring."""

from __future__ import annotations

from typing import Any

from scenarios.sources.spec import start
from scenarios.sources.yaml_text import read_yaml

KEY = "loan_desk"


def text(*changes: tuple[str, str]) -> str:
    """The start, with each old piece replaced by a new one (which has to be there)."""
    found = start(KEY)
    for old, new in changes:
        assert old in found, old
        found = found.replace(old, new, 1)
    return found


def document(*changes: tuple[str, str]) -> dict[str, Any]:
    value: dict[str, Any] = read_yaml(text(*changes)).value
    return value
