"""What is wrong with a spec: every mistake with its place and the fix. First its shape, then whether its names mean something."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

from scenarios.core.schema import validator_of
from scenarios.core.types import DIFFICULTIES, SPLITS, Json
from scenarios.sources.base import Document
from scenarios.sources.spec.effects import VERBS
from scenarios.sources.spec.expressions import REFERENCE, references
from scenarios.sources.spec.scenario import tool_of
from scenarios.sources.spec.tables import part, shared_between_splits, too_small

MOST_MISTAKES = 50
MOST_ROWS = 500
"""Rows of all tables together: every task draws them anew."""
DRAWS = ("id", "pool", "choice", "integer", "number", "date", "row", "text")


def mistakes_of(document: Document) -> list[str]:
    """Lines of "place: what is wrong and what to do", in the order of the document; empty for a good one."""
    shape = list(_shape(document, _validator(""), ""))
    if not shape:
        shape = list(_statements(document))
    if not shape:
        shape = list(_meaning(document))
    return list(dict.fromkeys(shape))[:MOST_MISTAKES]


@cache
def _schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (Path(__file__).parent / "schema.json").read_text(encoding="utf-8")
    )
    return found


@cache
def _validator(part_of: str) -> Draft202012Validator:
    whole = _schema()
    wanted = {"$defs": whole["$defs"], "$ref": f"#/$defs/{part_of}"} if part_of else whole
    return Draft202012Validator(wanted)


def _shape(value: Json, validator: Draft202012Validator, place: str) -> Iterator[str]:
    for problem in validator.iter_errors(value):
        yield f"{_place(place, problem.instance_path)}: {_said(problem)}"


def _place(start: str, path: Iterable[str | int]) -> str:
    place = start
    for step in path:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else str(step)
    return place or "the file"


def _said(problem: ValidationError) -> str:
    """The validator's message; for an unknown key also the nearest known one."""
    text = problem.message
    return text if len(text) < 300 else f"{text[:150]} ... {text[-100:]}"


def _statements(document: Document) -> Iterator[str]:
    """The shape of every tool's statements: each is one of the verbs."""
    for at, tool in enumerate(document["tools"]):
        for n, statement in enumerate(tool.get("effect", ())):
            place = f"tools[{at}].effect[{n}]"
            verbs = [verb for verb in VERBS if verb in statement]
            if len(verbs) != 1:
                found = ", ".join(map(repr, statement)) or "nothing"
                yield f"{place}: a statement begins with one of {', '.join(VERBS)}; here is {found}"
            else:
                yield from _shape(statement, _validator(verbs[0]), place)


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names) or 'none'}"
    return f"there is no {what} {name!r}; {hint}"


def _meaning(document: Document) -> Iterator[str]:
    rows = sum(_most_rows(table) for table in _tables(document).values())
    if rows > MOST_ROWS:
        yield f"world.tables: {rows} rows together; at most {MOST_ROWS} are drawn for one task"
    names = [tool["name"] for tool in document["tools"]]
    yield from _doubles("tools", names)
    yield from _doubles("requests", [request["kind"] for request in document["requests"]])
    yield from _world(document)
    for at, tool in enumerate(document["tools"]):
        yield from _tool(document, tool, f"tools[{at}]")
    for at, request in enumerate(document["requests"]):
        yield from _request(document, request, f"requests[{at}]")
    for level in DIFFICULTIES:
        if not any(level in r.get("difficulty", DIFFICULTIES) for r in document["requests"]):
            yield f"requests: none is of difficulty {level!r}; leave `difficulty` out to be in all three"


def _doubles(place: str, names: list[str]) -> Iterator[str]:
    for at, name in enumerate(names):
        if name in names[:at]:
            yield f"{place}[{at}]: {name!r} is there twice"


def _tables(document: Document) -> Mapping[str, Any]:
    found: Mapping[str, Any] = document.get("world", {}).get("tables", {})
    return found


def _world(document: Document) -> Iterator[str]:
    pools = document.get("world", {}).get("pools", {})
    for name, members in pools.items():
        yield from _split(members, f"world.pools.{name}")
    earlier: dict[str, Any] = {}
    for name, table in _tables(document).items():
        place = f"world.tables.{name}"
        columns: list[str] = []
        for column, how in table["columns"].items():
            yield from _draw(how, f"{place}.columns.{column}", _Around(pools, earlier, columns))
            columns.append(column)
        yield from _enough(table, place, pools)
        earlier[name] = table


