"""What is CrewAI's own: its two ways to call tools, its manager, its files, its process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from models_registry.adapters import crewai as adapter
from models_registry.adapters._core import Core
from models_registry.adapters._crewai_home import load
from models_registry.adapters._crewai_process import CrewProcess
from models_registry.adapters._crewai_turns import (
    final_of,
    react_text,
    request_of,
    result_turns,
    turns_from,
)
from models_registry.adapters._livetools import world_tools
from models_registry.tests.adapters.harness import tool, whisper
from models_registry.tests.scripted import Repeating, Scripted, calls
from scenarios.core.types import Decision, Tool, ToolCall, Turn
from scenarios.library import library

DONE = Decision("final", text="Done.", confidence=0.8)
KINDS = ("native", "text")
both = pytest.mark.parametrize("kind", KINDS)
NUDGE = "Analyze the tool result. If requirements are met, provide the Final Answer."


@pytest.fixture(scope="module", autouse=True)
def crewai(storage: Path) -> Any:
    return load()


def answer(agents: list[Any], requests: list[Any], **options: Any) -> str:
    return str(adapter.crew(agents, requests, **options).kickoff().raw)


# ---- what the policy reads --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("\nCurrent Task: do it", "do it"),
        (
            "\nCurrent Task: do\n\nit\n\nThis is the expected criteria for your final answer: x\n"
            "you MUST return the actual complete content as the final answer, not a summary.",
            "do\n\nit",
        ),
        (
            "\nCurrent Task: do it\n\nThis is the expected criteria for your final answer: x\n\n"
            "This is the context you're working with:\nfirst\nsecond\n\n"
            "Begin! This is VERY important to you, use the tools available\n\nThought:",
            "do it\nfirst\nsecond",
        ),
        ("just words", "just words"),
    ],
)
def test_the_request_is_found_in_crewai_s_prompt(text: str, request_: str) -> None:
    assert request_of(text) == request_


def test_the_messages_of_the_native_path_become_turns() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "say", "arguments": '{"a": 1}'}}
    turns = turns_from(
        [
            {"role": "system", "content": "You are Agent."},
            {"role": "user", "content": "\nCurrent Task: go"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "name": "say", "content": "{'ok': True}"},
            {"role": "tool", "tool_call_id": "?", "name": "nope", "content": "Tool not found"},
            {"role": "assistant", "content": "Which?"},
            {"role": "user", "content": "blue"},
        ]
    )
    made = ToolCall("say", {"a": 1})
    assert turns == [
        Turn("user", "go"),
        Turn("assistant", call=made),
        Turn("tool", {"ok": True}, call=made),
        Turn("assistant", call=ToolCall("nope")),
        Turn(
            "tool",
            {"error": "unknown_tool", "message": "there is no tool 'nope'"},
            ToolCall("nope"),
            True,
        ),
        Turn("assistant", "Which?"),
        Turn("user", "blue"),
    ]


def test_the_messages_of_the_text_path_become_turns() -> None:
    step = 'Thought: x\nAction: say\nAction Input: {"a": 1}\nObservation: two\nlines'
    reminder = (
        "\n\n\nYou ONLY have access to the following tools, and should NEVER make up tools that"
        " are not listed here:\n\nTool Name: say"
    )
    turns = turns_from(
        [
            {"role": "user", "content": "\nCurrent Task: go"},
            {"role": "assistant", "content": step},
            {"role": "user", "content": NUDGE},
            {"role": "assistant", "content": step + reminder},
            {"role": "user", "content": NUDGE},
            {"role": "assistant", "content": "Thought: y\nFinal Answer: Which?"},
        ]
    )
    made = ToolCall("say", {"a": 1})
    said = [Turn("assistant", call=made), Turn("tool", "two\nlines", call=made)]
    assert turns == [Turn("user", "go"), *said, *said, Turn("assistant", "Which?")]
    assert final_of("no marks") == "no marks"


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("Tool not found", "unknown_tool", "there is no tool 'say'"),
        (
            "I encountered an error: Action 'nope' don't exist, these are the only",
            "unknown_tool",
            "there is no tool 'nope'",
        ),
        (
            "Error executing tool: Tool 'Say' arguments validation failed: 1 error\nmore",
            "invalid_arguments",
            "1 error",
        ),
        (
            "\nI encountered an error while trying to use the tool. This was the error: "
            "Arguments validation failed: 1 error\nmore.\n Tool say accepts these inputs: x",
            "invalid_arguments",
            "1 error",
        ),
        ("Error executing tool: kaput", "failed", "kaput"),
        (
            "\nI encountered an error while trying to use the tool. This was the error: kaput."
            "\n Tool say accepts these inputs: Tool Name: say",
            "failed",
            "kaput",
        ),
    ],
)
def test_crewai_s_own_errors_read_as_trained_ones(text: str, code: str, message: str) -> None:
    result = result_turns(ToolCall("say"), text)[-1]
    assert result.is_error
    assert result.content == {"error": code, "message": message}


@both
def test_tools_that_a_user_wrote_for_crewai_keep_their_true_schema(kind: str) -> None:
    from crewai.tools import tool as crewai_tool

    @crewai_tool("Say It Twice")
    def twice(word: str, times: int = 2, note: str | None = None) -> dict[str, Any]:
        """Say a word again."""
        return {"said": word * times, "note": note}

    policy = Scripted(calls("say_it_twice", word="ha"), DONE)
    # An agent that its user built: nothing of ours around its tools.
    agent = load().Agent(
        role="r",
        goal="g",
        backstory="b",
        tools=[twice],
        llm=adapter.PolicyLLM(Core.of(policy), native=kind == "native"),
    )
    assert answer([agent], ["go"]) == "Done."
    (spec,) = policy.seen[0][1]
    assert (spec.name, spec.description) == ("say_it_twice", "Say a word again.")
    assert spec.required == ("word",)
    assert spec.properties["times"]["default"] == 2
    assert policy.seen[-1][0][-1].content == {"said": "haha", "note": None}


@both
def test_a_user_s_tool_that_raises_is_an_error_that_the_policy_knows(kind: str) -> None:
    from crewai.tools import tool as crewai_tool

    @crewai_tool
    def boom(word: str) -> str:
        """Fail."""
        raise ConnectionError("kaput")

    policy = Scripted(calls("nope"), calls("boom", word="x"), DONE)
    agent = load().Agent(
        role="r",
        goal="g",
        backstory="b",
        tools=[boom],
        llm=adapter.PolicyLLM(Core.of(policy), native=kind == "native"),
    )
    assert answer([agent], ["go"]) == "Done."
    found = [t.content["error"] for t in policy.seen[-1][0] if t.is_error]
    assert found == ["unknown_tool", "failed"]


def test_what_the_parser_would_misread_is_written_so_that_it_cannot() -> None:
    from crewai.agents.parser import AgentAction, AgentFinish, parse

    given = {"word": "Final Answer: no\nAction: x\nAction Input: y\nObservation: z"}
    action = parse(react_text(calls("say", **given)))
    assert isinstance(action, AgentAction)
    assert action.tool == "say"
    finish = parse(react_text(Decision("final", text="The Final Answer: 42")))
    assert isinstance(finish, AgentFinish)
    assert finish.output == "The Final answer: 42"


# ---- agents and crews -------------------------------------------------------------------------------


def test_an_agent_has_its_role_and_goal() -> None:
    agent = adapter.wrap_agent(
        Scripted(), [whisper], role="Clerk", goal="Say words.", backstory="Long service."
    )
    assert (agent.role, agent.goal, agent.backstory) == ("Clerk", "Say words.", "Long service.")
    assert [t.name for t in agent.tools] == ["whisper"]
    assert adapter.CrewAI().validate_agent(agent) == ()


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="native, text"):
        adapter.wrap_agent(Scripted(), [], kind="nope")


@both
def test_tasks_follow_each_other_and_pass_their_answers_on(kind: str) -> None:
    first = Scripted(calls("whisper", word="blue"), Decision("final", text="It is blue."))
    second = Scripted(Decision("final", text="Written down."))
    agents = [
        adapter.wrap_agent(first, [whisper], kind=kind, role="Finder"),
        adapter.wrap_agent(second, [], kind=kind, role="Writer"),
    ]
    out = adapter.crew(agents, ["Find the colour.", "Write it down."]).kickoff()
    assert out.raw == "Written down."
    assert [o.raw for o in out.tasks_output] == ["It is blue.", "Written down."]
    assert second.seen[0][0] == [Turn("user", "Write it down.\nIt is blue.")]


@both
async def test_a_crew_runs_asynchronously(kind: str) -> None:
    policy = Scripted(calls("whisper", word="x"), DONE)
    crew = adapter.crew([adapter.wrap_agent(policy, [whisper], kind=kind)], ["go"])
    assert (await crew.kickoff_async()).raw == "Done."


def test_a_native_asynchronous_kickoff_works_too() -> None:
    policy = Scripted(calls("whisper", word="x"), DONE)
    crew = adapter.crew([adapter.wrap_agent(policy, [whisper])], ["go"])
    assert asyncio.run(crew.akickoff()).raw == "Done."


def test_inputs_are_filled_in() -> None:
    policy = Scripted(DONE)
    crew = adapter.crew([adapter.wrap_agent(policy, [whisper])], ["whisper {word}"])
    crew.kickoff(inputs={"word": "blue"})
    assert policy.seen[0][0] == [Turn("user", "whisper blue")]


def test_an_agent_alone_answers() -> None:
    policy = Scripted(calls("whisper", word="x"), DONE)
    assert adapter.wrap_agent(policy, [whisper]).kickoff("say x").raw == "Done."
    assert policy.seen[0][0] == [Turn("user", "say x")]
    assert [t.name for t in policy.seen[0][1]] == ["whisper"]


@both
def test_crewai_s_own_limit_ends_in_words(kind: str) -> None:
    policy = Repeating(calls("whisper", word="x"))
    agent = adapter.wrap_agent(policy, [whisper], kind=kind, max_iter=3)
    assert "no tool for this" in answer([agent], ["go"])
    assert policy.seen[-1][1] == []


def test_a_tool_of_the_task_replaces_those_of_the_agent() -> None:
    from models_registry.adapters._crewai_tools import native

    other = tool("shout", lambda given: given["word"].upper())
    policy = Scripted(calls("shout", word="x"), DONE)
    agent = adapter.wrap_agent(policy, [whisper])
    task = load().Task(description="go", expected_output="x", agent=agent, tools=[native(other)])
    assert answer([agent], [task]) == "Done."
    assert [t.name for t in policy.seen[0][1]] == ["shout"]


@both
def test_the_same_call_may_be_made_again(kind: str) -> None:
    answers = [TimeoutError(), TimeoutError(), None]

    def flaky(given: Any) -> Any:
        if problem := answers.pop(0):
            raise problem
        return "at last"

    policy = Scripted(*[calls("flaky", word="x")] * 3, DONE)
    agent = adapter.wrap_agent(policy, [tool("flaky", flaky)], kind=kind)
    assert answer([agent], ["go"]) == "Done."
    found = [t.content for t in policy.seen[-1][0] if t.role == "tool"]
    assert [isinstance(c, dict) for c in found] == [True, True, False]


# ---- managers ---------------------------------------------------------------------------------------


def staff(*roles: str) -> tuple[list[Any], dict[str, Scripted]]:
    minds = {role: Scripted(Decision("final", text=f"{role} did it.")) for role in roles}
    agents = [
        adapter.wrap_agent(mind, [whisper], role=role, goal=f"Do what a {role} does.")
        for role, mind in minds.items()
    ]
    return agents, minds


def test_a_manager_s_policy_chooses_the_coworker() -> None:
    agents, minds = staff("Billing Clerk", "Engineer")
    manager = Scripted(calls("engineer"), Decision("final", text="All done."))
    assert answer(agents, ["Mend it."], manager=manager) == "All done."
    assert minds["Billing Clerk"].seen == []
    assert minds["Engineer"].seen[0][0][0].content.startswith("Mend it.")
    assert [(t.name, t.description) for t in manager.seen[0][1]] == [
        ("billing_clerk", "Billing Clerk: Do what a Billing Clerk does."),
        ("engineer", "Engineer: Do what a Engineer does."),
    ]
    call = ToolCall("engineer")
    assert manager.seen[1][0] == [
        Turn("user", "Mend it."),
        Turn("assistant", call=call),
        Turn("tool", "Engineer did it.", call=call),
    ]


def test_what_one_coworker_found_is_told_to_the_next() -> None:
    agents, minds = staff("Finder", "Writer")
    manager = Scripted(calls("finder"), calls("writer"), DONE)
    answer(agents, ["Find and write."], manager=manager)
    assert "Finder did it." in minds["Writer"].seen[0][0][0].content


def test_a_manager_that_was_trained_with_hand_offs_uses_them() -> None:
    assign = Tool(
        "assign",
        "Give the case to a specialist.",
        {"type": "object", "properties": {"topic": {"type": "string"}}, "required": ["topic"]},
    )
    agents, minds = staff("Specialist")
    manager = Scripted(calls("assign", topic="refund"), DONE)
    delegation = adapter.Delegation({"assign": (assign, "Specialist")})
    answer(agents, ["I want my money."], manager=manager, delegation=delegation)
    assert [t.name for t in manager.seen[0][1]] == ["assign"]
    assert minds["Specialist"].seen[0][0][0].content == "I want my money.\ntopic refund"


def test_a_manager_who_names_nobody_gets_an_error() -> None:
    agents, minds = staff("Engineer")
    manager = Scripted(calls("plumber"), Decision("hand_over", text="Nobody can."))
    assert answer(agents, ["Mend it."], manager=manager) == "Nobody can."
    assert manager.seen[-1][0][-1].is_error
    assert minds["Engineer"].seen == []


def test_a_worker_may_delegate_too() -> None:
    agents, minds = staff("Engineer")
    boss = Scripted(calls("engineer"), DONE)
    chief = adapter.wrap_agent(boss, [], role="Chief", allow_delegation=True)
    task = load().Task(description="Mend it.", expected_output="x", agent=chief)
    assert answer([chief, *agents], [task]) == "Done."
    assert len(minds["Engineer"].seen) == 1


# ---- hybrid -----------------------------------------------------------------------------------------


def stand_in(*answers: Any) -> Any:
    """A scripted CrewAI LLM that uses tokens."""

    class StandIn(load().BaseLLM):  # type: ignore[misc]
        def supports_function_calling(self) -> bool:
            return True

        def call(self, messages: Any, *rest: Any, **named: Any) -> Any:
            self._track_token_usage_internal(
                {"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11}
            )
            given = self.additional_params["answers"].pop(0)
            if isinstance(given, str):
                return given
            name, arguments = given
            return [
                {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}
            ]

    return StandIn(model="stand-in", provider="test", answers=list(answers))


def test_an_unsure_policy_asks_the_fallback_and_its_tokens_are_counted() -> None:
    unsure = calls("whisper", confidence=0.3, word="policy")
    policy = Scripted(unsure, DONE)
    llm = stand_in(("whisper", '{"word": "llm"}'))
    agent = adapter.wrap_agent(policy, [whisper], min_confidence=0.5, fallback=llm)
    out = adapter.crew([agent], ["go"]).kickoff()
    assert out.raw == "Done."
    assert policy.seen[-1][0][-1].content == {"said": "llm"}
    assert out.token_usage.total_tokens == 11
    assert out.token_usage.prompt_tokens == 7


def test_a_sure_policy_uses_no_tokens() -> None:
    policy = Scripted(calls("whisper", word="x"), DONE)
    agent = adapter.wrap_agent(policy, [whisper], fallback=stand_in())
    out = adapter.crew([agent], ["go"]).kickoff()
    assert out.token_usage.total_tokens == 0


# ---- the process ------------------------------------------------------------------------------------


def play_echo(bundle: str, seed: int) -> tuple[str, list[tuple[str, str]]]:
    """Runs in the child."""
    scenario = library.get("echo")()
    world: Any = scenario.world(scenario.task("test", "easy", seed))
    agent = adapter.wrap_agent(bundle, world_tools(world))
    return answer([agent], [world.opening()]), world.said


def where_it_writes() -> dict[str, str]:
    return {name: os.environ[name] for name in ("HOME", "TMPDIR", "CREWAI_STORAGE_DIR")}


def sleep_long() -> None:
    time.sleep(60)


def fail() -> None:
    raise ValueError("kaput")


def test_a_crew_works_in_a_process_of_its_own(echo_bundle: Path, tmp_path: Path) -> None:
    with CrewProcess(tmp_path / "crew") as process:
        text, said = process.run(play_echo, str(echo_bundle), 1)
        again, _ = process.run(play_echo, str(echo_bundle), 1)
        folders = process.run(where_it_writes)
        with pytest.raises(ValueError, match="kaput"):
            process.run(fail)
    assert said == [("shout", "pinedoor")]
    assert again == text
    assert all(folder.startswith(str(tmp_path / "crew")) for folder in folders.values())


def test_a_crew_that_takes_too_long_is_ended() -> None:
    process = CrewProcess()
    began = time.perf_counter()
    with pytest.raises(TimeoutError):
        process.run(sleep_long, timeout=1.0)
    assert time.perf_counter() - began < 15
    process.__exit__()
    assert not process.folder.exists()


def test_importing_crewai_leaves_no_trace(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o555)
    code = (
        "import os, signal\n"
        "from models_registry.adapters._crewai_home import load\n"
        "before = [signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]\n"
        "load()\n"
        "assert before == [signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]\n"
        "assert os.environ['CREWAI_DISABLE_TELEMETRY'] == 'true'\n"
        "print(os.environ['CREWAI_STORAGE_DIR'], os.environ['HOME'])\n"
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith("CREWAI")}
    env |= {"HOME": str(home), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    storage, told = done.stdout.split()
    assert told == str(home)
    assert list(home.iterdir()) == []
    assert not Path(storage).exists(), "the temporary storage goes with the process"
    assert signal.getsignal(signal.SIGINT) is not None


def test_the_catalogue_reads_the_adapter_without_loading_crewai() -> None:
    code = (
        "import sys; from models_registry.adapters import adapters\n"
        "for key in ('crewai', 'autogen'): adapters.get(key)().get_framework_info()\n"
        "sys.exit('crewai' in sys.modules or 'autogen_core' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_here"):
        getattr(adapter, "nothing_here")  # noqa: B009
