"""The scenario as a whole: the contract, dials, wording, reference answers, measures and baselines."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from scenarios.core.check import check_scenario
from scenarios.core.env import ToolEnv
from scenarios.core.tasks import ASK, Task
from scenarios.core.types import DIFFICULTIES, SPLITS, Decision, Difficulty, Split, ToolCall, Turn
from scenarios.core.wording import book
from scenarios.library import library
from scenarios.library.data_analysis import DataAnalysis, letters
from scenarios.library.data_analysis.datasets import dataset, domains
from scenarios.library.data_analysis.requests import KINDS
from scenarios.library.data_analysis.world import AnalysisWorld

SCENARIO = DataAnalysis()
LEAST: dict[Split, int] = {"train": 12, "validation": 6, "test": 8}


def played(task: Task, attempt: int = 0) -> AnalysisWorld:
    """The world after the reference path, without faults."""
    world = SCENARIO.world(task, attempt)
    world.fault_rate = 0.0
    while world.ended_by is None:
        world.step(world.oracle())
    return world


def find(kind: str, split: Split = "train", difficulty: Difficulty = "medium") -> Task:
    tasks = (SCENARIO.task(split, difficulty, seed) for seed in range(3000))
    return next(task for task in tasks if task.kind == kind)


def test_the_contract_holds() -> None:
    report = check_scenario(SCENARIO, tasks=8)
    assert report.oracle_success == 1.0
    assert report.nothing_success == 0.0
    assert report.random_success <= 0.01


def test_the_page_and_the_card() -> None:
    title, text = library.about("data_analysis")
    assert title.startswith("Data analysis")
    assert "Version 1" in text
    card = SCENARIO.as_json()
    assert card["tools"][0]["name"] == "load_data"
    assert {measure["key"] for measure in card["measures"]} == {
        "insight_accuracy",
        "query_efficiency",
        "visualisation",
    }
    json.dumps(card, allow_nan=False)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_tools_find_the_reference_answer(kind: str) -> None:
    """The reference comes from what is true, in plain Python; the answer from the file, by the tools."""
    world = played(find(kind))
    assert world.succeeded
    assert world.measured()["query_efficiency"][0] == world.measured()["query_efficiency"][1]


@pytest.mark.parametrize("kind", ["absent", "broken"])
def test_what_a_file_does_not_hold_is_handed_over(kind: str) -> None:
    task = find(kind)
    assert task.endings == ("hand_over",)
    assert played(task).succeeded
    world = SCENARIO.world(task)
    world.step(Decision("hand_over"))
    assert not world.succeeded  # nobody has looked


@pytest.mark.parametrize("split", SPLITS)
def test_phrases_are_many_and_can_be_filled(split: Split) -> None:
    text = book(letters._FOLDER, split)
    assert set(KINDS) <= set(text)
    assert min(len(text[kind]) for kind in KINDS) >= LEAST[split]
    assert len(KINDS) >= 15


def test_hard_tasks_take_more_calls_than_easy_ones() -> None:
    mean = {}
    for difficulty in DIFFICULTIES:
        made = [SCENARIO.task("train", difficulty, seed) for seed in range(150)]
        mean[difficulty] = sum(len(task.milestones) for task in made) / len(made)
    assert 3.5 < mean["easy"] < mean["medium"] < mean["hard"] < 9


def test_all_four_families_and_formats_occur() -> None:
    for split in SPLITS:
        assert {d["family"] for d in domains(split)} == {"sales", "behaviour", "series", "mixed"}
    forms = Counter(
        dataset("train", "medium", n, v).format
        for n in range(len(domains("train")))
        for v in range(6)
    )
    assert set(forms) == {"csv", "json", "parquet"}


def test_the_user_forgets_file_and_column_in_harder_tasks_only() -> None:
    def asked(difficulty: Difficulty) -> Counter[str]:
        made = [SCENARIO.task("train", difficulty, seed) for seed in range(250)]
        return Counter(m.name for task in made for m in task.milestones if m.tool == ASK)

    assert not asked("easy")
    assert set(asked("medium")) == {"which_file", "which_column"} == set(asked("hard"))


def test_an_answer_from_repeated_records_breaks_a_rule() -> None:
    task = next(
        t
        for t in (SCENARIO.task("train", "medium", seed) for seed in range(500))
        if t.payload.request.repeated and t.kind == "average" and not t.payload.request.ask_file
    )
    world = SCENARIO.world(task)
    world.fault_rate = 0.0
    world.step(Decision("tool", ToolCall("load_data", {"file": task.payload.request.file})))
    outcome = world.step(Decision("tool", ToolCall("answer", {"value": 1.0})))
    assert outcome.verdict.failure == "policy_breach"
    assert world.breaches


def test_a_wrong_answer_counts_and_cannot_be_taken_back() -> None:
    task = find("average", difficulty="easy")
    world = SCENARIO.world(task)
    for _ in range(2):
        world.step(world.oracle())
    world.step(Decision("tool", ToolCall("answer", {"value": -1.5})))
    while world.ended_by is None and world.calls < 20:
        decision = world.oracle()
        if decision.call is not None and decision.call.name == "answer":
            outcome = world.step(decision)
            assert outcome.turns[-1].is_error
            world.step(Decision("final"))
        else:
            world.step(decision)
    assert not world.succeeded
    assert world.measured()["insight_accuracy"] == (0.0, 1.0)


def test_needless_calls_lower_the_query_efficiency() -> None:
    task = find("median", difficulty="easy")
    world = SCENARIO.world(task)
    world.step(world.oracle())
    described = world.oracle()
    world.step(described)
    world.step(described)  # the same description once more
    while world.ended_by is None:
        world.step(world.oracle())
    counted, out_of = world.measured()["query_efficiency"]
    assert world.succeeded
    assert counted == out_of - 1


def test_a_chart_of_the_wrong_kind_is_no_good() -> None:
    task = find("chart_bar_sum", difficulty="easy")
    world = SCENARIO.world(task)
    while (decision := world.oracle()).call is not None:
        call = decision.call
        if call.name == "plot_chart":
            decision = Decision("tool", ToolCall(call.name, {**call.arguments, "kind": "line"}))
            world.step(decision)
            world.step(Decision("tool", ToolCall("answer", {"value": "c1"})))
            break
        world.step(decision)
    world.step(Decision("final"))
    assert world.measured()["visualisation"] == (0.0, 1.0)
    assert not world.succeeded


@pytest.mark.parametrize(("key", "least", "most"), [("script", 0.02, 0.5), ("rules", 0.4, 0.95)])
def test_the_baselines_read_the_conversation_and_get_somewhere(
    key: str, least: float, most: float
) -> None:
    env = ToolEnv(SCENARIO, "validation", "medium")
    won = 0
    for seed in range(40):
        turns, _ = env.reset(options={"task_seed": seed})
        over = False
        while not over:
            turns, _, terminated, truncated, info = env.step(SCENARIO.baselines[key].decide(turns))
            over = terminated or truncated
        won += info["success"]
    assert least <= won / 40 <= most


def test_a_baseline_without_a_file_asks_for_it() -> None:
    for baseline in SCENARIO.baselines.values():
        assert baseline.decide((Turn("user", "What is the average price?"),)).kind == "ask"
