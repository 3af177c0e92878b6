"""Mutated trace files and documents: a reading or the clear error, quickly, and nothing is run, fetched or written."""

from __future__ import annotations

import copy
import json
import pickle
import random
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scenarios.sources.base import SourceError
from scenarios.sources.traces import TraceScenario, document, read_traces
from scenarios.tests.test_traces_formats import CHAT, FILES, TOOL, call, lines, result, said

EXAMPLES = Path(__file__).parents[2] / "examples" / "own_traces"
ROUNDS = 500
"""Mutants of each format, and of a document."""
SLOW = 2.0
"""Seconds that one mutant may take."""


class Armed:
    """Unpickling one of these would leave a file behind."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.target,)


def junk(target: Path) -> list[Any]:
    run = f"__import__('pathlib').Path({str(target)!r}).touch()"
    return [
        None, True, -1, 0, 2**63 - 1, 1e308, -0.0, "", " ", "x" * 20_000, "\u202e\ud7ff", "a\u0000b", "NaN",
        [], {}, [[]], {"": ""}, [None] * 50, run, f"{{{run}}}", f"[{run}]", "{'a': (1, 2), 'b': None}", "[" * 3_000,
        "{'a':" * 2_000, "-" * 5_000 + "1", "[" + "1+" * 3_000 + "1]", "9" * 5_000, "[1e999]", "'\\ud800'", "('\\ud800',)",
        {"$ref": "http://127.0.0.1:9/x.json"}, {"$ref": "#"}, {"type": "string", "pattern": "(a+)+$"},
        {"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {"command": run}},
        {"__class__": "os", "__reduce__": [run]}, "!!python/object/apply:os.system ['true']", "${jndi:ldap://127.0.0.1/a}",
        {"role": "user", "content": "Hello"}, {"role": "tool", "content": "x", "tool_call_id": "c1"}, "ask", "hand_over",
    ]  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) below a value."""
    left = [value]
    while left:
        item = left.pop()
        keys = (
            item.keys()
            if isinstance(item, dict)
            else range(len(item))
            if isinstance(item, list)
            else ()
        )
        for key in keys:
            yield item, key
            left.append(item[key])


def changed(value: Any, rng: random.Random, pool: list[Any]) -> Any:
    """A copy with one to four places replaced, left out, doubled or exchanged."""
    value = copy.deepcopy(value)
    for _ in range(rng.randrange(1, 5)):
        found = list(places(value))
        if not found:
            return rng.choice(pool)
        holder, key = rng.choice(found)
        what = rng.randrange(4)
        if what == 0:
            holder[key] = copy.deepcopy(rng.choice(pool))
        elif what == 1:
            del holder[key]
        elif what == 2 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            other, place = rng.choice(found)
            if place in other if isinstance(other, dict) else place < len(other):
                holder[key] = copy.deepcopy(other[place])
    return value


