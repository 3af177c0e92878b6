"""Reviews of code: tasks, the world's answers, what counts as a report, measures and baselines."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from scenarios.core.env import ToolEnv
from scenarios.core.tasks import Task
from scenarios.core.types import Decision, Difficulty, Split, ToolCall, Turn
from scenarios.library.code_review import CodeReview, wording
from scenarios.library.code_review.findings import explanations, findings
from scenarios.library.code_review.tasks import MOST, SCOPES, WAIVERS, Review
from scenarios.library.code_review.world import ReviewWorld

SCENARIO = CodeReview()
LEAVES = 60
"""Values of one result that a policy reads."""


def call(name: str, **arguments: Any) -> Decision:
    return Decision("tool", ToolCall(name, arguments))


def found(
    difficulty: Difficulty = "medium", split: Split = "train", **wanted: Any
) -> tuple[Task, Review]:
    """The first task whose review has these attributes."""
    for seed in range(400):
        task = SCENARIO.task(split, difficulty, seed)
        if all(getattr(task.payload, name) == value for name, value in wanted.items()):
            return task, task.payload
    raise AssertionError(f"no task with {wanted}")


def opened(task: Task) -> ReviewWorld:
    """The world with the file open and every required tool run; without faults."""
    world = ReviewWorld(task, 0, SCENARIO.tools, 0.0)
    if not task.payload.names_file:
        world.step(Decision("ask"))
    assert world.step(call("analyze_code", file=task.payload.path)).verdict.right
    for tool in task.payload.tools[:]:
        if tool != "analyze_code":
            assert world.step(call(tool)).verdict.right
    return world


def with_wanted(count: int = 1, lacks: str | None = "") -> tuple[ReviewWorld, Review]:
    """A world in which so many defects are wanted, the first of which lacks this (None: whatever)."""
    for seed in range(600):
        task = SCENARIO.task("train", "hard", seed)
        wanted = task.payload.wanted
        if len(wanted) >= count and (lacks is None or wanted[0].lacks == lacks):
            return opened(task), task.payload
    raise AssertionError("no such task")


@pytest.mark.parametrize("difficulty", ["medium", "hard"])
def test_results_are_compact_enough_to_be_read_whole(difficulty: Difficulty) -> None:
    for seed in range(60):
        task = SCENARIO.task("test", difficulty, seed)
        if task.payload.source is None:
            continue
        for told in findings(task.payload.source).values():
            assert len(told) <= MOST
            assert sum(len(f.as_json()) for f in told) <= LEAVES


def test_a_task_is_the_same_in_another_process() -> None:
    code = (
        "from scenarios.library.code_review import CodeReview\n"
        "from scenarios.library.code_review.findings import findings\n"
        "s = CodeReview(); t = s.task('test', 'hard', 3)\n"
        "print(s.world(t, 2).opening(), t.payload.source.text, t.milestones)\n"
        "print([f.as_json() for told in findings(t.payload.source).values() for f in told])\n"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd())},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_attempts_differ_in_wording_only() -> None:
    task, review = found(names_file=True)
    openings = {SCENARIO.world(task, attempt).opening() for attempt in range(8)}
    assert len(openings) > 3
    assert all(review.path in opening for opening in openings)


def test_every_scope_and_kind_of_file_is_drawn() -> None:
    tasks = [SCENARIO.task("train", "medium", seed) for seed in range(220)]
    scopes = Counter(task.payload.scope for task in tasks)
    assert set(scopes) == set(SCOPES)
    assert min(scopes.values()) > 14
    assert {t.payload.source.kind for t in tasks if t.payload.source} == {
        "module",
        "script",
        "test",
        "package",
    }
    without = sum(not task.payload.wanted for task in tasks)
    assert 0.08 < without / len(tasks) < 0.4


def test_difficulty_adds_defects_doubles_and_trouble() -> None:
    def mean(difficulty: Difficulty) -> tuple[float, float]:
        drawn = [SCENARIO.task("train", difficulty, s).payload for s in range(60)]
        told = [r for r in drawn if r.source is not None]
        every = [sum(map(len, findings(r.source).values())) for r in told]
        return sum(len(r.wanted) for r in told) / len(told), sum(every) / len(every)

    easy, medium, hard = mean("easy"), mean("medium"), mean("hard")
    assert easy[0] < medium[0] < hard[0]
    assert easy[1] < medium[1] < hard[1]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_review_takes_the_tools_of_its_scope_and_wants_its_kinds_only(scope: str) -> None:
    _, review = found("hard", scope=scope)
    assert review.tools[0] != ""
    assert "analyze_code" in review.tools
    assert ("check_security" in review.tools) == ("security" in SCOPES[scope])
    assert ("check_performance" in review.tools) == ("performance" in SCOPES[scope])
    assert {f.kind for f in review.wanted} <= set(SCOPES[scope])


@pytest.mark.parametrize("waived", WAIVERS)
def test_what_a_request_accepts_is_not_wanted(waived: str) -> None:
    task, review = found("hard", waived=waived)
    assert not {f.rule for f in review.wanted} & WAIVERS[waived]
    words = wording.book("train")
    phrases = (*words["waiver"][waived], *words["accepted"][waived])
    assert any(phrase in SCENARIO.world(task).opening() for phrase in phrases)


def test_a_file_that_is_not_python_is_handed_over() -> None:
    for seed in range(400):
        task = SCENARIO.task("train", "medium", seed)
        if task.kind == "unfit" and task.payload.names_file:
            break
    world = ReviewWorld(task, 0, SCENARIO.tools, 0.0)
    looked = world.step(call("analyze_code", file=task.payload.path))
    assert looked.turns[-1].content["reviewable"] == "no"
    assert world.step(Decision("hand_over")).verdict.right
    assert world.succeeded


def test_the_user_is_asked_which_file_it_is() -> None:
    task, review = found(names_file=False)
    world = ReviewWorld(task, 0, SCENARIO.tools, 0.0)
    assert review.path not in world.opening()
    answer = world.step(Decision("ask"))
    assert answer.verdict.right
    assert review.path in answer.turns[-1].content
    assert world.step(Decision("ask")).verdict.failure == "junk_call"


def test_right_reports_and_nothing_else_make_a_success() -> None:
    world, review = with_wanted(2, lacks=None)
    while world.ended_by is None:
        assert world.step(world.oracle()).verdict.right
    assert world.succeeded
    count = float(len(review.wanted))
    assert world.measured() == {
        "detection": (count, count),
        "false_reports": (0.0, count),
        "explained": (count, count),
    }


def test_a_wrong_report_is_counted_and_spoils_success() -> None:
    world, review = with_wanted()
    assert review.source is not None
    other = next(f for told in world.ran.values() for f in told if f.key not in world.wanted)
    wrong = call("report_issue", explanation=other.explanation, line=other.line, kind=other.kind)
    assert world.step(wrong).verdict.failure == "wrong_argument"
    while world.ended_by is None:
        world.step(world.oracle())
    assert not world.succeeded
    assert world.measured()["false_reports"] == (1.0, 1.0 + len(review.wanted))
    assert world.measured()["detection"] == (len(review.wanted), len(review.wanted))


def test_the_right_line_with_the_wrong_kind_is_a_wrong_report() -> None:
    world, review = with_wanted()
    finding = review.wanted[0]
    kind = "style" if finding.kind != "style" else "bug"
    report = call("report_issue", explanation=finding.explanation, line=finding.line, kind=kind)
    assert not world.step(report).verdict.right
    assert world.measured()["false_reports"] == (1.0, 1.0)


def test_a_report_without_a_fix_is_found_but_not_explained_and_can_be_amended() -> None:
    world, review = with_wanted(lacks="fix")
    finding = review.wanted[0]
    poor = call(
        "report_issue", explanation=finding.explanation, line=finding.line, kind=finding.kind
    )
    assert world.step(poor).verdict.failure in ("wrong_argument", "order")
    assert world.measured()["explained"] == (0.0, 1.0)
    assert world.measured()["detection"][0] == 1.0
    told = world.step(call("suggest_improvements", line=finding.line))
    assert told.verdict.right
    good = [
        i["explanation"]
        for i in told.turns[-1].content["improvements"]
        if i["outcome"] == "clean" and i["rule"] == finding.rule
    ]
    better = call("report_issue", explanation=good[0], line=finding.line, kind=finding.kind)
    assert world.step(better).verdict.right
    assert world.measured()["explained"] == (1.0, 1.0)
    assert len(world.reported) == 1


def test_the_documentation_completes_what_lacks_its_reason() -> None:
    world, review = with_wanted(lacks="reason")
    finding = review.wanted[0]
    told = world.step(call("search_documentation", rule=finding.rule))
    assert told.verdict.right
    place = told.turns[-1].content["places"][0]
    assert told.turns[-1].content["why"] in place["explanation"]
    report = call(
        "report_issue", explanation=place["explanation"], line=place["line"], kind=place["kind"]
    )
    assert world.step(report).verdict.right


def test_a_report_says_which_findings_are_still_open() -> None:
    world, review = with_wanted(2, lacks=None)
    seen = [f for told in world.ran.values() for f in told]
    finding = review.wanted[0]
    result = (
        world.step(
            call(
                "report_issue",
                explanation=finding.explanation,
                line=finding.line,
                kind=finding.kind,
            )
        )
        .turns[-1]
        .content
    )
    assert [entry["case"] for entry in result["open"]] == [
        f.case for f in seen if f.key != finding.key
    ]


@pytest.mark.parametrize(
    "decision",
    [
        call("detect_bugs"),
        call("suggest_improvements", line=3),
        call("search_documentation", rule="weak-hash"),
        call("finish_review"),
        call("analyze_code", file="no/such.py"),
    ],
)
def test_nothing_works_before_the_file_is_open(decision: Decision) -> None:
    task, _ = found(names_file=True)
    world = ReviewWorld(task, 0, SCENARIO.tools, 0.0)
    outcome = world.step(decision)
    assert outcome.turns[-1].is_error
    assert not outcome.verdict.right


@pytest.mark.parametrize(
    "decision",
    [
        call("suggest_improvements", line=1),
        call("search_documentation", rule="no-such-rule"),
        call("run_nothing"),
    ],
)
def test_calls_that_make_no_sense_are_errors(decision: Decision) -> None:
    world, _ = with_wanted()
    outcome = world.step(decision)
    assert outcome.turns[-1].is_error
    assert not outcome.verdict.right


def test_a_tool_that_the_review_does_not_take_is_a_wrong_call_and_costs_time() -> None:
    task, _ = found(scope="security", names_file=True)
    world = opened(task)
    outcome = world.step(call("check_performance"))
    assert outcome.verdict.failure == "wrong_tool"
    assert outcome.seconds > 2


def test_after_the_end_of_the_review_nothing_is_reported() -> None:
    world, review = with_wanted()
    finding = review.wanted[0]
    assert world.step(call("finish_review")).verdict.failure == "order"
    report = call(
        "report_issue", explanation=finding.explanation, line=finding.line, kind=finding.kind
    )
    assert world.step(report).turns[-1].is_error
    assert not world.reported


def test_a_sound_file_needs_its_tools_too() -> None:
    for seed in range(400):
        task = SCENARIO.task("train", "easy", seed)
        if not task.payload.wanted:
            break
    world = ReviewWorld(task, 0, SCENARIO.tools, 0.0)
    world.step(call("analyze_code", file=task.payload.path))
    world.step(call("finish_review"))
    world.step(Decision("final"))
    assert not world.succeeded
    world = opened(task)
    world.step(call("finish_review"))
    assert world.step(Decision("final")).verdict.right
    assert world.succeeded


def play(key: str, difficulty: Difficulty, tasks: int = 25) -> Counter[str]:
    env, told = ToolEnv(SCENARIO, "validation", difficulty), Counter[str]()
    for seed in range(tasks):
        turns, _ = env.reset(options={"task_seed": seed})
        over = False
        while not over:
            turns, _, terminated, over, info = env.step(SCENARIO.baselines[key].decide(turns))
            over = over or terminated
            told["calls"] += 1
        told["success"] += info["success"]
        told["cut"] += not terminated
        for name, (count, total) in info["measured"].items():
            told[name] += count
            told[f"of {name}"] += total
    return told


def test_baselines_find_much_and_report_too_much() -> None:
    played = {key: play(key, "hard") for key in SCENARIO.baselines}
    share = {
        key: {m: told[m] / told[f"of {m}"] for m in ("detection", "false_reports", "explained")}
        for key, told in played.items()
    }
    assert share["all_rules"]["detection"] == 1
    assert share["everything"]["detection"] == 1
    assert share["everything"]["explained"] == 1
    assert share["all_rules"]["explained"] < 0.95
    assert share["linters"]["detection"] < 0.8
    assert min(s["false_reports"] for s in share.values()) > 0.2
    assert all(told["success"] < 0.6 * 25 and not told["cut"] for told in played.values())


def test_a_baseline_repeats_a_call_that_met_a_transient_error() -> None:
    failed = Turn(
        "tool", {"error": "timeout", "message": "."}, ToolCall("run_linter"), is_error=True
    )
    turns = (Turn("user", 'Check "a/b.py".'), Turn("assistant", call=failed.call), failed)
    assert SCENARIO.baselines["linters"].decide(turns).call == failed.call


def test_explanations_offered_are_the_ones_that_the_plan_accepts() -> None:
    for seed in range(40):
        task = SCENARIO.task("train", "hard", seed)
        review: Review = task.payload
        for finding in review.wanted:
            assert review.source is not None
            milestone = next(
                m for m in task.milestones if m.name == f"reported {finding.line} {finding.kind}"
            )
            accepted = milestone.arguments["explanation"].values
            offered = [text for text, _ in explanations(review.source, finding)]
            assert accepted
            assert set(accepted) <= set(offered)
            if not finding.lacks:
                assert finding.explanation in accepted
