"""A unit: a few lines of Python that a file is put together from, with or without something to find in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from scenarios.library.code_review.source import FileKind, Piece, module

EVERYWHERE: tuple[FileKind, ...] = ("module", "script", "test", "package")
SHIPPED: tuple[FileKind, ...] = ("module", "script")
"""Files that run in production: what is wrong there may be fine in a test."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A template. `NOUN` and `Noun` in it are replaced by a name that the split can draw.

    rule: what the tools say of it; empty: nothing. defect: whether that is a defect by the rules of the house, or a
    pattern that a linter complains about and that is meant so. where: kinds of files that it can stand in.
    """

    rule: str
    source: str
    defect: bool = False
    where: tuple[FileKind, ...] = EVERYWHERE

    def piece(self, noun: str) -> Piece:
        """The unit with a name filled in; its leading import lines are kept apart."""
        return _piece(self.source, noun)


@lru_cache(maxsize=20_000)
def _piece(template: str, noun: str) -> Piece:
    text = template.replace("NOUN", noun).replace("Noun", noun.capitalize())
    lines = text.strip("\n").split("\n")
    count = sum(line.startswith(("import ", "from ")) for line in lines)
    imports = tuple(sorted(lines[:count]))
    body = tuple("\n".join(lines[count:]).lstrip("\n").split("\n")) if lines[count:] else ()
    return Piece(imports, body, module(imports, body))


def bad(rule: str, source: str, where: tuple[FileKind, ...] = EVERYWHERE) -> Unit:
    """A unit with a defect that this rule finds."""
    return Unit(rule, source, defect=True, where=where)


def fine(rule: str, source: str, where: tuple[FileKind, ...] = EVERYWHERE) -> Unit:
    """A unit that this rule complains about although it is meant so."""
    return Unit(rule, source, where=where)


def clean(source: str, where: tuple[FileKind, ...] = EVERYWHERE) -> Unit:
    """A unit that no tool has anything to say about."""
    return Unit("", source, where=where)
