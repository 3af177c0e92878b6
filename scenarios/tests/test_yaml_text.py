"""Reading YAML as plain JSON: what is taken, what is refused, and on which line."""

from __future__ import annotations

import time

import pytest

from scenarios.sources.base import SourceError
from scenarios.sources.yaml_text import read_yaml


def refused(text: str | bytes) -> str:
    with pytest.raises(SourceError) as caught:
        read_yaml(text)
    return "; ".join(caught.value.mistakes)


def test_only_what_json_has_comes_out() -> None:
    read = read_yaml("a: yes\nb: 2026-11-23\nc: [1, 2.5, true, null, ~]\nd: 'x'\ne: 012\nf: on")
    assert read.value == {
        "a": "yes",
        "b": "2026-11-23",
        "c": [1, 2.5, True, None, None],
        "d": "x",
        "e": 12,
        "f": "on",
    }


def test_every_place_has_its_line() -> None:
    read = read_yaml("tools:\n  - name: a\n    effect:\n      - find: b\n")
    assert read.line("tools[0].effect[0].find") == 4
    assert read.line("tools[0].effect[0].where") == 4
    assert read.line("tools[0].nothing.there") == 2
    assert read.line("elsewhere") == 1
    assert read.located("tools[0].name: is odd") == "line 2: tools[0].name: is odd"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: the file is empty"),
        ("a: [1, 2", "line "),
        ("a: 1\n b: 2", "line 2"),
        ("a: &x 1\nb: *x", "line 2: aliases"),
        ("a: !!python/object/apply:os.system ['true']", "line 1: the tag"),
        ("a: !!binary aGk=", "line 1: the tag"),
        ("a: 1\na: 2", "line 2: 'a' stands here twice"),
        ("? [a, b]\n: c", "line 1: a key must be text"),
        ("a: 99999999999999999999999", "too many digits"),
        ("a: 1e999", "not a finite number"),
        ("a: \0", "NUL"),
        ("[" * 200 + "]" * 200, "nested too deeply"),
        ("x" * 2_000_001, "larger than 2 MB"),
        (b"\xff\xfe", "not UTF-8"),
        ("a: 1\n---\nb: 2", "line"),
    ],
)
def test_what_is_refused_says_why_and_where(text: str | bytes, words: str) -> None:
    assert words in refused(text)


def test_a_bomb_of_aliases_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x]"] + [
        f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 40)
    ]
    began = time.perf_counter()
    assert "aliases" in refused("\n".join(lines))
    assert time.perf_counter() - began < 1
