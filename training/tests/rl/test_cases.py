"""A version on a user's own cases: figures that can be checked by hand, a policy that learned, and 500 broken files."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from models_registry.artifacts.bundle import BundleError, save_bundle
from models_registry.policies.architecture import initial_weights
from scenarios.core.types import Decision, Tool, ToolCall
from scenarios.sources import catalogue
from scenarios.sources.base import SourceError
from scenarios.sources.traces import import_traces
from scenarios.tests.test_traces_fuzz import junk, mutant
from training.rl.cases import Case, CaseReport, Judged, evaluate_cases, read_cases
from training.rl.config import parse_config
from training.rl.intervals import rate
from training.rl.train import manifest, train

EXAMPLES = Path(__file__).parents[3] / "examples" / "own_traces"
KEY = "few_shot_bank"
MUTANTS = 500


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version trained for seconds on 12 tools with six utterances each."""
    document, _ = import_traces(EXAMPLES / "few_shot.jsonl", "openai_chat", KEY, split="none")
    catalogue.provide(KEY, document)
    config = parse_config(
        {"scenario": KEY, "difficulty": "easy", "episodes": 1_500, "collectors": 1}
    )
    steps = train(config)
    weights = next(step.weights for step in steps if step.fraction == 1 and step.weights)
    steps.close()
    folder = tmp_path_factory.mktemp("bank") / "bundle"
    save_bundle(folder, weights, manifest(config, catalogue.find(KEY)))
    return folder


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("untrained") / "bundle"
    tool = {"name": "find", "description": "Find.", "parameters": SCHEMA}
    save_bundle(folder, initial_weights(0), {"tools": [tool], "calibration": {"temperature": 2.0}})
    return folder


SCHEMA = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def lines(*rows: Any) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def judged(expected: Any, decision: Decision, *parameters: tuple[str, bool]) -> Judged:
    return Judged(Case(1, (), (), expected), decision, parameters)


def did(name: str, confidence: float = 0.8, **arguments: Any) -> Decision:
    return Decision("tool", ToolCall(name, arguments), confidence=confidence)


def test_figures_are_what_was_counted() -> None:
    find, pay = ToolCall("find", {"id": "A"}), ToolCall("pay", {"id": "A", "sum": 3})
    end = Decision("final", confidence=0.6)
    report = CaseReport(
        [
            judged(find, did("find", id="A"), ("id", True)),
            judged(find, did("find", id="B"), ("id", False)),
            judged(pay, did("pay", id="A", sum=4), ("id", True), ("sum", False)),
            judged(pay, did("find", id="A")),
            judged(pay, end),
            judged("no_call", end),
            judged("no_call", did("pay")),
            judged("hand_over", end),
        ],
        [],
    ).as_json()
    shares = {
        "right": (2, 8), "tool_accuracy": (3, 5), "call_accuracy": (1, 5), "parameter_accuracy": (2, 4),
    }  # fmt: skip
    for name, (hits, n) in shares.items():
        assert report[name]["value"] == pytest.approx(hits / n)
        assert report[name]["n"] == n
    assert report["tool_accuracy"] == rate([1, 1, 1, 0, 0], [1] * 5)
    quiet = report["abstention"]
    assert [quiet[k]["value"] for k in ("right", "kind_right", "needless")] == pytest.approx(
        [2 / 3, 1 / 3, 1 / 5]
    )
    rows = {row["expected"]: row for row in report["per_tool"]}
    assert rows["pay"]["cases"] == 3
    assert rows["pay"]["called"] == 2
    assert rows["find"]["right"]["value"] == 0.5
    assert {(c["expected"], c["decided"]): c["count"] for c in report["confusion"]} == {
        ("pay", "find"): 1, ("pay", "final"): 1, ("no_call", "pay"): 1, ("hand_over", "final"): 1,
    }  # fmt: skip
    # The 0.8s: 5 decisions, 1 right; the 0.6s: 3 decisions, 1 right.
    error = report["calibration"]["before"]["error"]
    assert error["value"] == pytest.approx((5 * abs(1 / 5 - 0.8) + 3 * abs(1 / 3 - 0.6)) / 8)
    assert len(report["wrong"]) == 6


def test_a_policy_that_learned_from_six_utterances_a_tool_serves_others(bank: Path) -> None:
    cases, refused = read_cases((EXAMPLES / "few_shot_cases.jsonl").read_bytes())
    assert (len(cases), refused) == (68, [])
    report = evaluate_cases(bank, cases).as_json()
    assert report["tool_accuracy"]["n"] == 60
    assert report["tool_accuracy"]["low"] > 0.6
    assert report["parameter_accuracy"]["value"] > 0.8
    assert report["abstention"]["right"]["n"] == 8
    assert sum(row["cases"] for row in report["per_tool"]) == 68
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_its_training_ends_without_a_claim(bank: Path) -> None:
    config = parse_config(
        {"scenario": KEY, "difficulty": "easy", "episodes": 64, "collectors": 1,
         "evaluation_tasks": 500, "evaluation_attempts": 1}
    )  # fmt: skip
    evidence = next(step.evidence for step in train(config) if step.evidence)
    assert evidence["split"] == "train"
    assert evidence["held_out"] is False
    assert evidence["tasks"] == 80  # there are no more
    assert not any(criterion["met"] for criterion in evidence["criteria"])
    assert evidence["calibration"]["fit"]["n"] == 0


