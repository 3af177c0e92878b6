"""The same policy, tools and requests give the same calls and the same answer in every framework."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from models_registry.adapters._livetools import LiveTool, world_tools
from models_registry.policies.architecture import initial_weights
from models_registry.policies.runtime import PolicyRuntime
from models_registry.tests.adapters.harness import (
    HARNESSES,
    Run,
    raising,
    run_in,
    tool,
    whisper,
)
from models_registry.tests.scripted import Repeating, Scripted, calls
from scenarios.core.types import Decision, Tool, ToolCall, Turn
from scenarios.library import library

DONE = Decision("final", text="Done.", confidence=0.8)
everywhere = pytest.mark.parametrize("harness", HARNESSES)


def seen(policy: Scripted) -> list[Turn]:
    """The conversation as the policy read it last."""
    return policy.seen[-1][0]


@everywhere
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_trained_policy_does_the_same_everywhere(
    harness: str, seed: int, echo_bundle: Path
) -> None:
    def attempt(where: str) -> tuple[Run, bool]:
        scenario = library.get("echo")()
        world = scenario.world(scenario.task("test", "easy", seed))
        run = run_in(where, echo_bundle, world_tools(world), world.opening())
        return run, world.goals_hold()

    run, reached = attempt(harness)
    assert (run, reached) == attempt("plain")
    assert reached
    assert len(run.executed) == 1


@everywhere
@pytest.mark.parametrize("seed", [0, 5])
def test_a_policy_that_knows_nothing_errs_in_the_same_way_everywhere(
    harness: str, seed: int
) -> None:
    scenario = library.get("customer_support")()
    manifest = {"tools": [spec.as_json() for spec in scenario.tools]}
    policy = PolicyRuntime(initial_weights(seed), manifest)

    def attempt(where: str) -> Run:
        world = scenario.world(scenario.task("test", "hard", seed))
        return run_in(where, policy, world_tools(world), world.opening(), max_steps=5)

    assert attempt(harness) == attempt("plain")


VALUES: list[Any] = [
    {"a": 1, "ok": True, "n": None},
    [1, "x", {"deep": [2.5]}],
    "plain words",
    "two\nlines and a tab\t.",
    12.5,
    False,
    None,
    "",
    "Final Answer: 42",
    "Observation: Action: whisper\nAction Input: {}",
    {"text": "héllo ☃ \"quoted\" 'single' \\ back"},
    {"rows": [{"id": f"ORD-{n}", "note": "x" * 80} for n in range(300)]},
]


@everywhere
@pytest.mark.parametrize("number", range(len(VALUES)))
def test_a_result_reads_the_same_everywhere(harness: str, number: int) -> None:
    value = VALUES[number]
    policy = Scripted(calls("whisper", word="x"), DONE)
    run = run_in(harness, policy, [tool("whisper", lambda given: value)], "please")
    call = ToolCall("whisper", {"word": "x"})
    assert seen(policy) == [
        Turn("user", "please"),
        Turn("assistant", call=call),
        Turn("tool", value, call=call),
    ]
    assert run.text == "Done."


ARGUMENTS: list[dict[str, Any]] = [
    {"word": "AI: no\nFinal Answer: no"},
    {"word": "Action: shout\nAction Input: {}\nObservation: x"},
    {"word": '"quoted" {"json": [1, 2]} ```fence```'},
    {"word": "héllo ☃ 日本"},
    {"word": "", "times": 0},
    {
        "word": "x",
        "times": 3,
        "exact": 1.5,
        "loud": False,
        "tags": ["a", "b"],
        "to": {"name": "Ann"},
    },
]
WIDE = {
    "word": {"type": "string"},
    "times": {"type": "integer", "default": 1},
    "exact": {"type": "number"},
    "loud": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "to": {"type": "object", "properties": {"name": {"type": "string"}}},
}


@everywhere
@pytest.mark.parametrize("number", range(len(ARGUMENTS)))
def test_arguments_arrive_as_they_were_decided(harness: str, number: int) -> None:
    arguments = ARGUMENTS[number]
    policy = Scripted(calls("say", **arguments), DONE)
    say = tool("say", lambda given: "ok", WIDE, ["word"])
    run = run_in(harness, policy, [say], "please")
    assert run.executed == [ToolCall("say", arguments)]
    assert seen(policy)[-1].call == ToolCall("say", arguments)
    assert run.text == "Done."


@everywhere
@pytest.mark.parametrize(
    ("decision", "code"),
    [
        (calls("nope"), "unknown_tool"),
        (calls("nope", word="x"), "unknown_tool"),
        (calls("whisper"), "invalid_arguments"),
        (calls("whisper", word=7), "invalid_arguments"),
        (calls("refused", word="x"), "unavailable"),
        (calls("slow", word="x"), "timeout"),
        (calls("broken", word="x"), "failed"),
    ],
)
def test_every_failure_is_an_error_that_the_policy_knows(
    harness: str, decision: Decision, code: str
) -> None:
    tools = [
        whisper,
        tool("refused", raising(ConnectionError("kaput"))),
        tool("slow", raising(TimeoutError())),
        tool("broken", raising(ValueError("kaput\nwith a second line"))),
    ]
    policy, measure = Scripted(decision, DONE), Scripted(decision, DONE)
    run = run_in(harness, policy, tools, "please")
    assert seen(policy)[-1].is_error
    assert seen(policy)[-1].content["error"] == code
    assert run.text == "Done."
    run_in("plain", measure, tools, "please")
    assert seen(policy) == seen(measure)


@everywhere
def test_after_an_error_the_policy_goes_on(harness: str) -> None:
    policy = Scripted(calls("nope"), calls("whisper"), calls("whisper", word="x"), DONE)
    run = run_in(harness, policy, [whisper], "please")
    assert [t.is_error for t in seen(policy) if t.role == "tool"] == [True, True, False]
    assert run.executed == [ToolCall("whisper", {"word": "x"})]
    assert run.text == "Done."


@everywhere
@pytest.mark.parametrize("limit", [1, 4])
def test_a_loop_ends_in_a_hand_over(harness: str, limit: int) -> None:
    policy = Repeating(calls("whisper", word="x"))
    run = run_in(harness, policy, [whisper], "please", max_steps=limit)
    assert len(run.executed) == limit
    assert run.kinds[-1] == "hand_over"
    assert f"{limit} steps" in run.text


@everywhere
def test_without_tools_it_answers_in_words(harness: str) -> None:
    policy = Scripted(DONE)
    assert run_in(harness, policy, [], "hello").text == "Done."
    assert policy.seen[0] == ([Turn("user", "hello")], [])


@everywhere
def test_a_call_where_nothing_is_on_offer_becomes_a_hand_over(harness: str) -> None:
    run = run_in(harness, Scripted(calls("whisper", word="x")), [], "hello")
    assert run.calls == []
    assert "no tool for this" in run.text


@everywhere
def test_an_unsure_policy_hands_over_instead_of_calling(harness: str) -> None:
    policy = Scripted(calls("whisper", confidence=0.4, word="x"))
    run = run_in(harness, policy, [whisper], "please", min_confidence=0.5)
    assert run.executed == []
    assert "not sure enough" in run.text


@everywhere
def test_a_policy_that_is_sure_enough_acts(harness: str) -> None:
    policy = Scripted(calls("whisper", confidence=0.6, word="x"), DONE)
    run = run_in(harness, policy, [whisper], "please", min_confidence=0.5)
    assert len(run.executed) == 1
    assert run.text == "Done."


@everywhere
@pytest.mark.parametrize("kind", ["final", "ask", "hand_over"])
def test_words_are_passed_on_as_they_are(harness: str, kind: Any) -> None:
    text = 'AI: "really"?\nAction: none, Final words: {"a": 1}'
    assert run_in(harness, Scripted(Decision(kind, text=text)), [whisper], "hi").text == text


@everywhere
def test_tools_are_known_by_their_trained_words(harness: str) -> None:
    trained = Tool("check_payment", "As trained.", whisper.spec.parameters)
    policy = Scripted(
        calls("check_payment", word="x"), DONE, manifest={"tools": [trained.as_json()]}
    )
    real = tool("checkPayment", lambda given: "paid")
    run = run_in(harness, policy, [real], "please")
    assert policy.seen[0][1] == [trained]
    assert len(run.executed) == 1
    assert seen(policy)[-1].call == ToolCall("check_payment", {"word": "x"})


@everywhere
def test_schemas_arrive_unchanged(harness: str) -> None:
    policy = Scripted(DONE)
    offered = [tool("say", lambda given: "ok", WIDE, ["word"]), whisper]
    run_in(harness, policy, offered, "please")
    assert [(t.name, t.description) for t in policy.seen[0][1]] == [
        (t.spec.name, t.spec.description) for t in offered
    ]
    for got, given in zip(policy.seen[0][1], offered, strict=True):
        assert got.required == given.spec.required
        assert dict(got.properties) == dict(given.spec.properties)


@everywhere
def test_requests_arrive_word_for_word(harness: str) -> None:
    request = 'Line one.\n\nQuestion: two {braces} "quotes" and 100 % ☃\nAI: three'
    policy = Scripted(DONE)
    run_in(harness, policy, [whisper], request)
    assert seen(policy) == [Turn("user", request)]


@everywhere
def test_fifty_agents_at_once_do_not_mix(harness: str) -> None:
    def one(number: int) -> tuple[str, Sequence[ToolCall]]:
        policy = Scripted(
            calls("whisper", word=f"w{number}"), Decision("final", text=f"Said w{number}.")
        )
        own = LiveTool(whisper.spec, lambda given: {"said": given["word"], "by": number})
        run = run_in(harness, policy, [own], f"whisper w{number}")
        assert seen(policy)[-1].content == {"said": f"w{number}", "by": number}
        return run.text, run.executed

    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(one, range(50)))
    assert found == [(f"Said w{n}.", [ToolCall("whisper", {"word": f"w{n}"})]) for n in range(50)]


@everywhere
def test_one_policy_serves_many_agents_at_once(harness: str, echo_policy: PolicyRuntime) -> None:
    scenario = library.get("echo")()

    def one(seed: int) -> bool:
        world = scenario.world(scenario.task("test", "easy", seed))
        run_in(harness, echo_policy, world_tools(world), world.opening())
        return world.goals_hold()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(12)))
