"""Where the value of an argument could come from: the user's words, an earlier result, or the schema.

A plain check: whether the value stands there as a whole. A policy points at less of a text (addresses, ids, dates,
names, numbers, what is quoted, whole sentences), so this is the most that it could do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scenarios.core.types import Json, Tool, Turn

MAX_LEAVES = 400
"""Leaves of one result that are looked at."""


@dataclass(slots=True)
class Seen:
    """What a conversation has shown so far."""

    text: str = ""
    leaves: dict[tuple[str, str], str] = field(default_factory=dict)
    """(type, value as text) -> where it stood: `tool.path`. The latest place counts."""

    def add(self, turn: Turn) -> None:
        if turn.role == "user":
            self.text += f"\n{turn.content}"
        elif turn.role == "tool" and turn.call is not None and not turn.is_error:
            for path, value in leaves(turn.content):
                place = f"{turn.call.name}.{path}" if path else turn.call.name
                self.leaves[_key(value)] = place

    def source(self, value: Json) -> str | None:
        """`user`, `result:TOOL.PATH`, or None where it has not been seen. Lists and objects: where all of it was seen."""
        if isinstance(value, dict | list):
            found = {self.source(leaf) for _, leaf in leaves(value)}
            return found.pop() if len(found) == 1 else None if None in found else "user"
        if place := self.leaves.get(_key(value)):
            return f"result:{place}"
        return "user" if any(stands_in(form, self.text) for form in _forms(value)) else None


def _key(value: Json) -> tuple[str, str]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return ("number", repr(float(value))) if number else ("text", str(value))


def leaves(value: Json) -> Iterator[tuple[str, Json]]:
    """The first leaves that are not null, with their paths; lists as `[]`."""
    left: list[tuple[str, Json]] = [("", value)]
    count = 0
    while left and count < MAX_LEAVES:
        path, item = left.pop()
        if isinstance(item, dict):
            left += [(f"{path}.{k}" if path else k, v) for k, v in reversed(item.items())]
        elif isinstance(item, list):
            left += [(f"{path}[]", inner) for inner in reversed(item)]
        elif item is not None:
            count += 1
            yield path, item


def _forms(value: Json) -> tuple[str, ...]:
    """How a user would write this value."""
    if isinstance(value, bool) or value is None:
        return ()
    if isinstance(value, int):
        return (str(value), f"{value:,}")
    if isinstance(value, float):
        return (f"{value:g}", f"{value:.2f}")
    return (value,) if isinstance(value, str) and value else ()


def stands_in(form: str, text: str) -> bool:
    """Whether a text holds this one as a whole, not as a part of a longer word or number."""
    at = text.find(form)
    while at >= 0:
        end = at + len(form)
        before = at > 0 and text[at - 1].isalnum() and form[0].isalnum()
        after = text[end : end + 1].isalnum() and form[-1].isalnum()
        decimals = text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit()
        if not (before or after or (decimals and form[-1].isdigit())):
            return True
        at = text.find(form, at + 1)
    return False


def offered(tool: Tool | None, name: str, value: Json) -> bool:
    """Whether the tool's own schema offers this value: an enum, a boolean, a default."""
    schema: Mapping[str, Json] = tool.properties.get(name, {}) if tool is not None else {}
    options = schema.get("enum")
    if isinstance(options, list):
        return value in options
    kind = schema.get("type")
    return (isinstance(value, bool) and kind == "boolean") or (
        "default" in schema and schema["default"] == value
    )
