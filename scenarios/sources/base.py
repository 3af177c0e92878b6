"""A scenario that is a document: plain JSON that says what a built-in scenario says in Python."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from scenarios.core.scenario import Scenario
from scenarios.core.types import Json

Document = Mapping[str, Json]


class SourceError(ValueError):
    """A document that is no scenario. `mistakes` hold one line each, with the place and what to put there instead."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        super().__init__("; ".join(mistakes))


class SourceScenario(Scenario):
    """Base of the scenarios that a document makes. A pickled one is its document: another process compiles it again."""

    title: ClassVar[str]
    description: ClassVar[str] = ""
    kind: ClassVar[str]
    """Names the compiler of its documents, see `scenarios.sources.catalogue`."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def content_hash(self) -> str:
        return document_hash(self.document)

    def __reduce__(self) -> tuple[Callable[[Document], Scenario], tuple[Document]]:
        from scenarios.sources.catalogue import compiled  # noqa: PLC0415 (it imports every kind)

        return compiled, (self.document,)

    @classmethod
    @abstractmethod
    def of(cls, document: Document) -> SourceScenario:
        """The scenario that a document describes. Raises `SourceError` with every mistake."""


def document_hash(document: Document) -> str:
    """sha256 over the document as JSON. The order of keys counts: it is the order of tools' parameters."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def with_attributes(base: type[SourceScenario], values: Mapping[str, Any]) -> type[Any]:
    """A subclass that carries what a document says where a built-in scenario has class attributes."""
    return type(base.__name__, (base,), {**values, "__module__": base.__module__})
