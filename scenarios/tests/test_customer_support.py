"""The scenario as a whole: the contract, the dials, the wording, the search, and the reference paths."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from scenarios.core.check import check_scenario
from scenarios.core.tasks import ASK, Milestone, Task
from scenarios.core.types import DIFFICULTIES, SPLITS, Difficulty, Split
from scenarios.library import library
from scenarios.library.customer_support import CustomerSupport, knowledge
from scenarios.library.customer_support.kinds import KINDS
from scenarios.library.customer_support.names import POOLS
from scenarios.library.customer_support.wording import book, fragments, how_to_topics, phrases

SCENARIO = CustomerSupport()
LEAST: dict[Split, int] = {"train": 24, "validation": 6, "test": 12}


def tasks(difficulty: Difficulty, split: Split = "train", count: int = 300) -> list[Task]:
    return [SCENARIO.task(split, difficulty, seed) for seed in range(count)]


def calls(task: Task) -> list[Milestone]:
    return [m for m in task.milestones if not m.optional and m.tool != ASK]


def test_the_contract_holds() -> None:
    report = check_scenario(SCENARIO, tasks=15)
    assert report.oracle_success == 1.0
    assert report.nothing_success == 0.0
    assert report.random_success <= 0.01


def test_the_page_and_the_card() -> None:
    title, text = library.about("customer_support")
    assert title.startswith("Customer support")
    assert "Version 1" in text
    card = SCENARIO.as_json()
    assert len(card["tools"]) == 15
    assert "Refunds" in card["company_policy"]
    json.dumps(card, allow_nan=False)


@pytest.mark.parametrize(
    ("difficulty", "low", "high"), [("easy", 2, 3), ("medium", 3, 4.5), ("hard", 5, 9)]
)
def test_the_dials_set_the_number_of_calls(difficulty: Difficulty, low: float, high: float) -> None:
    made = tasks(difficulty)
    assert low <= sum(len(calls(task)) for task in made) / len(made) <= high


def test_easy_forgets_nothing_and_medium_forgets_in_some_tasks() -> None:
    assert all(task.payload.withheld is None for task in tasks("easy"))
    share = sum(
        any(m.tool == ASK and not m.optional for m in task.milestones) for task in tasks("medium")
    )
    assert 0.08 * 300 < share < 0.25 * 300


def test_about_one_medium_request_in_twelve_is_not_the_desks() -> None:
    seen = Counter(task.kind for task in tasks("medium", count=1500))
    assert 0.05 < seen["out_of_scope"] / 1500 < 0.11
    assert set(seen) == set(KINDS)
    assert len(KINDS) >= 14


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("split", SPLITS)
def test_tasks_are_equal_for_equal_seeds_and_milestones_are_named_once(
    split: Split, difficulty: Difficulty
) -> None:
    for task in tasks(difficulty, split, 60):
        assert SCENARIO.task(split, difficulty, task.seed) == task
        found = [m.name for m in task.milestones]
        assert len(set(found)) == len(found)
        assert all(set(m.after) <= set(found) for m in task.milestones)


@pytest.mark.parametrize("split", SPLITS)
def test_every_argument_can_be_pointed_at(split: Split) -> None:
    """Each value of the reference path stands in the message, in an earlier result, in a reply or in the schema."""
    for seed in range(60):
        world = SCENARIO.world(SCENARIO.task(split, "hard", seed))
        seen = world.opening()
        while world.ended_by is None:
            decision = world.oracle()
            if decision.call is not None:
                properties = world.tools[decision.call.name].properties
                for name, value in decision.call.arguments.items():
                    shown = json.dumps(value).strip('"')
                    assert value in properties[name].get("enum", ()) or shown in seen, (
                        seed,
                        name,
                        value,
                    )
            outcome = world.step(decision)
            seen += "".join(json.dumps(turn.as_json()) for turn in outcome.turns)


@pytest.mark.parametrize("split", SPLITS)
def test_there_are_enough_phrases_of_every_intent(split: Split) -> None:
    for intent in {kind.intent for kind in KINDS.values()} - {"how_to", "api_question"}:
        assert len(phrases(split, intent, frozenset(ALL_SLOTS))) >= LEAST[split], intent
    questions = [key for key in book(split)["phrases"] if key.startswith("KB-")]
    assert sum(len(book(split)["phrases"][key]) for key in questions) >= LEAST[split]
    api = [key for key in book(split)["phrases"] if key.startswith("api_")]
    assert sum(len(book(split)["phrases"][key]) for key in api) >= LEAST[split]


ALL_SLOTS = ("email", "code", "payment_id", "amount", "device_id", "plan", "scope", "older_ticket")


@pytest.mark.parametrize("split", SPLITS)
def test_every_detail_can_be_told_and_every_askable_one_replied(split: Split) -> None:
    for detail in (*ALL_SLOTS, "subscription_id"):
        assert all("{" + detail + "}" in text for text in fragments(split, "details", detail))
    for detail in ALL_SLOTS[:-1]:
        assert all("{" + detail + "}" in text for text in fragments(split, "replies", detail))
    for intent in ("upgrade", "downgrade", "api_key", "refund", "invoice"):
        assert phrases(split, intent), f"{intent} needs phrases that name no detail"


def test_splits_share_no_phrase_and_no_entity() -> None:
    for what in (SCENARIO.wording, SCENARIO.entities):
        train, validation, test = ({text.lower() for text in what(split)} for split in SPLITS)
        assert not train & validation
        assert not train & test
        assert not validation & test


def test_identifiers_stay_in_the_range_of_their_split() -> None:
    for split in SPLITS:
        pool = POOLS[split]
        for task in tasks("hard", split, 80):
            for table in task.payload.tables.values():
                for key in table:
                    assert pool.low <= int(key.split("/")[0][2:]) < pool.high


@pytest.mark.parametrize("split", SPLITS)
def test_the_raw_message_finds_the_article(split: Split) -> None:
    found = wanted = 0
    for difficulty in DIFFICULTIES:
        for task in tasks(difficulty, split, 200):
            for milestone in task.milestones:
                if milestone.returns is not None and milestone.tool == "search_kb":
                    wanted += 1
                    found += milestone.returns(knowledge.results(SCENARIO.world(task).opening()))
    assert wanted > 50
    assert found / wanted >= 0.97


@pytest.mark.parametrize("split", SPLITS)
def test_every_question_finds_its_own_article_alone(split: Split) -> None:
    for article in how_to_topics(split):
        for phrase in phrases(split, article):
            query = phrase.format(device=POOLS[split].models[0])
            assert knowledge.finds(article)(knowledge.results(query)), phrase


def test_requests_outside_the_desk_mostly_find_nothing() -> None:
    empty = [knowledge.results(phrase)["found"] == 0 for phrase in phrases("test", "out_of_scope")]
    assert sum(empty) / len(empty) > 0.8
