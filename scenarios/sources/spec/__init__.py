"""Scenarios from a YAML file: tools, tables, what the tools do, what users say, and what has to come of it."""

from __future__ import annotations

from pathlib import Path

from scenarios.sources.spec.scenario import SpecScenario

__all__ = ["SpecScenario", "start"]


def start(key: str) -> str:
    """A commented scenario to begin with, as YAML text."""
    text = (Path(__file__).parent / "start.yaml").read_text(encoding="utf-8")
    title = key.replace("_", " ").replace("-", " ").capitalize()
    # The first of each only: further down, {title} is a slot of a book.
    return text.replace("key: {key}", f"key: {key}", 1).replace(
        "title: {title}", f"title: {title}", 1
    )