def test_tools_of_a_row_are_matched_by_name(untrained: Path) -> None:
    tool = {"type": "function", "function": {"name": "findIt", "parameters": SCHEMA}}
    same = {"name": "Find", "parameters": SCHEMA}
    cases, _ = read_cases(
        lines(
            {"messages": user("A-1?"), "tools": [tool], "expected": {"name": "findIt", "arguments": {"id": "A-1"}}},
            {"messages": user("A-1?"), "tools": [same], "expected": {"name": "Find", "arguments": {"id": "A-1"}}},
        )
    )  # fmt: skip
    report = evaluate_cases(untrained, cases)
    names = {j.decision.call.name for j in report.judged if j.decision.call}
    assert names <= {"findIt", "Find"}


def test_a_case_may_stand_in_the_middle_of_a_conversation(untrained: Path) -> None:
    made = {"id": "1", "function": {"name": "find", "arguments": '{"id": "A-1"}'}}
    before = [
        *user("A-1 please"),
        {"role": "assistant", "tool_calls": [made]},
        {"role": "tool", "tool_call_id": "1", "content": '{"id": "A-1", "open": true}'},
    ]
    cases, refused = read_cases(lines({"messages": before, "expected": "final"}))
    assert not refused
    assert [turn.role for turn in cases[0].turns] == ["user", "assistant", "tool"]
    assert len(evaluate_cases(untrained, cases).judged) == 1


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"messages": user("x")}, "expected: is missing"),
        ({"messages": user("x"), "expected": "dance"}, "expected: must be a call"),
        ({"messages": user("x"), "expected": {"name": "a b"}}, "expected.name: a tool's name"),
        (
            {"messages": user("x"), "expected": {"name": "a", "arguments": 3}},
            "expected.arguments: must be",
        ),
        ({"messages": [], "expected": None}, "list of messages"),
        (
            {"messages": [*user("x"), {"role": "assistant", "content": "y"}], "expected": None},
            "must end with",
        ),
        (
            {"messages": user("x"), "tools": [{"name": "b"}], "expected": {"name": "a"}},
            "'a' is none of the row's tools",
        ),
        (17, "must be an object"),
    ],
)
def test_a_bad_row_is_named_and_the_others_are_judged(row: Any, why: str) -> None:
    cases, refused = read_cases(lines(row, {"messages": user("x"), "expected": "ask"}))
    assert len(cases) == 1
    assert refused[0].row == 1
    assert why in refused[0].why
    with pytest.raises(SourceError, match="no case"):
        read_cases(lines(row))


def test_a_team_is_refused_with_its_roles(tmp_path: Path) -> None:
    save_bundle(tmp_path / "team", initial_weights(0), {"roles": ["author", "tester"]})
    with pytest.raises(BundleError, match="team of author, tester"):
        evaluate_cases(tmp_path / "team", [])


def test_a_null_says_that_a_parameter_is_left_out(untrained: Path) -> None:
    tools = (Tool("find", "Find.", SCHEMA),)
    case = Case(1, (), tools, ToolCall("find", {"id": "A", "more": None}))
    from training.rl.cases import _compared

    assert _compared(case.expected, did("find", id="A")) == (("id", True), ("more", True))
    assert _compared(case.expected, did("find", id="B")) == (("id", False), ("more", True))


def test_mutated_case_files_are_judged_or_refused(untrained: Path, tmp_path: Path) -> None:
    target = tmp_path / "was_here"
    rng, pool = random.Random(5), junk(target)
    made = {"id": "1", "function": {"name": "find", "arguments": '{"id": "A-1"}'}}
    tool = {"type": "function", "function": {"name": "find", "parameters": SCHEMA}}
    middle = [
        *user("A-1"),
        {"role": "assistant", "tool_calls": [made]},
        {"role": "tool", "content": "[1, 2]"},
    ]
    data = lines(
        {"messages": user("Find A-1"), "tools": [tool], "expected": {"name": "find", "arguments": {"id": "A-1"}}},
        {"messages": middle, "expected": "final"},
        {"messages": user("Sing"), "expected": None},
    )  # fmt: skip
    judged_ = refused_ = 0
    for _ in range(MUTANTS):
        broken = mutant(data, rng, pool)
        began = time.perf_counter()
        try:
            cases, refused = read_cases(broken)
            report = evaluate_cases(untrained, cases, refused).as_json()
            json.dumps(report, allow_nan=False)
            judged_ += 1
            refused_ += bool(refused)
        except SourceError:
            refused_ += 1
        assert time.perf_counter() - began < 2, broken[:2_000]
    assert judged_ > MUTANTS / 4
    assert refused_ > MUTANTS / 4
    assert not target.exists()