def mutant(data: bytes, rng: random.Random, pool: list[Any]) -> bytes:
    """Changed as JSON, or as bytes, or both."""
    if rng.random() < 0.7:
        rows = (
            [json.loads(line) for line in data.splitlines()]
            if data[:1] != b"["
            else json.loads(data)
        )
        made = changed(rows, rng, pool)
        data = "\n".join(
            json.dumps(row) for row in (made if isinstance(made, list) else [made])
        ).encode()
    if rng.random() < 0.5:
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(data) + 1)
            extra = rng.choice(
                [
                    b"",
                    b"\0",
                    b"\xff\xfe",
                    b"NaN",
                    b"}",
                    b"]",
                    b'"',
                    b"\n",
                    b"[" * 90,
                    b"\\ud800",
                    b"1e999",
                ]
            )
            data = data[:at] + extra + data[at + rng.randrange(0, 40) :]
    return data


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that must not appear, and a network that must not be used."""
    target = tmp_path / "was_here"

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("something asked the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    yield target
    assert not target.exists()


def small_file(key: str) -> bytes:
    """A few conversations of the format, in one row each where it has rows."""
    if key == "openai_chat":
        both = call("get_order", {"order_id": "A-2"}, "c2")
        more = [said("A-2?"), both, result("Error: no such order", "c2"), said("Which?", "assistant"), said("A-3"),
                call("get_order", {"order_id": "A-3"}, "c3"), result("{'order_id': 'A-3'}", "c3")]  # fmt: skip
        return lines(
            {"messages": CHAT, "tools": [TOOL]},
            {"messages": more},
            [said("Hi"), said("No.", "assistant")],
        )
    return FILES[key] if key == "otel_genai" else json.dumps(json.loads(FILES[key])).encode()


@pytest.mark.parametrize("key", ["openai_chat", "langsmith", "otel_genai"])
def test_mutated_files_are_read_or_refused(key: str, trap: Path) -> None:
    rng, pool, data = random.Random(key), junk(trap), small_file(key)
    rules = ["arguments.order_id", "user:email", "result.*.status"]
    read = refused = made = 0
    told: list[str] = []
    for number in range(ROUNDS):
        broken = mutant(data, rng, pool)
        began = time.perf_counter()
        try:
            reading = read_traces(broken, key, redact=rules if number % 3 == 0 else ())
            json.dumps(reading.as_json(), allow_nan=False)
            read += 1
            refused += len(reading.refused)
            scenario = TraceScenario.of(document(reading, "mutant", split="none"))
            world = scenario.world(scenario.task("test", "hard", number))
            world.step(world.oracle())
            made += 1
        except SourceError as problem:
            told += problem.mistakes
        assert time.perf_counter() - began < SLOW, broken[:2_000]
    assert all(told)
    assert read == ROUNDS  # a file of rows is always read, whatever is in them
    assert refused > ROUNDS / 10
    assert made > ROUNDS / 10


def test_mutated_documents_are_compiled_or_refused(trap: Path) -> None:
    rng, pool = random.Random(3), junk(trap)
    whole = document(read_traces(small_file("openai_chat"), "openai_chat"), "mutant", split="none")
    made = refused = 0
    told: list[str] = []
    for number in range(ROUNDS):
        broken = changed(whole, rng, pool)
        began = time.perf_counter()
        try:
            scenario = TraceScenario.of(broken)
            scenario.as_json()
            world = scenario.world(scenario.task("validation", "easy", number))
            world.step(world.oracle())
            made += 1
        except SourceError as problem:
            told += problem.mistakes
            refused += 1
        assert time.perf_counter() - began < SLOW
    assert all(told)
    assert made > ROUNDS / 10
    assert refused > ROUNDS / 4


def test_a_pickle_or_an_archive_is_no_trace_and_is_not_opened(trap: Path) -> None:
    for data in (
        pickle.dumps(Armed(trap)),
        b"PK\x03\x04" + bytes(100),
        b"\x1f\x8b" + bytes(100),
        b"",
        b"\0" * 1_000,
    ):
        reading = read_traces(data, "openai_chat")
        assert not reading.conversations
        with pytest.raises(SourceError, match="no conversation could be used"):
            document(reading, "none")


@pytest.mark.parametrize(
    "text", ["a" * 7_900, "a@" * 3_900, "1 " * 3_900, "<x> " * 1_900, "'" * 7_900, "A B" * 2_600]
)
def test_long_requests_stall_nothing(text: str, trap: Path) -> None:
    rows = [
        {"messages": [said(f"{n} {text}"), call("get", {"n": n}), result("ok")]} for n in range(12)
    ]
    began = time.perf_counter()
    reading = read_traces(
        lines(*rows),
        "openai_chat",
        redact=["text:email", "text:phone", "text:card", "text:iban", "text:ip"],
    )
    TraceScenario.of(document(reading, "long", split="none"))
    assert time.perf_counter() - began < SLOW
