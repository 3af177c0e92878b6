"""YAML as plain JSON values with the line of each: no tags, no aliases, no dates, no surprises.

Only what JSON has comes out (YAML 1.2 core schema: `yes` and `2026-11-23` are text). Aliases are refused, because a few
of them grow without bound.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import yaml

from scenarios.core.types import Json
from scenarios.sources.base import SourceError

MOST_BYTES = 2_000_000
MOST_DEPTH = 40

_PLAIN = "tag:yaml.org,2002:"
_ALLOWED = {"str", "int", "float", "bool", "null", "map", "seq"}


class _Loader(yaml.CSafeLoader):
    """Resolves plain scalars as YAML 1.2's core schema does."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(_PLAIN + _tag, re.compile(_pattern), list(_first))


@dataclass(slots=True)
class Text:
    """What was read: the value, and the line (from 1) of each place in it, as `tools[0].name`."""

    value: Json
    lines: dict[str, int] = field(default_factory=dict)

    def line(self, place: str) -> int:
        """The line of a place, or of the nearest one around it."""
        while place and place not in self.lines:
            place = re.sub(r"(?:\.[^.\[\]]*|\[\d*\]|^[^.\[\]]+)$", "", place)
        return self.lines.get(place, 1)

    def located(self, mistake: str) -> str:
        """A mistake ("place: what is wrong") with the line in front."""
        return f"line {self.line(mistake.partition(':')[0])}: {mistake}"


def read_yaml(text: str | bytes) -> Text:
    """The value of a YAML (or JSON) text. Raises `SourceError` naming the line."""
    if len(text) > MOST_BYTES:
        raise SourceError([f"the file is larger than {MOST_BYTES // 1_000_000} MB"])
    try:
        plain = text.decode("utf-8-sig") if isinstance(text, bytes) else text
    except UnicodeDecodeError as problem:
        raise SourceError([f"the file is not UTF-8 text: byte {problem.start}"]) from None
    if "\0" in plain:
        raise SourceError(["the text holds a NUL character; remove it"])
    try:
        _refuse_aliases(plain)
        node = yaml.compose(plain, Loader=_Loader)
    except yaml.YAMLError as problem:
        raise SourceError([_where(problem)]) from None
    except RecursionError:
        raise SourceError(["the file is nested too deeply"]) from None
    if node is None:
        raise SourceError(
            ["line 1: the file is empty; `agentgym scenario new NAME` writes a start"]
        )
    out = Text(None)
    out.value = _built(node, "", 0, out)
    return out


def _refuse_aliases(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise SourceError(
                [f"line {_line(event)}: aliases (*name) are not taken; write the value out"]
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MOST_DEPTH:
            raise SourceError([f"line {_line(event)}: nested too deeply"])


def _line(thing: yaml.Node | yaml.Event) -> int:
    return thing.start_mark.line + 1 if thing.start_mark is not None else 1


def _where(problem: yaml.YAMLError) -> str:
    mark = getattr(problem, "problem_mark", None)
    said = getattr(problem, "problem", None) or str(problem).splitlines()[0]
    return f"line {mark.line + 1}: {said}" if mark is not None else str(said)


def _built(node: yaml.Node, place: str, depth: int, out: Text) -> Json:
    line = out.lines[place] = _line(node)
    kind = node.tag.removeprefix(_PLAIN)
    if kind not in _ALLOWED:
        raise SourceError([f"line {line}: the tag {node.tag} is not taken; write plain values"])
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, depth, out)
    if isinstance(node, yaml.SequenceNode):
        return [_built(item, f"{place}[{i}]", depth + 1, out) for i, item in enumerate(node.value)]
    return _scalar(kind, node.value, line)


def _mapping(node: yaml.MappingNode, place: str, depth: int, out: Text) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key_node, value_node in node.value:
        line = _line(key_node)
        key: Any = key_node.value
        if not isinstance(key_node, yaml.ScalarNode) or not isinstance(key, Hashable):
            raise SourceError([f"line {line}: a key must be text"])
        if key in found:
            raise SourceError([f"line {line}: {key!r} stands here twice"])
        inner = f"{place}.{key}" if place else str(key)
        found[str(key)] = _built(value_node, inner, depth + 1, out)
        out.lines[inner] = line
    return found


def _scalar(kind: str, text: str, line: int) -> Json:
    try:
        if kind == "int":
            if len(text) > 18:
                raise ValueError("has too many digits")
            return int(text)
        if kind == "float":
            number = float(text)
            if not math.isfinite(number):
                raise ValueError("is not a finite number")
            return number
    except ValueError as problem:
        raise SourceError([f"line {line}: {text[:40]!r} {problem}"]) from None
    if kind == "bool":
        return text.lower() == "true"
    return None if kind == "null" else text
