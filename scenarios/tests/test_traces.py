"""From recorded conversations to a scenario: what is inferred, how it is split, what its world answers."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scenarios.core.check import check_scenario
from scenarios.core.env import ToolEnv
from scenarios.core.types import DIFFICULTIES, SPLITS, Decision, ToolCall
from scenarios.sources.base import SourceError
from scenarios.sources.catalogue import compiled
from scenarios.sources.traces import TraceScenario, document, import_traces, read_traces
from scenarios.sources.traces.splits import Case, TooFew, divide

EXAMPLES = Path(__file__).parents[2] / "examples" / "own_traces"

Message = dict[str, Any]


def said(text: str, role: str = "user") -> Message:
    return {"role": role, "content": text}


def calls(*made: tuple[str, dict[str, Any], Any]) -> list[Message]:
    """Calls of one message, and their results."""
    tool_calls = [
        {"id": str(n), "function": {"name": name, "arguments": json.dumps(arguments)}}
        for n, (name, arguments, _) in enumerate(made)
    ]
    results = [
        {"role": "tool", "tool_call_id": str(n), "content": json.dumps(content)}
        for n, (_, _, content) in enumerate(made)
    ]
    return [{"role": "assistant", "tool_calls": tool_calls}, *results]


def lines(*rows: Sequence[Message]) -> bytes:
    return "\n".join(json.dumps({"messages": list(row)}) for row in rows).encode()


def scenario_of(*rows: Sequence[Message]) -> TraceScenario:
    return TraceScenario.of(
        document(read_traces(lines(*rows), "openai_chat"), "mine", split="none")
    )


def act(name: str, **arguments: Any) -> Decision:
    return Decision("tool", ToolCall(name, arguments))


DONE = Decision("final", text="Done.")
TIMEOUT = {"error": "timeout", "message": "too slow"}


@pytest.fixture(scope="module")
def parcels() -> TraceScenario:
    made, reading = import_traces(EXAMPLES / "parcels.jsonl", "openai_chat", "parcels")
    assert len(reading.conversations) == 150
    assert not reading.refused
    return TraceScenario.of(made)


def test_the_example_keeps_all_rules(parcels: TraceScenario) -> None:
    report = check_scenario(parcels, tasks=30)
    assert (report.oracle_success, report.nothing_success, report.random_success) == (1, 0, 0)


def test_it_is_a_kind_of_the_catalogue_and_can_be_sent_to_another_process(
    parcels: TraceScenario,
) -> None:
    again = pickle.loads(pickle.dumps(parcels))
    assert isinstance(again, TraceScenario)
    assert again.content_hash() == parcels.content_hash()
    assert again.task("test", "hard", 3).milestones == parcels.task("test", "hard", 3).milestones
    assert compiled(parcels.document).key == "parcels"


def test_splits_hold_different_requests_and_identifiers(parcels: TraceScenario) -> None:
    shares = {split: parcels.splits.count(split) / 150 for split in SPLITS}
    assert shares["train"] == pytest.approx(0.7, abs=0.12)
    assert min(shares.values()) > 0.08
    assert parcels.division == "wording and entities"
    for pool in (parcels.wording, parcels.entities):
        assert not pool("train") & pool("test")
        assert not pool("train") & pool("validation")
        assert not pool("validation") & pool("test")
        assert all(pool(split) for split in SPLITS)


def test_a_split_does_not_depend_on_the_order_of_the_file(parcels: TraceScenario) -> None:
    rows = (EXAMPLES / "parcels.jsonl").read_bytes().splitlines()
    first = json.loads(rows[0])
    data = b"\n".join([*reversed(rows[1:]), json.dumps(first).encode()])
    other = TraceScenario.of(document(read_traces(data, "openai_chat"), "parcels"))
    for split in SPLITS:
        assert other.wording(split) == parcels.wording(split)
    assert (
        other.task("test", "medium", 0).milestones == parcels.task("test", "medium", 0).milestones
    )


def test_harder_tasks_are_longer_and_meet_more_faults(parcels: TraceScenario) -> None:
    rates = [parcels.fault_rate[level] for level in DIFFICULTIES]
    assert rates == sorted(rates)
    assert rates[0] == 0
    assert rates[1] == pytest.approx(0.056, abs=0.01)
    for split in SPLITS:
        easy, hard = (parcels.distinct(split, level) or 0 for level in ("easy", "hard"))
        assert 0 < easy < hard
        longest = max(len(parcels.task(split, "easy", n).milestones) for n in range(easy))
        assert longest < max(len(parcels.task(split, "hard", n).milestones) for n in range(hard))


def test_faults_hit_tools_as_often_as_they_did() -> None:
    row = [said("Do it")]
    for n in range(10):
        row += calls(("shaky", {"n": n}, TIMEOUT)) if n < 5 else []
        row += calls(("shaky", {"n": n}, "ok"), ("solid", {"n": n}, "ok"))
    scenario = scenario_of([*row, said("Done.", "assistant")])
    world = scenario.world(scenario.task("train", "medium", 0))
    assert world.fault_chance("shaky") == pytest.approx(5 / 15, abs=1e-3)
    assert world.fault_chance("solid") == 0


def test_statistics_say_where_arguments_came_from() -> None:
    row = [
        said("Send order A-17 to Rome"),
        *calls(("find", {"id": "A-17"}, TIMEOUT)),
        *calls(("find", {"id": "A-17"}, {"order": {"number": 99_812, "weight": 2.5}})),
        *calls(
            ("ship", {"number": 99_812, "city": "Rome", "express": False, "label": "L-5"}, "ok")
        ),
        said("Sent.", "assistant"),
    ]
    reading = read_traces(lines(row), "openai_chat")
    told = reading.as_json()
    sources = {(s["tool"], s["parameter"]): s["sources"] for s in told["argument_sources"]}
    assert sources == {
        ("find", "id"): {"user": 2},
        ("ship", "number"): {"result:find.order.number": 1},
        ("ship", "city"): {"user": 1},
        ("ship", "express"): {"schema": 1},
        ("ship", "label"): {"nowhere": 1},
    }
    assert told["coverage"] == pytest.approx(5 / 6)
    assert {(t["from"], t["to"]): t["count"] for t in told["transitions"]} == {
        ("start", "find"): 1, ("find", "find"): 1, ("find", "ship"): 1, ("ship", "end"): 1,
    }  # fmt: skip
    assert told["per_tool"]["find"]["error_rate"] == 0.5
    assert told["per_tool"]["find"]["fault_rate"] == 0.5


def test_tools_are_inferred_from_how_they_were_called() -> None:
    values = [("morning", 1, ["a"]), ("evening", 2.5, ["b", "c"])] * 4
    rows = []
    for n, (slot, weight, tags) in enumerate(values):
        given = {
            "slot": slot,
            "weight": weight,
            "tags": tags,
            "mail": f"u{n}@x.example",
            "gift": None,
        }
        rows.append(
            [
                said(f"Number {n}"),
                *calls(("bookSlot", {**given, **({"note": "hi"} if n else {})}, "ok")),
            ]
        )
    [tool] = read_traces(lines(*rows), "openai_chat").tools
    kinds = {
        name: {k: v for k, v in s.items() if k != "description"}
        for name, s in tool.properties.items()
    }
    assert kinds == {
        "slot": {"type": "string", "enum": ["evening", "morning"]},
        "weight": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "mail": {"type": "string", "pattern": r"^[^@\s]{1,64}@[^@\s]{1,190}$"},
        "note": {"type": "string", "enum": ["hi"]},
    }
    assert tool.required == ("slot", "weight", "tags", "mail")
    assert tool.description == "Book slot"


def test_answers_without_a_tool_are_tasks_too() -> None:
    idle = [[said(text), said("I cannot help.", "assistant")] for text in ("Sing!", "Dance!")]
    rows = [[said(f"Find N-{n}"), *calls(("find", {"id": f"N-{n}"}, "ok"))] for n in range(8)]
    scenario = scenario_of(*rows, *idle)
    report = check_scenario(scenario, tasks=20)
    assert report.oracle_success == 1
    quiet = [n for n in range(10) if not scenario.task("train", "hard", n).milestones]
    world = scenario.world(scenario.task("train", "hard", quiet[0]))
    world.step(DONE)
    assert world.succeeded


def test_nothing_held_out_is_said_and_nothing_is_split(parcels: TraceScenario) -> None:
    made, _ = import_traces(EXAMPLES / "few_shot.jsonl", "openai_chat", "bank", split="none")
    scenario = TraceScenario.of(made)
    assert not scenario.held_out
    assert parcels.held_out
    assert "none is held out" in scenario.description
    assert scenario.distinct("train", "hard") == 80
    assert not scenario.wording("test")
    check_scenario(scenario, tasks=20)


def test_too_few_conversations_to_split_are_refused_with_what_to_do() -> None:
    rows = [[said(f"Find N-{n} now"), *calls(("find", {"id": f"N-{n}"}, "ok"))] for n in range(6)]
    made = document(read_traces(lines(*rows), "openai_chat"), "few")
    with pytest.raises(SourceError, match="set split to none"):
        TraceScenario.of(made)


def case(n: int, request: str, *names: str) -> Case:
    return Case(request, request, frozenset(names), f"{n:04d}")


def test_near_wording_and_shared_identifiers_keep_conversations_together() -> None:
    words = [
        "amber",
        "birch",
        "cedar",
        "delta",
        "ember",
        "fjord",
        "grove",
        "haven",
        "iris",
        "jade",
        "kite",
        "lotus",
        "maple",
        "north",
        "ocean",
        "pearl",
    ]
    cases = [
        case(n, f"{a} {b} tells {a} of the {b} {a}{b}", f"id-{n // 2}")
        for n, (a, b) in enumerate(zip(words * 4, words[3:] * 4, strict=False))
    ]
    division = divide(cases)
    assert division.by == "wording and entities"
    for n in range(0, len(cases) - 1, 2):
        assert division.splits[n] == division.splits[n + 1]
    alike = [case(n, f"please book the same room for me in {w}") for n, w in enumerate(words)]
    fallen = divide(alike)
    assert fallen.by == "equal requests"
    with pytest.raises(TooFew):
        divide(alike[:5])


def test_every_mistake_of_a_document_is_told(parcels: TraceScenario) -> None:
    made = json.loads(json.dumps(parcels.document))
    made |= {"key": "No Key", "colour": "red", "split": "half", "fault_rates": {"find_parcel": 2}}
    made["tools"][0]["name"] = "find_box"
    made["conversations"][3]["turns"] = [{"assistant": "Hello"}]
    with pytest.raises(SourceError) as caught:
        TraceScenario.of(made)
    text = "\n".join(caught.value.mistakes)
    for place in (
        "colour: ",
        "key: ",
        "split: ",
        "fault_rates.find_parcel: ",
        "conversations[3]: ",
        "calls 'find_parcel'",
    ):
        assert place in text


def test_hidden_words_in_a_result_give_nothing_away() -> None:
    rows = [
        [said(f"Find N-{n}"), *calls(("find", {"id": f"N-{n}"}, {"payload": {"oracle": n}}))]
        for n in range(3)
    ]
    check_scenario(scenario_of(*rows), tasks=3)


def test_lists_and_objects_may_be_arguments() -> None:
    rows = [
        [said(f"Tag N-{n}"), *calls(("tag", {"ids": [f"N-{n}"], "more": {"x": n}}, "ok"))] for n in range(4)
    ]  # fmt: skip
    check_scenario(scenario_of(*rows), tasks=4)


def test_the_environment_does_not_repeat_a_conversation_as_another_task(
    parcels: TraceScenario,
) -> None:
    there = parcels.distinct("test", "medium")
    assert there is not None
    found = set()
    for seed in range(2 * there):
        env = ToolEnv(parcels, "test", "medium")
        turns, _ = env.reset(options={"task_seed": seed})
        milestones = parcels.task("test", "medium", seed).milestones
        found.add((turns[0].content, str(milestones)))
    assert len(found) == there
