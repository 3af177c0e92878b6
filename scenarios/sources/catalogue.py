"""Which scenario a name means: a built-in one, or one whose document this process was given."""

from __future__ import annotations

from functools import lru_cache

import orjson

from scenarios.core.registry import UnknownKey
from scenarios.core.scenario import Scenario
from scenarios.library import library
from scenarios.sources.base import Document, SourceError, SourceScenario
from scenarios.sources.spec import SpecScenario
from scenarios.sources.traces.scenario import TraceScenario

KINDS: tuple[type[SourceScenario], ...] = (SpecScenario, TraceScenario)

_provided: dict[str, Document] = {}


def provide(key: str, document: Document) -> None:
    """Give this process the document that `key` stands for, in place of an earlier one."""
    _provided[key] = document


def find(key: str) -> Scenario:
    """The scenario of this name. Raises `UnknownKey`, or `SourceError` for a document with mistakes."""
    if key in _provided:
        return compiled(_provided[key])
    known = library.keys()
    if key not in known:
        raise UnknownKey(key, sorted({*known, *_provided}), "scenario")
    return library.get(key)()


def compiled(document: Document) -> Scenario:
    """The scenario that a document describes. Raises `SourceError` with every mistake."""
    return _compiled(orjson.dumps(document))


@lru_cache(maxsize=16)
def _compiled(text: bytes) -> Scenario:
    document = orjson.loads(text)
    kinds = {kind.kind: kind for kind in KINDS}
    kind = document.get("kind") if isinstance(document, dict) else None
    if not isinstance(kind, str) or kind not in kinds:
        raise SourceError([f"kind: must be one of {', '.join(kinds)}, not {kind!r}"])
    return kinds[kind].of(document)
