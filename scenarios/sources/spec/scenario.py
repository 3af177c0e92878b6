"""The scenario that a spec describes: its tasks, its world, and how the end is judged."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

import numpy as np

from scenarios.core.draws import Draws
from scenarios.core.scenario import Criteria
from scenarios.core.stage import Stage
from scenarios.core.tasks import ASK, AnyOf, Milestone, Task
from scenarios.core.types import (
    DIFFICULTIES,
    SPLITS,
    Difficulty,
    Json,
    Split,
    Tool,
    ToolCall,
    ToolResult,
)
from scenarios.sources.base import Document, SourceError, SourceScenario, with_attributes
from scenarios.sources.spec.effects import State, carry_out
from scenarios.sources.spec.expressions import matches, resolve
from scenarios.sources.spec.tables import Row, Tables, part, split_pools
from scenarios.sources.spec.tables import World as Drawn
from scenarios.sources.spec.world import Plan, SpecWorld, goals_hold

DEFAULT_TODAY = "2026-03-02"
TRIES = 30
"""Worlds that are drawn until one has the rows that a request is about."""


class SpecScenario(SourceScenario):
    """A scenario from a YAML file."""

    kind = "spec"
    key: ClassVar[str] = ""
    version: ClassVar[str] = "1"
    tools: ClassVar[tuple[Tool, ...]] = ()
    title: ClassVar[str] = ""
    criteria: ClassVar[Criteria] = Criteria()

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self.requests: Sequence[Mapping[str, Any]] = document["requests"]
        self._tools: Mapping[str, Any] = {tool["name"]: tool for tool in document["tools"]}
        world = document.get("world", {})
        today = date.fromisoformat(world.get("today", DEFAULT_TODAY))
        self._drawn = {
            split: Drawn(
                world.get("tables", {}), split_pools(world.get("pools", {}), split), today, split
            )
            for split in SPLITS
        }
        self._surroundings = {"today": str(today)}
        self._offered = {
            difficulty: [
                n
                for n, request in enumerate(self.requests)
                if difficulty in request.get("difficulty", DIFFICULTIES)
                for _ in range(request.get("weight", 1))
            ]
            for difficulty in DIFFICULTIES
        }

    @classmethod
    def of(cls, document: Document) -> SpecScenario:
        from scenarios.sources.spec.checking import mistakes_of  # noqa: PLC0415 (it plays the scenario)

        if found := mistakes_of(document):
            raise SourceError(found)
        scenario = cls.unchecked(document)
        if found := scenario.unplayable():
            raise SourceError(found)
        return scenario

    @classmethod
    def unchecked(cls, document: Document) -> SpecScenario:
        """The scenario of a document that has the right shape."""
        values = {
            "key": document["key"],
            "version": str(document.get("version", "1")),
            "title": document["title"],
            "description": document.get("description", ""),
            "tools": tuple(tool_of(tool) for tool in document["tools"]),
            "criteria": Criteria(**document.get("criteria", {})),
            "keyword_rules": {
                tool["name"]: tuple(tool["keywords"])
                for tool in document["tools"]
                if tool.get("keywords")
            },
            "company_policy": document.get("rules", ""),
        }
        for name in ("max_steps", "fault_rate"):
            if name in document:
                values[name] = {**getattr(cls, name), **document[name]}
        levels = [
            level
            for level in DIFFICULTIES
            if any(level in r.get("difficulty", DIFFICULTIES) for r in document["requests"])
        ]
        values["curriculum"] = tuple(Stage(level) for level in levels)
        scenario: SpecScenario = with_attributes(cls, values)(document)
        return scenario

    def task(self, split: Split, difficulty: Difficulty, seed: int) -> Task:
        """Raises `SourceError` where no world with the rows that the request is about can be drawn."""
        rng = np.random.default_rng([seed, SPLITS.index(split), DIFFICULTIES.index(difficulty)])
        draws = Draws(rng)
        number = draws.pick(self._offered[difficulty] or list(range(len(self.requests))))
        plan = self._plan(number, split, difficulty, draws)
        milestones, expected = self._reference_path(number, plan, split)
        request = self.requests[number]
        return Task(
            self.key,
            split,
            difficulty,
            seed,
            request["kind"],
            milestones,
            endings=(request.get("ends", "final"),),
            payload=replace(plan, expected=expected),
        )

    def _plan(self, number: int, split: Split, difficulty: Difficulty, draws: Draws) -> Plan:
        request, drawn = self.requests[number], self._drawn[split]
        for _ in range(TRIES):
            starts = drawn.starts(draws)
            tables = drawn.rows(difficulty, starts, draws)
            scope = self._picked(request.get("pick", {}), drawn, tables, draws)
            if scope is not None:
                return Plan(number, {**self._surroundings, **scope}, starts, tables, {})
        raise SourceError(
            [
                f"requests[{number}].pick: in {TRIES} worlds ({split}, {difficulty}) there was no row to pick; "
                "make more rows, or say `set` in place of `where`"
            ]
        )

    def _picked(
        self, picks: Mapping[str, Any], drawn: Drawn, tables: Tables, draws: Draws
    ) -> dict[str, Json] | None:
        """What the request is about; None where the tables have no such row."""
        scope: dict[str, Json] = {}
        used: list[Row] = []
        for name, how in picks.items():
            if not (isinstance(how, dict) and "from" in how):
                scope[name] = drawn.value(how, scope, tables, draws)
                continue
            where = how.get("where", {})
            rows = [
                row
                for row in tables[how["from"]]
                if not any(row is other for other in used) and matches(row, where, scope)
            ]
            if not rows:
                return None
            row = draws.pick(rows)
            row.update(
                {
                    column: drawn.value(resolve(value, scope), row, tables, draws)
                    for column, value in how.get("set", {}).items()
                }
            )
            used.append(row)
            scope[name] = row
        return copy.deepcopy(scope)

    def _reference_path(
        self, number: int, plan: Plan, split: Split
    ) -> tuple[tuple[Milestone, ...], Tables]:
        """The milestones of a request, and the tables once its steps are carried out, one by one.

        Raises `SourceError` where a step's own call is refused.
        """
        request = self.requests[number]
        state = State(copy.deepcopy(plan.tables))
        results: dict[str, Json] = {}
        milestones = [Milestone("asked", ASK)] if "ask" in request else []
        before = [m.name for m in milestones]
        for at, step in enumerate(request["steps"]):
            name = step.get("name", f"step {at + 1}")
            scope = {**plan.scope, "steps": results}
            arguments = {
                parameter: _accepted(wanted, scope)
                for parameter, wanted in step.get("with", {}).items()
            }
            milestone = Milestone(
                name,
                step["call"],
                arguments,
                after=tuple(step.get("after", before[-1:])),
                optional=step.get("optional", False),
            )
            milestones.append(milestone)
            if not milestone.optional:
                before.append(name)
                call = ToolCall(step["call"], milestone.oracle_arguments())
                result = self.carry_out(call, state, plan, split)
                if result.is_error or state.breaches:
                    why = state.breaches or result.content.get("message")
                    raise SourceError(
                        [f"requests[{number}].steps[{at}]: the reference path fails here: {why}"]
                    )
                results[name] = result.content
        return tuple(milestones), state.tables

    def carry_out(self, call: ToolCall, state: State, plan: Plan, split: Split) -> ToolResult:
        """Run a call on a state of this plan's world."""
        tool, drawn = self._tools[call.name], self._drawn[split]

        def new_row(table: str, values: Mapping[str, Json], number: int) -> Row:
            return drawn.inserted(
                table, values, plan.starts[table], number, len(plan.tables[table])
            )

        given = {
            name: schema.get("default") for name, schema in self.tool(call.name).properties.items()
        }
        return carry_out(
            tool.get("effect", ()),
            {**given, **call.arguments},
            state,
            surroundings=self._surroundings,
            new_row=new_row,
            seconds=float(tool.get("seconds", 0.5)),
        )

    def unplayable(self, most: int = 10) -> list[str]:
        """Why tasks cannot be made: a mistake for each request that has one."""
        found: dict[str, None] = {}
        for number in range(len(self.requests)):
            try:
                for difficulty in DIFFICULTIES:
                    for split in SPLITS if number in self._offered[difficulty] else ():
                        draws = Draws(np.random.default_rng([0, number]))
                        plan = self._plan(number, split, difficulty, draws)
                        self._must_be_good(number, plan, split)
            except SourceError as problem:
                found.update(dict.fromkeys(problem.mistakes))
            if len(found) >= most:
                break
        return list(found)

    def _must_be_good(self, number: int, plan: Plan, split: Split) -> None:
        """Raises `SourceError` where the reference path fails, or where the goals do not hold after it."""
        milestones, expected = self._reference_path(number, plan, split)
        done = {m.name for m in milestones if not m.optional}
        after = replace(plan, expected=expected)
        if not goals_hold(self.requests[number], after, expected, done, done):
            raise SourceError(
                [
                    f"requests[{number}].goals: they do not hold after the steps of the reference path"
                ]
            )

    def world(self, task: Task, attempt: int = 0) -> SpecWorld:
        return SpecWorld(self, task, attempt)

    def wording(self, split: Split) -> frozenset[str]:
        found = set()
        for request in self.requests:
            found.update(part(request["say"], split))
            found.update(part(request["ask"]["reply"], split) if "ask" in request else ())
        return frozenset(found)

    def entities(self, split: Split) -> frozenset[str]:
        return self._drawn[split].entities()


def tool_of(tool: Mapping[str, Any]) -> Tool:
    """A tool of the document. `parameters` is a whole JSON Schema, or just its properties, all of them required."""
    given = dict(tool.get("parameters", {}))
    if given.get("type") == "object":
        return Tool(tool["name"], tool["description"], given)
    schema: dict[str, Json] = {"type": "object", "properties": given}
    schema["required"] = list(tool.get("required", given))
    return Tool(tool["name"], tool["description"], schema)


def _accepted(wanted: Json, scope: Mapping[str, Json]) -> AnyOf:
    """What a step takes for one argument: a value, `any_of` values, or `anything`."""
    if isinstance(wanted, dict):
        if "any_of" in wanted:
            values = tuple(resolve(value, scope) for value in wanted["any_of"])
            return AnyOf(values, omittable=bool(wanted.get("omittable", False)))
        if "anything" in wanted:
            example = resolve(wanted["anything"], scope)
            return AnyOf((example,), anything=True, omittable=bool(wanted.get("omittable", False)))
    return AnyOf((resolve(wanted, scope),))
