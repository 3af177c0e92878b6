"""One attempt at a task of a spec, and how its end is judged."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scenarios.core.tasks import Task
from scenarios.core.types import Json, ToolCall, ToolResult
from scenarios.core.world import World
from scenarios.sources.spec.effects import State
from scenarios.sources.spec.expressions import fill, matches
from scenarios.sources.spec.tables import Tables, part

if TYPE_CHECKING:
    from scenarios.sources.spec.scenario import SpecScenario

NOTHING_MORE = "I have told you everything that I know."


@dataclass(frozen=True, slots=True)
class Plan:
    """A task's hidden side. expected: the tables after the reference path."""

    request: int
    scope: Mapping[str, Json]
    starts: Mapping[str, int]
    tables: Tables
    expected: Tables


class SpecWorld(World):
    """One attempt: tables that the tools' effects change."""

    def __init__(self, scenario: SpecScenario, task: Task, attempt: int) -> None:
        super().__init__(task, attempt, scenario.tools, scenario.fault_rate[task.difficulty])
        self.scenario = scenario
        self.plan: Plan = task.payload
        self.request: Mapping[str, Any] = scenario.requests[self.plan.request]
        self.state = State(copy.deepcopy(self.plan.tables))
        phrases = part(self.request["say"], task.split)
        self._opening = phrases[int(self.rng.integers(len(phrases)))]

    def opening(self) -> str:
        return fill(self._opening, self.plan.scope)

    def run(self, call: ToolCall) -> ToolResult:
        result = self.scenario.carry_out(call, self.state, self.plan, self.task.split)
        self.breaches.extend(self.state.breaches)
        self.state.breaches.clear()
        return result

    def reply(self, question: str) -> str:
        asks = self.request.get("ask")
        if asks is None:
            return NOTHING_MORE
        answers = part(asks["reply"], self.task.split)
        return fill(answers[int(self.rng.integers(len(answers)))], self.plan.scope)

    def goals_hold(self) -> bool:
        required = {m.name for m in self.task.milestones if not m.optional}
        return goals_hold(self.request, self.plan, self.state.tables, self.done, required)


def goals_hold(
    request: Mapping[str, Any],
    plan: Plan,
    tables: Tables,
    done: AbstractSet[str],
    required: AbstractSet[str],
) -> bool:
    """Whether these tables are a good end, and nothing else was changed.

    Without goals of its own, a request wants the tables to be as the reference path leaves them; where that changes
    nothing, there was something to find out, and the required steps have to be done.
    """
    goals = request.get("goals")
    if goals is None:
        return tables == plan.expected and (plan.expected != plan.tables or required <= done)
    return all(_holds(goal, plan, tables, done) for goal in goals) and _rest_unchanged(
        goals, plan, tables
    )


def _holds(goal: Mapping[str, Any], plan: Plan, tables: Tables, done: AbstractSet[str]) -> bool:
    if "done" in goal:
        return str(goal["done"]) in done
    found = [row for row in tables[goal["table"]] if matches(row, goal["where"], plan.scope)]
    if "count" in goal and len(found) != int(goal["count"]):
        return False
    has = goal.get("has", {})
    return (bool(found) or "count" in goal) and all(matches(row, has, plan.scope) for row in found)


def _rest_unchanged(goals: Sequence[Mapping[str, Any]], plan: Plan, tables: Tables) -> bool:
    """Whether every row that no goal is about is as it was."""
    for name in tables:
        about = [goal["where"] for goal in goals if goal.get("table") == name]
        before, after = (
            [row for row in rows if not any(matches(row, where, plan.scope) for where in about)]
            for rows in (plan.tables[name], tables[name])
        )
        if before != after:
            return False
    return True
