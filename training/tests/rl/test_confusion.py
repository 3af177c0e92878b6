"""What was due and what was called; which parameters were filled rightly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from scenarios.core.env import ToolEnv
from scenarios.core.tasks import AnyOf, Milestone, Verdict
from scenarios.core.types import Decision, Tool, ToolCall
from scenarios.library import library
from training.rl.agents import Agent, OracleAgent, RandomAgent, Seat
from training.rl.confusion import Confusion, Due, parameter_outcomes
from training.rl.exam import KEPT_FAILED, KEPT_FIRST, KEPT_MISTAKES, Exam, tally

REFUND = Tool(
    "refund",
    "Give money back.",
    {
        "type": "object",
        "properties": {
            "payment": {"type": "string", "pattern": "^P-"},
            "amount": {"type": "number"},
            "note": {"type": "string"},
        },
        "required": ["payment"],
    },
)
WANTED = Milestone("refunded", "refund", {"payment": AnyOf(("P-1",)), "amount": AnyOf((5, 5.0))})
OTHER = Milestone("again", "refund", {"payment": AnyOf(("P-2",)), "note": AnyOf(("",), True, True)})


@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        ({"payment": "P-1", "amount": 5}, ("right", "right", "right")),
        ({"payment": "P-9", "amount": 5}, ("wrong", "right", "right")),
        ({"payment": "X", "amount": 5}, ("invalid", "right", "right")),
        ({"payment": "P-1"}, ("right", "missing", "right")),
        ({"payment": "P-1", "amount": 5, "note": "hi"}, ("right", "right", "wrong")),
        ({"payment": "P-2", "amount": 4}, ("right", "wrong", "right")),  # nearer to the other one
    ],
)
def test_each_parameter_is_judged_against_the_nearest_milestone(
    arguments: dict[str, Any], outcome: tuple[str, ...]
) -> None:
    right = set(outcome) == {"right"}
    verdict = Verdict(right, None if right else "wrong_argument")
    found = parameter_outcomes(REFUND, ToolCall("refund", arguments), (WANTED, OTHER), verdict)
    assert tuple(what for _, what in found) == outcome
    assert [name for name, _ in found] == ["payment", "amount", "note"]


def test_free_text_that_found_nothing_is_wrong() -> None:
    search = Tool("search", "Find.", {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]})  # fmt: skip
    wanted = Milestone("found", "search", {"query": AnyOf(("x",), anything=True)})
    call = ToolCall("search", {"query": "something else"})
    found = parameter_outcomes(search, call, (wanted,), Verdict(False, "wrong_argument"))
    assert found == [("query", "wrong")]
    assert parameter_outcomes(search, call, (), Verdict(False, "junk_call")) == []


class Scripted(Agent):
    """Makes the same decisions in every episode, then ends."""

    label = "Scripted"

    def __init__(self, *decisions: Decision) -> None:
        self.decisions = decisions

    def decide(self, seats: Sequence[Seat]) -> list[Decision]:
        steps = [cast("ToolEnv", seat.env).steps for seat in seats]
        return [self.decisions[i] if i < len(self.decisions) else Decision("final") for i in steps]


def exam(**more: Any) -> Exam:
    return Exam(**{"scenario": library.get("echo")(), "split": "test", "difficulty": "easy", "tasks": 20, "attempts": 2, **more})  # fmt: skip


def played(agent: Agent, **more: Any) -> Any:
    *_, out = tally(agent, exam(**more), keep=True)
    return out


def test_a_wrong_tool_stands_in_the_row_of_the_one_that_was_due() -> None:
    out = played(Scripted(Decision("tool", ToolCall("whisper", {"word": "never"}))))
    found = out.confusion.as_json(out.kept)
    kinds = [exam().scenario.task("test", "easy", seed).kind for seed in range(20)]
    shouts, whispers = 2 * kinds.count("shout"), 2 * kinds.count("whisper")
    cells = {(c["due"], c["called"]): c for c in found["cells"]}
    assert cells["shout", "whisper"]["failures"] == {"wrong_tool": shouts}
    assert cells["whisper", "whisper"]["failures"] == {"wrong_argument": whispers}
    assert cells["whisper", "final"]["failures"] == {"stopped_early": whispers}
    assert found["due"]["whisper"] == {"right": 0, "wrong": 2 * whispers}
    assert found["cells"][0]["count"] == max(shouts, whispers)
    [row] = out.confusion.parameters_as_json()
    assert (row["tool"], row["parameter"], row["wrong"]) == ("whisper", "word", whispers)
    assert row["right"]["n"] == whispers
    assert row["right"]["value"] == 0


def test_the_oracle_has_no_mistakes_and_everything_counted() -> None:
    out = played(OracleAgent(), scenario=library.get("customer_support")(), difficulty="medium")
    found = out.confusion.as_json(out.kept)
    assert found["cells"] == []
    assert sum(d["right"] for d in found["due"].values()) == sum(out.steps) == len(out.decided)
    rows = out.confusion.parameters_as_json()
    assert rows
    assert all(r["right"]["value"] == 1 and not r["wrong"] + r["missing"] for r in rows)


def test_cells_add_up_to_the_failures_and_transcripts_show_them() -> None:
    out = played(RandomAgent(0), scenario=library.get("customer_support")(), difficulty="hard")
    found = out.confusion.as_json(out.kept)
    kinds: dict[str, int] = {}
    for cell in found["cells"]:
        for kind, count in cell["failures"].items():
            kinds[kind] = kinds.get(kind, 0) + count
    assert kinds == dict(out.failures)
    assert len(out.kept) <= KEPT_FIRST + KEPT_FAILED + KEPT_MISTAKES
    due, called = found["cells"][0]["due"], found["cells"][0]["called"]
    shows = [
        any(not s.right and (s.due, s.decision.label) == (due, called) for s in record.steps)
        for record in out.kept
    ]
    assert found["cells"][0]["transcripts"] == sum(shows) > 0


def test_where_several_things_are_due_the_one_that_was_done_counts() -> None:
    scenario = library.get("customer_support")()
    for seed in range(200):
        env = ToolEnv(scenario, "test", "hard")
        env.reset(options={"task_seed": seed})
        assert env.world is not None
        due = Due.of(env.world)
        reference = env.world.oracle().label
        open_tools = {m.tool for m in due.pending} - {"ask"}
        if len(open_tools) > 1:
            break
    assert due.expected == reference
    for tool in open_tools:
        decision = Decision("tool", ToolCall(tool, {}))
        assert due.label(decision, Verdict(False, "wrong_argument")) == tool
    assert due.label(Decision("final"), Verdict(False, "stopped_early")) == due.expected


def test_only_the_agent_under_examination_is_watched() -> None:
    *_, out = tally(OracleAgent(), exam())
    assert out.confusion is None
    assert not out.decided
    assert isinstance(out.kept, list)
    assert Confusion({}).as_json([]) == {"due": {}, "cells": []}
