"""Watching an agent at work: the same conversation from every framework, as rows that a scenario can be made of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models_registry.adapters import autogen, crewai, langchain
from models_registry.adapters._recording import NotRecordable, Recorder, framework_of
from models_registry.tests.adapters.harness import raising, tool, whisper
from models_registry.tests.scripted import Scripted, calls
from scenarios.core.types import Decision
from scenarios.sources.traces import read_traces

DONE = Decision("final", text="Done.", confidence=0.8)
broken = tool("whisper", raising(ValueError("it is too loud")))


def made(kind: str, one: Any = whisper) -> Any:
    policy = Scripted(calls("whisper", word="pine"), DONE)
    if kind == "autogen":
        return autogen.wrap_agent(policy, [one])
    if kind == "crewai":
        return crewai.wrap_agent(policy, [one])
    return langchain.wrap_agent(policy, [one], kind=kind)


KINDS = ("graph", "react", "conversational", "structured_chat", "autogen", "crewai")


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_agent_does_becomes_a_row_that_can_be_read_again(kind: str) -> None:
    recorder = Recorder.of(lambda: made(kind))
    assert [spec.name for spec in recorder.tools] == ["whisper"]
    [found] = recorder.record(["whisper pine"])
    assert found.problem == ""
    row = recorder.row(found)
    roles = [message["role"] for message in row["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant"]
    call = row["messages"][1]["tool_calls"][0]["function"]
    assert (call["name"], json.loads(call["arguments"])) == ("whisper", {"word": "pine"})
    assert json.loads(row["messages"][2]["content"]) == {"said": "pine"}
    reading = read_traces(json.dumps(row).encode(), "openai_chat")
    assert [report.used for report in reading.rows] == [True]
    assert [spec.name for spec in reading.tools] == ["whisper"]


@pytest.mark.parametrize("kind", ["graph", "react", "autogen"])
def test_a_tool_that_fails_is_recorded_as_an_error(kind: str) -> None:
    [found] = Recorder.of(lambda: made(kind, broken)).record(["whisper pine"])
    [result] = [turn for turn in found.turns if turn.role == "tool"]
    assert "too loud" in json.dumps(result.content)


def test_times_of_langchains_tools_are_measured() -> None:
    recorder = Recorder.of(lambda: made("graph"))
    [found] = recorder.record(["whisper pine"])
    assert found.seconds[0] is not None
    assert recorder.row(found)["messages"][2]["seconds"] >= 0


def test_an_agent_that_raises_does_not_end_the_recording() -> None:
    agents = iter([made("graph"), langchain.wrap_agent(Scripted(), [whisper]), made("graph")])
    recorder = Recorder.of(lambda: next(agents))
    first, second = recorder.record(["a", "b"])
    assert "IndexError" in first.problem
    assert second.problem == ""


def test_what_is_no_agent_is_named() -> None:
    with pytest.raises(NotRecordable, match="a dict is no agent of langchain, autogen, crewai"):
        framework_of({})
