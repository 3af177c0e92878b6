"""Values that an argument can be pointed at: spans of the conversation, leaves of tool results, schema enums.

Nothing is generated. Each candidate carries a bag (what it is, where it comes from, what stands beside it) and a few
numbers (how recent it is, how well the record it belongs to matches the user's words).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from models_registry.policies.bags import Bag, bag
from scenarios.core.types import Json

MAX_LEAVES = 60
"""Leaves taken from one tool result; a longer one is cut, so that a huge answer cannot stall a decision."""

_SPANS = (
    ("email", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("date", re.compile(r"\b\d{4}-\d{2}-\d{2}\b")),
    ("id", re.compile(r"\b[A-Za-z]{1,8}[-_]\w*\d[\w-]*|\b[A-Z]{1,4}\d{3,}\b")),
    ("quoted", re.compile(r"[\"\u201c']([^\"\u201d']{1,60})[\"\u201d']")),
    ("name", re.compile(r"\b[A-Z][\w'\u2019-]+(?: [A-Z][\w'\u2019-]+)+")),
    ("code", re.compile(r"(?<![\w.@-])\d{4,10}(?![\w@-]|\.\d)")),
    ("number", re.compile(r"(?<![\w@-])\d+(?:\.\d+)?(?![\w@-])")),
)
_CURRENCIES = ("$", "€", "£")
_CATEGORY = re.compile(r"[a-z][a-z_ /-]{0,27}")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+|\s*[|\]\[]\s*")


@dataclass(slots=True)
class Candidate:
    """One value with what is known of it. `overlap`: how many values of its record the user has mentioned."""

    value: Json
    key: str
    path: str
    bag: Bag
    source: str
    turn: int
    position: int = 0
    siblings: tuple[Json, ...] = ()
    allowed: int = 0
    """Bit set of the checks that the value passes; see `ToolSet.passed`."""
    overlap: int = 0
    mentioned: bool = False


def sentences(text: str) -> list[str]:
    """The sentences of a text, by line ends and closing marks; marks inside an address or a number do not count."""
    return [found for part in _SENTENCE_END.split(text) if (found := part.strip())]


def from_text(text: str, turn: int) -> Iterator[Candidate]:
    """Entities of a user's turn, its sentences, and the whole of it."""
    for kind, pattern in _SPANS:
        for position, match in enumerate(pattern.finditer(text)):
            raw = match.group(match.lastindex or 0)
            prefix = raw.split("-")[0] if kind == "id" else ""
            tokens = [
                "src:user",
                f"kind:{kind}",
                f"first:{position == 0}",
                f"prefix:{prefix}",
                f"turn:{min(turn, 1)}",
            ]
            if kind in ("number", "code"):  # a sum, a code and a count look different
                whole, _, fraction = raw.partition(".")
                money = text[: match.start()].rstrip().endswith(_CURRENCIES)
                tokens += [f"digits:{len(whole)}", f"fraction:{bool(fraction)}", f"money:{money}"]
            yield Candidate(
                raw, kind, kind, bag(tuple(tokens)), "user", turn, position, mentioned=True
            )
            if kind in ("number", "code"):
                number = float(raw) if "." in raw else int(raw)
                yield Candidate(
                    number,
                    "number",
                    "number",
                    bag((*tokens, "as:number")),
                    "user",
                    turn,
                    position,
                    mentioned=True,
                )
    for position, sentence in enumerate(sentences(text)):
        if len(sentence) > 12:
            where = ("src:user", "kind:sentence", f"at:{min(position, 3)}", f"turn:{min(turn, 1)}")
            yield Candidate(sentence, "sentence", "sentence", bag(where), "user", turn, position)
    yield Candidate(
        text,
        "message",
        "message",
        bag(("src:user", "kind:message", f"turn:{min(turn, 1)}")),
        "user",
        turn,
    )


@dataclass(slots=True)
class _Record:
    """One JSON object of a result: its scalar values, and the tokens that describe its categorical ones."""

    values: tuple[Json, ...]
    tokens: tuple[str, ...]


_NO_RECORD = _Record((), ())


Leaf = tuple[str, int, Json, _Record]
"""Path, position in its list, scalar, the record it stands in."""


def leaves(value: Json) -> list[Leaf]:
    """The first `MAX_LEAVES` leaves that are not null."""
    found: list[Leaf] = []
    _gather(value, "", _NO_RECORD, 0, found)
    return found[:MAX_LEAVES]


def _gather(value: Json, path: str, record: _Record, at: int, found: list[Leaf]) -> None:
    if len(found) >= MAX_LEAVES:
        return
    if isinstance(value, dict):
        record = _record(value)
        for key, inner in value.items():
            _gather(inner, f"{path}.{key}" if path else key, record, at, found)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            _gather(inner, f"{path}[]", record, position, found)
    elif value is not None:
        found.append((path, at, value, record))


def _record(value: dict[str, Json]) -> _Record:
    scalars = [(k, v) for k, v in value.items() if not isinstance(v, dict | list)]
    return _Record(
        tuple(v for _, v in scalars if v is not None and not isinstance(v, bool)),
        tuple(f"sib:{k}={c}" for k, v in scalars if (c := categorical(v)) is not None),
    )


def categorical(value: Json) -> str | None:
    """A short text for values that are one of a few (a status, a flag), None for free text and numbers."""
    if isinstance(value, str):
        return value if _CATEGORY.fullmatch(value) else None
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return None


def from_result(tool: str, found: Sequence[Leaf], turn: int) -> Iterator[Candidate]:
    """The leaves of a tool's result, each with its JSON path and the record it stands in."""
    for path, position, value, record in found:
        key = path.rsplit(".", 1)[-1].removesuffix("[]")
        tokens = [
            "src:result",
            f"from:{tool}",
            f"key:{key}",
            f"path:{path}",
            f"at:{min(position, 3)}",
        ]
        own = categorical(value)
        if own is not None:
            tokens.append(f"val:{own}")
        described = bag((*tokens, *record.tokens))
        yield Candidate(value, key, path, described, "result", turn, position, record.values)


def from_schema(name: str, schema: Mapping[str, Json]) -> list[Candidate]:
    """Enum values, the default, and both booleans of one parameter."""
    values: list[Json] = list(schema.get("enum", ()))
    if not values and schema.get("type") == "boolean":
        values = [True, False]
    if not values and "default" in schema:
        values = [schema["default"]]
    tokens = [("src:schema", f"param:{name}", f"val:{str(value).lower()}") for value in values]
    return [
        Candidate(v, name, name, bag(t), "schema", -1, i)
        for i, (v, t) in enumerate(zip(values, tokens, strict=True))
    ]


def mention_forms(value: Json) -> tuple[str, ...]:
    """How a user would write this value: lower case, numbers with and without decimals."""
    if isinstance(value, bool) or value is None:
        return ()
    if isinstance(value, int | float):
        plain = f"{value:g}"
        return (plain, f"{value:.2f}") if len(plain) > 1 else (f"{value:.2f}",)
    text = str(value).lower()
    return (text,) if 3 <= len(text) <= 60 else ()


def is_mentioned(value: Json, text: str) -> bool:
    """Whether the user's words (lower case) contain this value as a whole."""
    for form in mention_forms(value):
        at = text.find(form)
        while at >= 0:
            end = at + len(form)
            before, after = text[at - 1 : at], text[end : end + 1]
            if (
                not (before.isalnum() or before == ".")
                and not after.isalnum()
                and not _goes_on(text, end)
            ):
                return True
            at = text.find(form, at + 1)
    return False


def _goes_on(text: str, end: int) -> bool:
    return text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit()
