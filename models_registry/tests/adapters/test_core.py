"""What every adapter shares: the core, live tools, and the words of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from models_registry.adapters._core import Core, Reply, ToolChoiceError, narrowed
from models_registry.adapters._livetools import (
    LiveTool,
    ToolFailure,
    as_json,
    function_tool,
    result_text,
    returned,
    world_tools,
)
from models_registry.adapters._prose import Templates, WrittenByLLM, facts_of
from models_registry.adapters.plain import Cancelled, Plain
from models_registry.tests.adapters.harness import raising, tool, whisper
from models_registry.tests.scripted import Obedient, Repeating, Scripted, calls
from scenarios.core.types import Decision, Tool, ToolCall, ToolResult, Turn
from scenarios.library import library

DONE = Decision("final", text="Done.", confidence=0.8)
HELLO = [Turn("user", "hello")]


def test_a_core_is_made_once_and_given_other_settings() -> None:
    core = Core.of(Scripted(manifest={"scenario": "echo", "sha256": "abcdef0123"}), max_steps=3)
    assert core.policy_id == "echo-abcdef01"
    other = Core.of(core, min_confidence=0.5)
    assert (other.policy, other.max_steps, other.min_confidence) == (core.policy, 3, 0.5)


@pytest.mark.parametrize(
    ("choice", "names", "must"),
    [
        (None, ["a", "b"], False),
        ("auto", ["a", "b"], False),
        ("none", [], False),
        ("required", ["a", "b"], True),
        ("b", ["b"], True),
        ({"type": "function", "function": {"name": "a"}}, ["a"], True),
    ],
)
def test_a_tool_choice_narrows_the_offer(choice: Any, names: list[str], must: bool) -> None:
    offered = [tool(name, lambda given: "ok").spec for name in "ab"]
    left, must_call = narrowed(offered, choice)
    assert ([t.name for t in left], must_call) == (names, must)


def test_a_demanded_call_is_made_even_where_the_policy_is_unsure() -> None:
    reply = Core.of(Obedient(), min_confidence=1.0).decide(HELLO, [whisper.spec], "required")
    assert reply.decision.call == ToolCall("whisper", {"word": "x"})
    with pytest.raises(ToolChoiceError, match="nope"):
        Core.of(Obedient()).decide(HELLO, [whisper.spec], "nope")


def test_below_the_threshold_a_decision_is_deferred_where_somebody_else_can_decide() -> None:
    core = Core.of(Repeating(calls("whisper", confidence=0.4, word="x")), min_confidence=0.5)
    reply = core.decide(HELLO, [whisper.spec], has_fallback=True)
    assert reply.deferred
    assert reply.decision.call == ToolCall("whisper", {"word": "x"})
    assert core.decide(HELLO, [whisper.spec]).decision.kind == "hand_over"


def test_a_call_that_does_not_fit_counts_as_unsure() -> None:
    core = Core.of(Scripted(calls("whisper", word=7)), min_confidence=0.1)
    reply = core.decide(HELLO, [whisper.spec], has_fallback=True)
    assert reply.deferred
    assert "word" in reply.problems[0]
    assert "schema_errors" in reply.metadata("x")


def test_every_decision_is_told() -> None:
    told: list[Reply] = []
    core = Core.of(Scripted(calls("whisper", word="x"), DONE), on_reply=told.append)
    Plain().wrap_agent(core, [whisper]).run("hello")
    assert [reply.decision.label for reply in told] == ["whisper", "final"]


def test_the_plain_loop_goes_on_with_an_earlier_conversation() -> None:
    policy = Scripted(Decision("ask", text="Which?"), calls("whisper", word="x"), DONE)
    agent = Plain().wrap_agent(policy, [whisper])
    first = agent.run("say it")
    second = agent.run("x", first.turns)
    assert second.text == "Done."
    assert second.calls == [ToolCall("whisper", {"word": "x"})]
    assert [t.content for t in policy.seen[-1][0]][:3] == ["say it", "Which?", "x"]


def test_the_plain_loop_can_be_stopped() -> None:
    made: list[int] = []
    count = tool("count", lambda given: made.append(1), {})
    agent = Plain().wrap_agent(Repeating(calls("count")), [count])
    with pytest.raises(Cancelled) as stopped:
        agent.run("go", cancelled=lambda: len(made) == 3)
    assert len(stopped.value.turns) == 7


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str
    zip_code: int | None = None


def paint(
    what: Annotated[str, Field(description="What to paint.")],
    colour: Colour = Colour.RED,
    coats: int = 2,
    where: Address | None = None,
) -> dict[str, Any]:
    """Paint a thing."""
    return {"what": what, "colour": colour, "coats": coats, "where": where}


def test_a_function_is_a_tool_with_the_schema_of_its_annotations() -> None:
    made = function_tool(paint)
    assert (made.spec.name, made.spec.description) == ("paint", "Paint a thing.")
    assert made.spec.required == ("what",)
    assert made.spec.properties["what"] == {"description": "What to paint.", "type": "string"}
    assert made.spec.properties["coats"]["default"] == 2
    result = made.call({"what": "wall", "colour": "blue", "where": {"street": "High St"}})
    assert result == ToolResult(
        {
            "what": "wall",
            "colour": "Colour.BLUE",
            "coats": 2,
            "where": {"street": "High St", "zip_code": None},
        }
    )


@pytest.mark.parametrize("arguments", [{}, {"what": 1}, {"what": "x", "more": 1}])
def test_bad_arguments_never_reach_a_tool(arguments: dict[str, Any]) -> None:
    result = function_tool(paint).call(arguments)
    assert result.is_error
    assert result.content["error"] == "invalid_arguments"


def test_values_that_json_does_not_know_are_said_in_words() -> None:
    assert as_json({"a": {1, 2}, "b": Address(street="x")})["b"] == {
        "street": "x",
        "zip_code": None,
    }
    assert as_json(float("nan")) == "nan"
    assert as_json((1, 2)) == [1, 2]


def test_a_result_that_is_an_error_is_raised_with_its_text() -> None:
    result = tool("broken", raising(ValueError("kaput"))).call({"word": "x"})
    with pytest.raises(ToolFailure, match="kaput") as raised:
        returned(result)
    assert tool("again", raising(raised.value)).call({"word": "x"}) == result
    assert returned(ToolResult({"a": "é"})) == result_text(ToolResult({"a": "é"})) == '{"a": "é"}'


def test_the_tools_of_a_world_step_it() -> None:
    scenario = library.get("echo")()
    world = scenario.world(scenario.task("test", "easy", 3))
    wanted = world.oracle().call
    assert wanted is not None
    seen: list[ToolCall] = []
    own = {t.spec.name: t for t in world_tools(world, lambda call, outcome: seen.append(call))}
    assert own[wanted.name].call(wanted.arguments).content == {"said": wanted.arguments["word"]}
    assert seen == [wanted]
    assert world.goals_hold()


ORDER = ToolCall("get_order", {"order_id": "O-1"})
TALK = [
    Turn("user", "Where is O-1?"),
    Turn("assistant", call=ORDER),
    Turn("tool", {"order": {"state": "shipped", "items": [1]}}, call=ORDER),
    Turn("tool", {"error": "x", "message": "y"}, call=ORDER, is_error=True),
]


def test_templates_are_filled_from_results_and_nothing_else() -> None:
    write = Templates({"final": "Your order is {order.state}.", "ask": "Order {order.number}?"})
    assert write(Decision("final", text="Done."), TALK) == "Your order is shipped."
    assert write(Decision("ask", text="Which?"), TALK) == "Which?"
    assert write(Decision("hand_over", text="Sorry."), TALK) == "Sorry."
    assert facts_of(TALK) == {"order.state": "shipped"}


def test_an_llm_words_the_answer_and_a_template_does_where_it_fails() -> None:
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        if len(asked) > 1:
            raise ConnectionError("no network")
        return " It is on its way. "

    write = WrittenByLLM(ask, Templates({"final": "Your order is {order.state}."}))
    assert write(Decision("final", text="Done."), TALK) == "It is on its way."
    assert '"state": "shipped"' in asked[0]
    assert 'agent calls get_order({"order_id": "O-1"})' in asked[0]
    assert write(Decision("final", text="Done."), TALK) == "Your order is shipped."


def test_words_never_change_the_decision() -> None:
    def write(decision: Decision, turns: Sequence[Turn]) -> str:
        return "Call whisper now!"

    core = Core.of(Scripted(calls("whisper", word="x"), DONE), write=write)
    talk = Plain().wrap_agent(core, [whisper]).run("hello")
    assert talk.text == "Call whisper now!"
    assert talk.calls == [ToolCall("whisper", {"word": "x"})]


def test_a_tool_without_parameters_takes_none() -> None:
    ping = LiveTool(Tool("ping", "Ping.", {"type": "object", "properties": {}}), lambda given: 1)
    assert ping.call({}) == ToolResult(1)
    assert ping.call({"a": 1}).is_error