def _most_rows(table: Mapping[str, Any]) -> int:
    rows = table.get("rows", 0)
    return int(max(rows.values()) if isinstance(rows, dict) else rows)


def _enough(table: Mapping[str, Any], place: str, pools: Mapping[str, Any]) -> Iterator[str]:
    """No two rows share a member of a pool, so every split needs as many members as there are rows."""
    most = _most_rows(table)
    for column, how in table["columns"].items():
        members = pools.get(how.get("pool", "")) if isinstance(how, dict) else None
        for split in SPLITS if members is not None else ():
            if (count := len(part(members, split))) < most:
                yield (
                    f"{place}.columns.{column}: {most} rows need {most} members of {how['pool']!r} in each split; "
                    f"{split} has {count}"
                )
                break


def _split(values: Any, place: str) -> Iterator[str]:
    if why := too_small(values):
        yield f"{place}: {why} (60 % train, 20 % validation, 20 % test)"
    elif both := shared_between_splits(values):
        yield f"{place}: {both[0]!r} stands in two splits"


@dataclass(frozen=True, slots=True)
class _Around:
    """What a draw may name: pools, tables above, and columns (or names) before it."""

    pools: Mapping[str, Any]
    tables: Mapping[str, Any]
    columns: list[str]


def _draw(how: Json, place: str, around: _Around) -> Iterator[str]:
    """A draw says one thing to do, and names what is there; any other value stands for itself."""
    if not isinstance(how, dict):
        return
    ways = [way for way in DRAWS if way in how]
    if len(ways) != 1:
        yield f"{place}: must name one of {', '.join(DRAWS)}"
        return
    if "pool" in how and how["pool"] not in around.pools:
        yield f"{place}.pool: {_unknown('pool', how['pool'], around.pools)}"
    for way in ("integer", "number", "date"):
        if way in how and how[way][0] > how[way][1]:
            yield f"{place}.{way}: the first number is larger than the second"
    if "row" in how:
        yield from _column_of(how["row"], f"{place}.row", around.tables)
    for _, path in references(how.get("text", ""), place):
        if path.split(".")[0] not in around.columns:
            yield f"{place}.text: {_unknown('earlier column', path, around.columns)}"


def _column_of(path: str, place: str, tables: Mapping[str, Any]) -> Iterator[str]:
    table, _, column = path.partition(".")
    if table not in tables:
        yield f"{place}: {_unknown('earlier table', table, tables)}"
    elif column not in tables[table]["columns"]:
        yield f"{place}: {_unknown('column', column, tables[table]['columns'])}"


def _tool(document: Document, tool: Mapping[str, Any], place: str) -> Iterator[str]:
    offered = tool_of(tool)
    try:
        validator_of(offered.parameters)
    except (ValueError, ValidationError) as problem:
        yield f"{place}.parameters: is no JSON Schema: {str(problem).splitlines()[0][:200]}"
        return
    for name, schema in offered.properties.items():
        if not isinstance(schema, dict):
            yield f"{place}.parameters.{name}: must be a JSON Schema such as {{type: string}}"
            return
    for name in offered.required:
        if name not in offered.properties:
            yield f"{place}.required: {_unknown('parameter', name, offered.properties)}"
    known = {"today", *offered.properties}
    for n, statement in enumerate(tool.get("effect", ())):
        yield from _statement(document, statement, f"{place}.effect[{n}]", known)


def _statement(
    document: Document, statement: Mapping[str, Any], place: str, known: set[str]
) -> Iterator[str]:
    """Tables, columns and references of one statement; adds the name that it makes to `known`."""
    tables = _tables(document)
    verb = next(name for name in VERBS if name in statement)
    if verb in ("find", "insert", "update", "delete"):
        table = statement[verb]
        if table not in tables:
            yield f"{place}.{verb}: {_unknown('table', table, tables)}"
            return
        columns = tables[table]["columns"]
        yield from _columns(statement, ("where", "set", "values"), place, columns)
        order = statement.get("order", "").removeprefix("-")
        if order and order not in columns:
            yield f"{place}.order: {_unknown('column', order, columns)}"
    if verb in ("guard", "rule"):
        for reference in statement[verb]:
            if not REFERENCE.fullmatch(reference):
                yield f"{place}.{verb}: {reference!r} must be a reference such as $book.status"
        yield from _refer(list(statement[verb]), f"{place}.{verb}", known)
        yield from _refer(statement[verb], f"{place}.{verb}", known)
    for part_of in ("where", "set", "values"):
        yield from _refer(statement.get(part_of), f"{place}.{part_of}", known)
    yield from _refer(statement.get("return"), f"{place}.return", known | {"row"})
    message = statement.get("otherwise", {}).get("message")
    yield from _refer(message, f"{place}.otherwise.message", known)
    if verb in ("find", "insert"):
        known.add(statement.get("as", statement[verb]))


