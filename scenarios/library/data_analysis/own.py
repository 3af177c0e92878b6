"""Own files: ask a file of one's own, and turn questions with known answers about such files into tasks.

`analyse` is the door for use: a question, some files, and whoever decides (a trained policy's `act`). `own_task` is the
door for measurement: the same conversation as a task that is judged like any other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from scenarios.core.schema import argument_errors
from scenarios.core.tasks import Task
from scenarios.core.types import Decision, Json, Tool, Turn
from scenarios.core.world import error
from scenarios.library.data_analysis.charts import Chart, Summary
from scenarios.library.data_analysis.desk import Desk
from scenarios.library.data_analysis.requests import Request, Wanted, plan
from scenarios.library.data_analysis.tools import TOOLS
from scenarios.library.data_analysis.views import BadRequest
from scenarios.library.data_analysis.world import Case

MOST_STEPS = 30

Act = Callable[[Sequence[Turn], Sequence[Tool]], Decision]


@dataclass(frozen=True, slots=True)
class Finding:
    """How a conversation about own files ended. answer: a value, the groups of a list, or None where none was given."""

    answer: Json
    chart: Chart | None
    ending: str
    turns: tuple[Turn, ...]


def analyse(question: str, files: Mapping[str, bytes], act: Act) -> Finding:
    """Let `act` answer a question about these files (name -> content) with the scenario's tools.

    ending: `final`, `ask` (it needs to know more: add the user's answer to the question), `hand_over` or `out_of_steps`.
    """
    desk, tools = Desk(files), {tool.name: tool for tool in TOOLS}
    turns, ending = [Turn("user", question)], "out_of_steps"
    for _ in range(MOST_STEPS):
        decision = act(turns, TOOLS)
        call = decision.call
        if call is None:
            turns.append(Turn("assistant", decision.text))
            ending = decision.kind
            break
        tool = tools.get(call.name)
        wrong = (
            "there is no such tool"
            if tool is None
            else next(iter(argument_errors(tool, call.arguments)), "")
        )
        try:
            content: Json = (
                error("invalid_call", wrong).content
                if wrong
                else desk.call(call.name, call.arguments)
            )
            failed = bool(wrong)
        except BadRequest as problem:
            content, failed = error("not_possible", str(problem)).content, True
        turns += [Turn("assistant", call=call), Turn("tool", content, call=call, is_error=failed)]
    return _finding(desk, ending, turns)


def _finding(desk: Desk, ending: str, turns: Sequence[Turn]) -> Finding:
    given, drawn = desk.answered, desk.charts.get(str(desk.answered))
    table = desk.tables.get(str(given))
    if isinstance(table, Summary):
        given = [list(group) for group in table.groups]
    return Finding(drawn.title if drawn else given, drawn, ending, tuple(turns))


def own_task(question: Mapping[str, Any], data: bytes, number: int = 0) -> Task:
    """A task of the test split. question: file, question, kind, answer, conditions, and the columns that the kind needs.

    Raises `KeyError` for an unknown kind.
    """
    names = {field.name for field in fields(Request)}
    given = {key: value for key, value in question.items() if key in names and key != "conditions"}
    conditions = tuple(
        Wanted(each["column"], each["operator"], tuple(each["values"]))
        for each in question["conditions"]
    )
    request = Request(**given, conditions=conditions)
    case = Case(request, question["answer"], data, text=question["question"])
    return Task("data_analysis", "test", "easy", number, request.kind, plan(request), payload=case)


def own_tasks(folder: Path) -> list[Task]:
    """The tasks of `questions.json` about the files beside it."""
    questions = json.loads((folder / "questions.json").read_text(encoding="utf-8"))
    return [own_task(q, (folder / q["file"]).read_bytes(), n) for n, q in enumerate(questions)]
