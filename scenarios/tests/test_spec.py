"""Scenarios from a YAML file: the start that is shipped, what its language does, and every kind of mistake."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

from scenarios.core.check import check_scenario
from scenarios.core.env import ToolEnv
from scenarios.core.types import SPLITS, Decision, ToolCall
from scenarios.core.world import World
from scenarios.sources.base import SourceError
from scenarios.sources.catalogue import compiled, find, provide
from scenarios.sources.spec import SpecScenario
from scenarios.sources.spec.effects import State, carry_out
from scenarios.sources.spec.expressions import fill, holds, resolve
from scenarios.sources.spec.tables import Ids, part
from scenarios.tests.own import KEY, document, text


def loan_desk(*changes: tuple[str, str]) -> SpecScenario:
    scenario = compiled(document(*changes))
    assert isinstance(scenario, SpecScenario)
    return scenario


def mistakes(*changes: tuple[str, str]) -> str:
    with pytest.raises(SourceError) as caught:
        compiled(document(*changes))
    return "\n".join(caught.value.mistakes)


def opened(scenario: SpecScenario, kind: str, difficulty: Any = "medium") -> tuple[ToolEnv, World]:
    """An environment at the first training task of a kind."""
    env = ToolEnv(scenario, "train", difficulty)
    for seed in range(100):
        _, info = env.reset(options={"task_seed": seed})
        if info["kind"] == kind and env.world is not None:
            return env, env.world
    raise AssertionError(kind)


def call(env: ToolEnv, tool: str, **arguments: Any) -> Any:
    turns, *_ = env.step(Decision("tool", ToolCall(tool, arguments)))
    return turns[-1].content


def test_the_start_keeps_the_rules() -> None:
    report = check_scenario(loan_desk(), 15)
    assert report.oracle_success == 1
    assert report.nothing_success == 0


def test_it_looks_like_a_built_in_scenario() -> None:
    scenario = loan_desk()
    assert (scenario.key, scenario.title, scenario.version) == (KEY, "Loan desk", "1")
    assert [tool.name for tool in scenario.tools][:2] == ["find_member", "find_book"]
    assert scenario.tool("lend_book").required == ("mark", "member")
    assert scenario.keyword_rules["find_member"] == ("card", "member")
    assert scenario.max_steps["hard"] == 14
    assert "blocked" in scenario.company_policy
    assert scenario.as_json()["content_hash"] == scenario.content_hash()


def test_the_same_text_is_the_same_scenario_and_another_one_is_not() -> None:
    assert loan_desk().content_hash() == loan_desk().content_hash()
    other = loan_desk(("seconds: 0.3", "seconds: 0.4"))
    assert other.content_hash() != loan_desk().content_hash()


def test_another_process_can_have_it() -> None:
    scenario = loan_desk()
    again = pickle.loads(pickle.dumps(scenario))
    assert again.task("test", "hard", 5) == scenario.task("test", "hard", 5)


def test_a_name_is_found_once_its_document_is_given() -> None:
    provide("desk_given", document())
    assert find("desk_given").key == KEY
    assert find("echo").key == "echo"


def test_the_splits_share_no_entities_and_no_wording() -> None:
    scenario = loan_desk()
    for what in (scenario.wording, scenario.entities):
        train, validation, test = (what(split) for split in SPLITS)
        assert all((train, validation, test))
        assert not train & test
        assert not train & validation
        assert not validation & test


def test_the_tools_change_the_world() -> None:
    env, world = opened(loan_desk(), "borrow", "easy")
    plan = world.task.payload.scope
    found = call(env, "find_book", title=plan["book"]["title"])
    assert found["status"] == "free"
    lent = call(env, "lend_book", mark=found["mark"], member=plan["member"]["number"])
    assert lent["loan"].startswith("L-")
    again = call(env, "lend_book", mark=found["mark"], member=plan["member"]["number"])
    assert again == {"error": "not_free", "message": f"the book {found['mark']} is lent"}
    assert call(env, "find_book", title=plan["book"]["title"])["status"] == "lent"


def test_another_order_of_the_steps_is_as_good() -> None:
    env, world = opened(loan_desk(), "borrow", "easy")
    plan = world.task.payload.scope
    call(env, "find_book", title=plan["book"]["title"])
    call(env, "find_member", number=plan["member"]["number"])
    call(env, "lend_book", mark=plan["book"]["mark"], member=plan["member"]["number"])
    *_, info = env.step(Decision("final", text="Done."))
    assert info["success"]


def test_whoever_changes_something_else_too_has_not_succeeded() -> None:
    env, world = opened(loan_desk(), "renew", "easy")
    plan: Any = world.task.payload
    other = next(r for r in plan.tables["loans"] if r["loan"] != plan.scope["loan"]["loan"])
    call(env, "list_loans", member=plan.scope["member"]["number"])
    call(env, "renew_loan", loan=plan.scope["loan"]["loan"])
    call(env, "renew_loan", loan=other["loan"])
    *_, info = env.step(Decision("final", text="Done."))
    assert not info["success"]


def test_a_broken_rule_of_the_house_is_a_breach() -> None:
    env, world = opened(loan_desk(), "blocked_card")
    plan = world.task.payload.scope
    *_, info = env.step(
        Decision(
            "tool",
            ToolCall(
                "lend_book", {"mark": plan["book"]["mark"], "member": plan["member"]["number"]}
            ),
        )
    )
    assert info["verdict"].failure == "policy_breach"
    assert "rule 1" in world.breaches[0]


def test_a_user_who_left_something_out_says_it_when_asked() -> None:
    env, world = opened(loan_desk(), "borrow_without_card")
    number = world.task.payload.scope["member"]["number"]
    assert number not in env.turns[0].content
    turns, *_ = env.step(Decision("ask", text="Which card?"))
    assert number in turns[-1].content


def test_where_nothing_is_changed_the_steps_have_to_be_done() -> None:
    env, _ = opened(loan_desk(), "blocked_card", "easy")
    *_, info = env.step(Decision("hand_over"))
    assert not info["success"]


def test_ids_do_not_repeat_and_stay_in_their_split() -> None:
    spans = [Ids.of({"id": "B-", "digits": 3}, split) for split in SPLITS]
    for ids in spans:
        numbers = {ids.number(17, n) for n in range(ids.size)}
        assert len(numbers) == ids.size
    assert spans[0].low + spans[0].size == spans[1].low
    assert spans[1].low + spans[1].size == spans[2].low


def test_a_list_is_split_without_loss() -> None:
    values = list(range(17))
    parts = [part(values, split) for split in SPLITS]
    assert [*parts[0], *parts[1], *parts[2]] == values
    assert all(parts)


def test_expressions() -> None:
    scope = {"a": {"b": 3}, "name": "Ada", "none": None}
    assert resolve("$a.b", scope) == 3
    assert resolve("$a.c", scope) is None
    assert resolve(["{name} has {a.b}", {"x": "$name"}], scope) == ["Ada has 3", {"x": "Ada"}]
    assert resolve({"add": ["$a.b", 2, 0.5]}, scope) == 5.5
    assert resolve({"subtract": ["$a.b", "$name"]}, scope) is None
    assert fill("{none}{nobody}", scope) == ""
    assert holds(3, {"at_least": 3, "below": 4}, scope)
    assert not holds("3", {"above": 2}, scope)
    assert holds("Ada Brook", {"contains": "ada"}, scope)
    assert holds(3, {"in": [1, "$a.b"]}, scope)
    assert holds(None, {"not": 1}, scope)
    assert not holds(1, {"in": "1"}, scope)


def test_what_doubles_itself_stays_small() -> None:
    state = State({"t": [{"x": "y" * 3000, "n": 10**9}]})
    effect: list[dict[str, Any]] = [
        {"find": "t", "as": "row"},
        {
            "update": "t",
            "where": {},
            "set": {"x": "{row.x}{row.x}{row.x}", "n": {"multiply": ["$row.n", "$row.n"]}},
        },
        {"update": "t", "where": {}, "set": {"x": "$row"}},
    ]
    carry_out(effect[:2], {}, state, surroundings={}, new_row=lambda *_: {}, seconds=0)
    assert len(str(state.tables["t"][0]["x"])) == 4000
    assert state.tables["t"][0]["n"] is None
    carry_out([effect[0], effect[2]], {}, state, surroundings={}, new_row=lambda *_: {}, seconds=0)
    assert state.tables["t"][0]["x"] is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("kind: spec", "kind: sepc"), "kind: must be one of spec"),
        (("key: loan_desk", "key: Loan Desk"), "key: "),
        (("title: Loan desk", "tilte: Loan desk"), "title\" is a required property"),
        (("find: members", "find: membres"), "there is no table 'membres'; did you mean 'members'?"),
        (("where: {number: $number}", "where: {nummer: $number}"), "no column 'nummer'"),
        (("where: {number: $number}", "where: {number: $numbr}"), "there is no name 'numbr'"),
        (("- return: {number: $member.number", "- retrun: {number: $member.number"), "a statement begins with one of"),
        (("call: find_member", "call: find_membr"), "there is no tool 'find_membr'"),
        (("with: {number: $member.number}", "with: {}"), "find_member needs 'number'"),
        (("with: {number: $member.number}", "with: {number: 1, more: 2}"), "there is no parameter 'more'"),
        (("after: [member, book]", "after: [membr]"), "there is no earlier step 'membr'"),
        (("{pool: names}", "{pool: nmes}"), "there is no pool 'nmes'"),
        (("{pool: names}", "{pol: names}"), "Additional properties"),
        (("{pool: names}", "{pool: names, integer: [1, 2]}"), "must name one of"),
        (("{integer: [1, 40]}", "{integer: [40, 1]}"), "the first number is larger"),
        (("{row: members.number}", "{row: memers.number}"), "no earlier table 'memers'"),
        (("{row: members.number}", "{row: members.numbr}"), "no column 'numbr'"),
        (("rows: {easy: 2, medium: 4, hard: 6}", "rows: 30"), "30 rows need 30 members of 'names'"),
        (("rows: {easy: 3, medium: 5, hard: 5}", "rows: {easy: 3, medium: 5}"), "world.tables.books"),
        (("$who.card: valid", "who.card: valid"), "must be a reference such as"),
        (("fault_rate: {easy: 0.0", "fault_rate: {easy: 0.9"), "fault_rate"),
        (("ends: hand_over", "ends: run_away"), "requests[2].ends"),
        (("{table: books, where: {mark: $book.mark}, has", "{table: boks, where: {mark: $book.mark}, has"), "no table 'boks'"),
        (("has: {status: lent}", "has: {status: free}"), "goals: they do not hold"),
        (("set: {card: valid}", "where: {card: golden}"), "there was no row to pick"),
        (("parameters:\n      number: {type: string", "parameters:\n      number: {type: sting"), "is no JSON Schema"),
        (("{type: string, description: Number on the member's card.}", '{$ref: "file:///etc/passwd"}'), "is no JSON Schema"),
        (("version: 1", "version: 1\nspeed: 3"), "('speed' was unexpected)"),
        (("- kind: renew\n", "- kind: borrow\n"), "'borrow' is there twice"),
        (("test:\n        - \"Would you check", "tests:\n        - \"Would you check"), "requests[0].say"),
    ],
)  # fmt: skip
def test_every_mistake_is_named_with_its_place(change: tuple[str, str], words: str) -> None:
    assert words in mistakes(change)


def test_a_reference_path_that_is_refused_is_a_mistake() -> None:
    assert "the reference path fails here" in mistakes(
        ("book: {from: books, set: {status: free}}", "book: {from: books, set: {status: lent}}")
    )


def test_a_document_of_no_kind_is_refused() -> None:
    odds: tuple[Any, ...] = ([], "spec", 3, None, {}, {"kind": ["spec"]})
    for odd in odds:
        with pytest.raises(SourceError, match="kind: must be one of"):
            compiled(odd)


def test_compiling_changes_nothing_in_the_document() -> None:
    found = document()
    before = copy.deepcopy(found)
    compiled(found).task("train", "hard", 1)
    assert found == before


def test_the_example_is_the_start_as_it_is_written() -> None:
    example = Path(__file__).resolve().parents[2] / "examples" / "loan_desk.yaml"
    assert example.read_text(encoding="utf-8") == text()


def test_an_error_of_a_tool_names_what_was_asked_for() -> None:
    env, _ = opened(loan_desk(), "borrow", "easy")
    found = call(env, "find_book", title="No Such Book")
    assert found["message"] == "there is no book of the title No Such Book"