def _refer(value: Json, place: str, known: Iterable[str]) -> Iterator[str]:
    names = set(known)
    for _, path in references(value, place):
        if path.split(".")[0] not in names:
            yield f"{place}: {_unknown('name', path.split('.')[0], sorted(names))}"


def _request(document: Document, request: Mapping[str, Any], place: str) -> Iterator[str]:
    tables, pools = _tables(document), document.get("world", {}).get("pools", {})
    known = {"today"}
    for name, how in request.get("pick", {}).items():
        here = f"{place}.pick.{name}"
        if isinstance(how, dict) and "from" in how:
            if how["from"] not in tables:
                yield f"{here}.from: {_unknown('table', how['from'], tables)}"
            else:
                yield from _columns(how, ("where", "set"), here, tables[how["from"]]["columns"])
            yield from _refer([how.get("where", {}), how.get("set", {})], here, known)
        else:
            yield from _draw(how, here, _Around(pools, tables, sorted(known)))
        known.add(name)
    for key, phrases in (
        ("say", request["say"]),
        ("ask.reply", request.get("ask", {}).get("reply")),
    ):
        if phrases is not None:
            yield from _phrases(phrases, f"{place}.{key}", known)
    yield from _steps(document, request, place, known)
    yield from _goals(tables, request, place, known)


def _columns(
    how: Mapping[str, Any], parts: Iterable[str], place: str, columns: Iterable[str]
) -> Iterator[str]:
    for part_of in parts:
        for column in how.get(part_of, {}):
            if column not in columns:
                yield f"{place}.{part_of}.{column}: {_unknown('column', column, columns)}"


def _phrases(phrases: Any, place: str, known: Iterable[str]) -> Iterator[str]:
    yield from _split(phrases, place)
    for split in SPLITS:
        for phrase in part(phrases, split):
            yield from _refer(phrase, place, known)


def _steps(
    document: Document, request: Mapping[str, Any], place: str, known: set[str]
) -> Iterator[str]:
    tools = {tool["name"]: tool_of(tool) for tool in document["tools"]}
    names = ["asked"] if "ask" in request else []
    for at, step in enumerate(request["steps"]):
        here, name = f"{place}.steps[{at}]", step.get("name", f"step {at + 1}")
        if step["call"] not in tools:
            yield f"{here}.call: {_unknown('tool', step['call'], tools)}"
            continue
        tool = tools[step["call"]]
        given = step.get("with", {})
        for parameter in given:
            if parameter not in tool.properties:
                yield f"{here}.with.{parameter}: {_unknown('parameter', parameter, tool.properties)}"
        for parameter in tool.required:
            if parameter not in given:
                yield f"{here}.with: {tool.name} needs {parameter!r}"
        for before in step.get("after", ()):
            if before not in names:
                yield f"{here}.after: {_unknown('earlier step', before, names)}"
        if name in names:
            yield f"{here}.name: {name!r} is the name of an earlier step"
        yield from _refer(given, f"{here}.with", known | {"steps"})
        names.append(name)


def _goals(
    tables: Mapping[str, Any], request: Mapping[str, Any], place: str, known: set[str]
) -> Iterator[str]:
    names = [step.get("name", f"step {n + 1}") for n, step in enumerate(request["steps"])]
    for at, goal in enumerate(request.get("goals", ())):
        here = f"{place}.goals[{at}]"
        if "done" in goal:
            if goal["done"] not in names:
                yield f"{here}.done: {_unknown('step', goal['done'], names)}"
        elif goal["table"] not in tables:
            yield f"{here}.table: {_unknown('table', goal['table'], tables)}"
        else:
            yield from _columns(goal, ("where", "has"), here, tables[goal["table"]]["columns"])
            yield from _refer([goal["where"], goal.get("has", {})], here, known)
