"""Values and conditions of a spec: references, templates, a little arithmetic. Pure data; nothing is evaluated as code.

$book.title            what `book` holds under `title`
"Hello {member.name}"  text with references in it
{add: [$price, 2]}     add, subtract, multiply
{at_least: 3}          in a condition: is, not, above, below, at_least, at_most, in, contains
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scenarios.core.types import Json

Scope = Mapping[str, Json]

MOST_TEXT = 4_000
MOST_NUMBER = 1e15
"""What a template or a calculation may give: a few lines could otherwise double themselves without end."""

MISSING = object()
"""What a reference to nothing gives."""

_SLOT = re.compile(r"\{([A-Za-z_][\w.]*)\}")
REFERENCE = re.compile(r"\$([A-Za-z_][\w.]*)")

ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
}


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def both(a: Any, b: Any) -> bool:
        numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in (a, b))
        return (numbers or (isinstance(a, str) and isinstance(b, str))) and compare(a, b)

    return both


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "is": lambda a, b: bool(a == b),
    "not": lambda a, b: bool(a != b),
    "above": _ordered(lambda a, b: bool(a > b)),
    "below": _ordered(lambda a, b: bool(a < b)),
    "at_least": _ordered(lambda a, b: bool(a >= b)),
    "at_most": _ordered(lambda a, b: bool(a <= b)),
    "in": lambda a, b: isinstance(b, list) and a in b,
    "contains": lambda a, b: (
        str(b).lower() in a.lower() if isinstance(a, str) else isinstance(a, list) and b in a
    ),
}


def resolve(value: Json, scope: Scope) -> Json:
    """The value with its references filled in; a reference to nothing is null."""
    if isinstance(value, str):
        return _text(value, scope)
    if isinstance(value, list):
        return [resolve(item, scope) for item in value]
    if isinstance(value, dict):
        if len(value) == 1:
            [(name, operands)] = value.items()
            if name in ARITHMETIC and isinstance(operands, list):
                return _calculate(name, [resolve(item, scope) for item in operands])
        return {key: resolve(item, scope) for key, item in value.items()}
    return value


def _text(text: str, scope: Scope) -> Json:
    if found := REFERENCE.fullmatch(text):
        value = look_up(found[1], scope)
        return None if value is MISSING else value
    return fill(text, scope)


def fill(text: str, scope: Scope) -> str:
    """A text with its slots filled in."""
    return _SLOT.sub(lambda slot: _shown(look_up(slot[1], scope)), text)[:MOST_TEXT]


def _shown(value: Json) -> str:
    return "" if value is None or value is MISSING else str(value)


def look_up(path: str, scope: Scope) -> Json:
    """What stands at a dotted path; `MISSING` where nothing does."""
    found: Any = scope
    for part in path.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return MISSING
        found = found[part]
    return found


def _calculate(name: str, operands: list[Json]) -> Json:
    numbers = [x for x in operands if isinstance(x, int | float) and not isinstance(x, bool)]
    if not numbers or len(numbers) != len(operands):
        return None
    total: Json = numbers[0]
    for number in numbers[1:]:
        total = ARITHMETIC[name](total, number)
        if abs(total) > MOST_NUMBER:
            return None
    return round(total, 6) if isinstance(total, float) else total


def holds(value: Json, condition: Json, scope: Scope) -> bool:
    """Whether a value meets a condition: a plain value to equal, or operators that all have to hold."""
    if isinstance(condition, dict) and condition and set(condition) <= set(OPERATORS):
        return all(
            OPERATORS[name](value, resolve(operand, scope)) for name, operand in condition.items()
        )
    return bool(value == resolve(condition, scope))


def matches(row: Mapping[str, Json], where: Mapping[str, Json], scope: Scope) -> bool:
    """Whether every column named in `where` meets its condition."""
    return all(holds(row.get(column), condition, scope) for column, condition in where.items())


def references(value: Json, place: str) -> Iterator[tuple[str, str]]:
    """Every (place, path) that a value refers to."""
    if isinstance(value, str):
        if found := REFERENCE.fullmatch(value):
            yield place, found[1]
        else:
            yield from ((place, slot) for slot in _SLOT.findall(value))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from references(item, f"{place}[{i}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from references(item, f"{place}.{key}")
