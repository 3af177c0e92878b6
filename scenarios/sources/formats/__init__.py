"""Formats of recorded conversations: one reader per file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.core.registry import Registry

if TYPE_CHECKING:
    from scenarios.sources.formats.base import Format

formats: Registry[Format] = Registry(
    __name__, "scenarios.sources.formats.base:Format", "trace format"
)
