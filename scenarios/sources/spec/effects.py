"""What a spec's tools do: a short list of statements over the world's tables, carried out one after another.

find     rows of a table that meet conditions, kept under a name; or an error
guard    conditions on what is known; an error where they do not hold
rule     the same as a written rule of the house: broken, it is a breach, and the call goes on
insert, update, delete
return   the tool's result
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scenarios.core.types import Json, ToolResult
from scenarios.core.world import error
from scenarios.sources.spec.expressions import fill, holds, look_up, matches, resolve
from scenarios.sources.spec.tables import Row, Tables

MOST_ROWS = 20
"""Rows that one call may return."""


@dataclass(slots=True)
class State:
    """What statements work on: the tables, and how many rows each of them was given since the start."""

    tables: Tables
    breaches: list[str] = field(default_factory=list)
    inserted: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Call:
    state: State
    new_row: Callable[[str, Mapping[str, Json], int], Row]
    scope: dict[str, Json]
    result: Json = None


def carry_out(
    effect: Sequence[Mapping[str, Json]],
    arguments: Mapping[str, Json],
    state: State,
    *,
    surroundings: Mapping[str, Json],
    new_row: Callable[[str, Mapping[str, Json], int], Row],
    seconds: float,
) -> ToolResult:
    """Run a tool's statements on the state.

    surroundings: names that every call knows (today). new_row: a table's row from values and its number.
    """
    call = _Call(state, new_row, {**surroundings, **arguments})
    for statement in effect:
        verb = next(name for name in VERBS if name in statement)
        failed = VERBS[verb](call, statement)
        if failed is not None:
            return error(
                str(failed.get("error", "refused")),
                fill(str(failed.get("message", "this cannot be done")), call.scope),
                seconds=seconds,
            )
        if verb == "return":
            break
    content = {"ok": True} if call.result is None else call.result
    return ToolResult(content, seconds=seconds)


Failed = Mapping[str, Any] | None


def _find(call: _Call, statement: Mapping[str, Any]) -> Failed:
    table = call.state.tables[statement["find"]]
    where = statement.get("where", {})
    found = [row for row in table if matches(row, where, call.scope)]
    if order := statement.get("order"):
        column, down = order.removeprefix("-"), order.startswith("-")
        found.sort(key=lambda row: _rank(row.get(column)), reverse=down)
    name = statement.get("as", statement["find"])
    if statement.get("all", False):
        call.scope[name] = found[: statement.get("limit", MOST_ROWS)]
    elif found:
        call.scope[name] = found[0]
    if not found and "otherwise" in statement:
        otherwise: Mapping[str, Any] = statement["otherwise"]
        return otherwise
    return None


def _rank(value: Json) -> tuple[int, float, str]:
    """A place in an order of mixed values: null, numbers, texts."""
    if isinstance(value, int | float):
        return (1, float(value), "")
    return (0, 0.0, "") if value is None else (2, 0.0, str(value))


def _conditions_hold(call: _Call, conditions: Mapping[str, Any]) -> bool:
    return all(
        holds(look_up(reference.removeprefix("$"), call.scope), condition, call.scope)
        for reference, condition in conditions.items()
    )


def _guard(call: _Call, statement: Mapping[str, Any]) -> Failed:
    if _conditions_hold(call, statement["guard"]):
        return None
    otherwise: Mapping[str, Any] = statement.get("otherwise", {})
    return otherwise


def _rule(call: _Call, statement: Mapping[str, Any]) -> Failed:
    if not _conditions_hold(call, statement["rule"]):
        call.state.breaches.append(str(statement["says"]))
    return None


def _scalars(wanted: Mapping[str, Json], call: _Call) -> dict[str, Json]:
    """Values for columns; a row in a row could hold itself many times over, so it becomes null."""
    found = {column: resolve(value, call.scope) for column, value in wanted.items()}
    return {k: None if isinstance(v, dict | list) else v for k, v in found.items()}


def _insert(call: _Call, statement: Mapping[str, Any]) -> Failed:
    name = statement["insert"]
    number = call.state.inserted.get(name, 0)
    call.state.inserted[name] = number + 1
    row = call.new_row(name, _scalars(statement.get("values", {}), call), number)
    call.state.tables[name].append(row)
    call.scope[statement.get("as", name)] = row
    return None


def _update(call: _Call, statement: Mapping[str, Any]) -> Failed:
    values = _scalars(statement["set"], call)
    for row in call.state.tables[statement["update"]]:
        if matches(row, statement["where"], call.scope):
            row.update(values)
    return None


def _delete(call: _Call, statement: Mapping[str, Any]) -> Failed:
    table = call.state.tables[statement["delete"]]
    table[:] = [row for row in table if not matches(row, statement["where"], call.scope)]
    return None


def _return(call: _Call, statement: Mapping[str, Any]) -> Failed:
    wanted = statement["return"]
    if isinstance(wanted, dict) and "each" in wanted:
        rows = look_up(str(wanted["each"]).removeprefix("$"), call.scope)
        call.result = [
            resolve(wanted["give"], {**call.scope, "row": row})
            for row in (rows if isinstance(rows, list) else [])
        ]
    else:
        call.result = resolve(wanted, call.scope)
    return None


VERBS: dict[str, Callable[[_Call, Mapping[str, Any]], Failed]] = {
    "find": _find,
    "guard": _guard,
    "rule": _rule,
    "insert": _insert,
    "update": _update,
    "delete": _delete,
    "return": _return,
}
