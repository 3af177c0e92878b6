"""The world of a recorded conversation: it answers as the recording did, and no stray call goes unnoticed."""

from __future__ import annotations

from scenarios.core.types import Decision, ToolCall
from scenarios.tests.test_traces import DONE, act, calls, said, scenario_of

ASKED = [
    said("Where is my parcel?"),
    said("What is its number?", "assistant"),
    said("N-44"),
    *calls(("find", {"number": "N-44"}, {"state": "here"})),
    said("It is here.", "assistant"),
    said("Thanks!"),
    said("You are welcome.", "assistant"),
]


def test_a_question_is_part_of_the_task_and_thanks_are_not() -> None:
    scenario = scenario_of(ASKED)
    task = scenario.task("train", "easy", 0)
    assert [m.tool for m in task.milestones] == ["ask", "find"]
    world = scenario.world(task)
    assert world.opening() == "Where is my parcel?"
    early = world.step(act("find", number="N-1"))
    assert early.turns[1].content["error"] == "not_recorded"
    assert not early.verdict.right
    world = scenario.world(task)
    assert world.step(Decision("ask", text="Which?")).turns[1].content == "N-44"
    assert world.step(act("find", number="N-44")).turns[1].content == {"state": "here"}
    world.step(DONE)
    assert world.succeeded


def test_a_request_without_a_question_mark_counts_where_the_answer_brings_a_value() -> None:
    row = [*ASKED]
    row[1] = said("Please tell me its number.", "assistant")
    task = scenario_of(row).task("train", "easy", 0)
    assert [m.tool for m in task.milestones] == ["ask", "find"]


def test_a_call_outside_the_recording_spoils_the_episode() -> None:
    scenario = scenario_of(
        [said("Pay N-1"), *calls(("pay", {"number": "N-1"}, "paid")), said("Paid.", "assistant")]
    )
    task = scenario.task("train", "easy", 0)
    for stray in (act("pay", number="N-2"), None, act("nothing"), act("pay", amount=3)):
        world = scenario.world(task)
        if stray is not None:
            outcome = world.step(stray)
            assert not outcome.verdict.right
        world.step(act("pay", number="N-1"))
        world.step(DONE)
        went_through = stray is not None and stray.call == ToolCall("pay", {"number": "N-2"})
        assert world.succeeded is not went_through
    world = scenario.world(task)
    for _ in range(2):
        assert world.step(act("pay", number="N-1")).turns[1].content == "paid"
    world.step(DONE)
    assert not world.succeeded  # paid twice


def test_a_recorded_failure_is_replayed_and_is_no_step() -> None:
    missing = {"error": "not_found", "message": "no N-1"}
    row = [
        said("N-1 or N-2"),
        *calls(("find", {"n": "N-1"}, missing)),
        *calls(("find", {"n": "N-2"}, "here")),
    ]
    scenario = scenario_of([*row, said("Here.", "assistant")])
    task = scenario.task("train", "easy", 0)
    assert len(task.milestones) == 1
    world = scenario.world(task)
    outcome = world.step(act("find", n="N-1"))
    assert outcome.turns[1].content == missing
    assert outcome.turns[1].is_error
    world.step(act("find", n="N-2"))
    world.step(DONE)
    assert world.succeeded


def test_what_others_did_with_the_same_request_is_right_too() -> None:
    request = said("Cancel order A-1!")
    one = [
        request,
        *calls(("find", {"id": "A-1"}, {"n": 5})),
        *calls(("cancel", {"n": 5}, "ok")),
        said("Done", "assistant"),
    ]
    two = [
        request,
        *calls(("find", {"id": "A-1"}, {"n": 5})),
        *calls(("stop", {"n": 5}, "stopped")),
        said("Done", "assistant"),
    ]
    scenario = scenario_of(one, two)
    for seed in range(2):
        for last, answer in (("cancel", "ok"), ("stop", "stopped")):
            world = scenario.world(scenario.task("train", "easy", seed))
            world.step(act("find", id="A-1"))
            assert world.progress == 0.5
            outcome = world.step(act(last, n=5))
            assert outcome.verdict.right
            assert outcome.turns[1].content == answer
            world.step(DONE)
            assert world.succeeded


def test_calls_of_one_message_may_come_in_any_order() -> None:
    row = [
        said("A and B"),
        *calls(("get", {"id": "A"}, 1), ("get", {"id": "B"}, 2)),
        *calls(("add", {"a": 1, "b": 2}, 3)),
    ]
    scenario = scenario_of([*row, said("3", "assistant")])
    world = scenario.world(scenario.task("train", "easy", 0))
    assert not world.step(act("add", a=1, b=2)).verdict.right
    world = scenario.world(scenario.task("train", "easy", 0))
    for step in (act("get", id="B"), act("get", id="A"), act("add", a=1, b=2)):
        assert world.step(step).verdict.right
    world.step(DONE)
    assert world.succeeded


def test_free_text_may_be_worded_otherwise() -> None:
    rows = []
    for n in range(6):
        note = f"The customer reports problem {n} and would like a call back soon."
        rows.append(
            [
                said(f"Something is wrong with N-{n}"),
                *calls(("claim", {"id": f"N-{n}", "note": note}, {"c": n})),
            ]
        )
    scenario = scenario_of(*rows)
    assert scenario.document["free_text"] == {"claim": ["note"]}
    world = scenario.world(scenario.task("train", "easy", 0))
    number = world.opening().split()[-1]
    outcome = world.step(act("claim", id=number, note="Broken."))
    assert outcome.verdict.right
    assert outcome.turns[1].content == {"c": int(number[2:])}
