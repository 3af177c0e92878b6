"""Thousands of broken files: each is taken or refused with a message, at once; nothing else ever happens."""

from __future__ import annotations

import copy
import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from scenarios import bringing
from scenarios.core.episode import Episode
from scenarios.core.stage import Stage
from scenarios.library import library
from scenarios.sources.base import SourceError
from scenarios.sources.tool_lists import from_openai, from_openapi, start_of
from scenarios.sources.yaml_text import read_yaml
from scenarios.tests.own import document, text
from scenarios.tests.test_tool_lists import PETS

SEEDS = range(300)
SLOWEST = 10.0
"""Seconds; far above what any takes, far below for ever."""

PIECES = (
    "\0", "\t", "&a", "*a", "!!python/object:os.system", "{", "}", "[", "]", ": ", "- ", "\n",
    "null", "true", "-1", "1e309", "9" * 30, ".nan", '"', "'", "$", "${", "{x.y.z}", "\u202e", "\U0001f600",
    "find: ", "rows: 200", "multiply", "../../etc/passwd", "file:///etc/passwd", "%s%n", "<script>", "0x10",
)  # fmt: skip


def mutated(whole: str, rng: random.Random) -> str:
    """The text with a few pieces put in, taken out, moved or swapped."""
    for _ in range(rng.randint(1, 6)):
        at, size = rng.randrange(len(whole) or 1), rng.randint(0, 40)
        how = rng.randrange(4)
        if how == 0:
            whole = whole[:at] + rng.choice(PIECES) + whole[at:]
        elif how == 1:
            whole = whole[:at] + whole[at + size :]
        elif how == 2:
            whole = whole[:at] + whole[at : at + size] * rng.randint(2, 5) + whole[at + size :]
        else:
            words = whole.split(" ")
            a, b = rng.randrange(len(words)), rng.randrange(len(words))
            words[a], words[b] = words[b], words[a]
            whole = " ".join(words)
    return whole


def played(found: bringing.Brought) -> None:
    """A text that is taken can be played, too."""
    if found.scenario is None:
        assert found.mistakes
        assert all(line.strip() for line in found.mistakes)
        return
    for stage in (Stage("easy"), Stage("hard")):
        episode = Episode(found.scenario, "train", stage, 0)
        while not episode.over:
            episode.step(episode.world.oracle())
        json.dumps([turn.as_json() for turn in episode.turns], allow_nan=False)


@pytest.mark.parametrize("group", range(4))
def test_broken_yaml_is_taken_or_explained(group: int) -> None:
    whole = text()
    for seed in SEEDS:
        rng = random.Random(f"yaml {group} {seed}")
        began = time.perf_counter()
        played(bringing.read(mutated(whole, rng)))
        assert time.perf_counter() - began < SLOWEST, (group, seed)


OPENAI = json.dumps([tool.as_json() for tool in library.get("customer_support")().tools])


@pytest.mark.parametrize(
    ("name", "whole", "reader"),
    [("openai", OPENAI, from_openai), ("openapi", json.dumps(PETS), from_openapi)],
)
def test_broken_tool_lists_are_taken_or_explained(
    name: str, whole: str, reader: Callable[..., object]
) -> None:
    for seed in SEEDS:
        rng = random.Random(f"{name} {seed}")
        began = time.perf_counter()
        found = outcome(reader, mutated(whole, rng))
        assert found
        assert isinstance(found, list) or "kind: spec" in found
        assert time.perf_counter() - began < SLOWEST, (name, seed)


def outcome(reader: Callable[..., Any], raw: str) -> str | list[str]:
    """The start that is made of a list of tools, or the mistakes."""
    try:
        return start_of(reader(read_yaml(raw).value), key="mine", title="Mine")
    except SourceError as problem:
        return problem.mistakes


ODD: tuple[Any, ...] = (
    None, True, -1, 0, 10**15, 1.5, "", "x", "$", "$x.y", "{a.b}", [], {}, [[]], {"": ""}, {"add": [1]},
    {"from": "books"}, {"pool": "names"}, {"id": ""}, {"row": "members.number"}, {"multiply": ["$today", 2]},
    {"each": "$found", "give": "$row"}, ["easy"], "hand_over", {"any_of": []}, {"anything": None}, "members", 200,
)  # fmt: skip


def rebuilt(value: Any, rng: random.Random, chance: float) -> Any:
    """The value with some of its parts replaced by odd ones, left out, or doubled."""
    if rng.random() < chance:
        return copy.deepcopy(rng.choice(ODD))
    if isinstance(value, dict):
        kept = [(k, v) for k, v in value.items() if rng.random() > chance / 2]
        return {k: rebuilt(v, rng, chance) for k, v in kept}
    if isinstance(value, list):
        grown = [v for v in value for _ in range(1 if rng.random() > chance / 2 else 2)]
        return [rebuilt(v, rng, chance) for v in grown]
    return value


@pytest.mark.parametrize("group", range(4))
def test_odd_documents_are_played_or_explained(group: int) -> None:
    taken = 0
    for seed in SEEDS:
        rng = random.Random(f"document {group} {seed}")
        odd = rebuilt(document(), rng, rng.choice((0.001, 0.003, 0.01)))
        began = time.perf_counter()
        found = bringing.read(json.dumps(odd))
        played(found)
        taken += found.scenario is not None
        assert time.perf_counter() - began < SLOWEST, (group, seed)
    assert 5 < taken < 290  # it reaches what lies behind the first checks


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_refused(seed: int) -> None:
    with pytest.raises(SourceError):
        read_yaml(b"\xff" + random.Random(seed).randbytes(200))
