"""Files that the generator did not make: they load, and the reference path answers every question about them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scenarios.core.tasks import Task
from scenarios.core.types import Decision, ToolCall
from scenarios.library.data_analysis import DataAnalysis
from scenarios.library.data_analysis.files.load import load_file
from scenarios.library.data_analysis.own import analyse, own_tasks

SCENARIO = DataAnalysis()
FOLDER = Path(__file__).parent / "data" / "data_analysis"
FILES = sorted(path for path in FOLDER.iterdir() if path.name not in ("NOTICE", "questions.json"))
TASKS = own_tasks(FOLDER)


def test_there_are_enough_files_and_questions_of_enough_kinds() -> None:
    assert len(FILES) >= 20
    assert {task.payload.request.file for task in TASKS} == {path.name for path in FILES}
    assert len({task.kind for task in TASKS}) >= 15


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_loads(path: Path) -> None:
    table = load_file(path)
    asked = [task.payload.request for task in TASKS if task.payload.request.file == path.name]
    for request in asked:
        for name in (request.measure, request.other):
            if name and request.kind != "lookup":
                assert table.columns[table.column(name)].kind == "number", name
        if request.day:
            assert table.columns[table.column(request.day)].kind == "date"
        assert any(table.repeated) == request.repeated


@pytest.mark.parametrize(
    "task", TASKS, ids=lambda task: f"{task.seed}-{task.payload.request.file}-{task.kind}"
)
def test_the_reference_path_answers_right(task: Task) -> None:
    world = SCENARIO.world(task)
    world.fault_rate = 0.0
    while world.ended_by is None:
        assert world.step(world.oracle()).verdict.right
    assert world.succeeded, (world.desk.answered, world.case.reference)


def test_a_file_of_ones_own_is_asked_without_a_task() -> None:
    rules = SCENARIO.baselines["rules"].decide
    files = {"birds.csv": (FOLDER / "birds.csv").read_bytes()}
    found = analyse(
        'What is the total count in "birds.csv"?', files, lambda turns, tools: rules(tuple(turns))
    )
    assert (found.answer, found.ending, found.chart) == (102, "final", None)
    drawn = analyse(
        'Draw a histogram of the minutes in "birds.csv".',
        files,
        lambda turns, tools: rules(tuple(turns)),
    )
    assert drawn.chart is not None
    assert drawn.chart.kind == "histogram"


def test_wrong_calls_are_told_and_the_conversation_ends() -> None:
    calls = iter(
        [
            ToolCall("load_data", {"file": "a.csv"}),
            ToolCall("fly", {}),
            ToolCall("load_data", {}),
            ToolCall("calculate_stats", {"table": "t9", "column": "x"}),
        ]
    )

    def act(turns: object, tools: object) -> Decision:
        call = next(calls, None)
        return Decision("tool", call) if call else Decision("ask", text="Which column?")

    found = analyse("What is it?", {"a.csv": b"x,y\n1,2\n3,4\n"}, act)
    assert found.ending == "ask"
    errors = [turn.content["error"] for turn in found.turns if turn.is_error]
    assert errors == ["invalid_call", "invalid_call", "not_possible"]
    json.dumps([turn.as_json() for turn in found.turns])


def test_a_conversation_without_end_is_cut() -> None:
    found = analyse(
        "What?",
        {"a.csv": b"x\n1\n"},
        lambda turns, tools: Decision("tool", ToolCall("load_data", {"file": "a.csv"})),
    )
    assert found.ending == "out_of_steps"
