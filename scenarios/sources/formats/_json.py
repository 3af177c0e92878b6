"""JSON from strangers: bounded, finite, without NUL, and never deeper than the code that walks it."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from typing import Any

import orjson

from scenarios.core.types import Json
from scenarios.sources.formats.base import MAX_RESULT, Refused, Row, RowError

MAX_BYTES = 64 * 1024 * 1024
MAX_ROW_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 40
MAX_NODES = 200_000
"""Values in one row."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def rows_of(data: bytes) -> Iterator[Row | Refused]:
    """The rows of a JSONL file, the members of a JSON list, or one JSON object.

    Raises `RowError` for a file that is too large.
    """
    if len(data) > MAX_BYTES:
        size, most = len(data) // 2**20, MAX_BYTES // 2**20
        raise RowError(f"the file has {size} MiB; at most {most} MiB are read, so split it")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if (whole := _whole(data)) is not None:
        for number, value in enumerate(whole, start=1):
            yield _checked(number, value)
        return
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            yield _parsed(number, line)


def _whole(data: bytes) -> list[Json] | None:
    """The members of a file that is one JSON value; None where it is not."""
    first, _, rest = data.strip().partition(b"\n")
    if not first.startswith((b"[", b"{")) or (first.endswith(b"}") and rest.lstrip()[:1] == b"{"):
        return None
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, list) else [value]


def _parsed(number: int, line: bytes) -> Row | Refused:
    if len(line) > MAX_ROW_BYTES:
        return Refused(number, f"the row has {len(line):,} bytes; at most {MAX_ROW_BYTES:,}")
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as problem:
        return Refused(number, f"is not JSON: {_said(problem)}")
    return _checked(number, value)


def _checked(number: int, value: Json) -> Row | Refused:
    try:
        check(value)
    except RowError as problem:
        return Refused(number, str(problem))
    return number, value


def _said(problem: orjson.JSONDecodeError) -> str:
    # NaN and Infinity are no JSON; the parser only says where it stopped.
    return f"{problem.msg} (character {problem.pos + 1})"


def check(value: Json) -> None:
    """Raises `RowError` for what is too deep or too much, not finite, or holds a NUL character."""
    level, depth, nodes = [value], 0, 0
    while level:
        depth, nodes = depth + 1, nodes + len(level)
        if depth > MAX_DEPTH:
            raise RowError(f"is nested more than {MAX_DEPTH} levels deep")
        if nodes > MAX_NODES:
            raise RowError(f"holds more than {MAX_NODES:,} values")
        following: list[Any] = []
        for item in level:
            _check_one(item)
            if isinstance(item, dict):
                following += item.keys()
                following += item.values()
            elif isinstance(item, list):
                following += item
        level = following


def _check_one(item: Json) -> None:
    if isinstance(item, str):
        if "\0" in item:
            raise RowError("holds a NUL character")
        if _SURROGATE.search(item):
            raise RowError("holds half of a surrogate pair, which is no text")
    if isinstance(item, int) and abs(item) >= 2**63:
        raise RowError("holds a whole number of more than 64 bits")
    if isinstance(item, float) and not math.isfinite(item):
        raise RowError("holds a number that is not finite")


def parse(text: str) -> Json:
    """A JSON text inside JSON. Raises `RowError`."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise RowError(f"is not JSON: {_said(problem)}") from problem
    check(value)
    return value


def canonical(content: Json) -> Json:
    """A tool's answer as the value that it stands for: JSON in a text, else a Python literal, else the text itself.

    The adapters do the same to what a tool answers later, so that a policy meets what it was trained on.
    """
    if not isinstance(content, str):
        return content
    text = content.strip()
    if not text or len(text) > MAX_RESULT:
        return content
    try:
        return parse(text)
    except RowError:
        return _literal(text, content)


def _literal(text: str, otherwise: str) -> Json:
    if text[0] not in "{[(" or sum(text.count(mark) for mark in "{[(-+~") > 5_000 or _deep(text):
        return otherwise
    try:
        value = _plain(ast.literal_eval(text))
        check(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return otherwise
    return value


def _deep(text: str) -> bool:
    """Whether brackets or signs pile up: parsing such a text costs stack, not time."""
    depth = run = 0
    for mark in text:
        run = run + 1 if mark in "-+~ " else 0
        depth += (mark in "{[(") - (mark in "}])")
        if depth > MAX_DEPTH or run > MAX_DEPTH:
            return True
    return False


def _plain(value: Any) -> Json:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError(f"{type(value).__name__} is not JSON")
