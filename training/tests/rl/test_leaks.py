"""The leak check between splits."""

from __future__ import annotations

from typing import ClassVar

import pytest

from scenarios.core.types import Split
from scenarios.library import library
from scenarios.library.echo import Echo
from training.rl.leaks import grams, leak_facts, nearest


def test_grams_are_words_in_threes_without_case_or_punctuation() -> None:
    assert grams("Please, reset MY password!") == grams("please reset my password")
    assert grams("a b c d") == {("a", "b", "c"), ("b", "c", "d")}
    assert grams("hello there") == {("hello", "there")}
    assert grams("id {ticket_id}") == {("id", "{ticket_id}")}
    assert grams("...") == frozenset()


def test_the_nearest_phrase_is_found_with_its_jaccard_index() -> None:
    found = nearest(
        ["a b c d", "x y z", "a b c"],
        ["a b c e", "a b c d e f", "q"],
    )
    assert found == [(pytest.approx(0.5), 1), (0.0, -1), (pytest.approx(0.5), 0)]


class Leaky(Echo):
    """Tests on a training phrase, and on one that only looks different."""

    key: ClassVar[str] = "leaky"

    def wording(self, split: Split) -> frozenset[str]:
        more = {"test": {"Please  WHISPER {word}", "please shout: {word}"}}
        return super().wording(split) | more.get(split, set())

    def entities(self, split: Split) -> frozenset[str]:
        return super().entities(split) | {"Anna"}


def test_what_two_splits_share_is_counted() -> None:
    facts = leak_facts(Leaky(), "test")
    exact = {tuple(row["splits"]): row for row in facts["exact"]}
    assert exact["train", "test"]["wording"] == 1
    assert exact["train", "validation"]["wording"] == 0
    assert {row["entities"] for row in facts["exact"]} == {1}
    near = facts["nearest"]
    assert near["highest"] == 1
    assert near["near"] == 2
    assert sum(near["bins"]) == near["n"] == 6
    assert near["pairs"][1] == {
        "phrase": "please shout: {word}",
        "training": "please shout {word}",
        "similarity": 1.0,
    }


@pytest.mark.parametrize("key", ["echo", "customer_support"])
def test_the_scenarios_share_nothing_to_the_letter(key: str) -> None:
    facts = leak_facts(library.get(key)(), "test")
    assert all(row["wording"] == row["entities"] == 0 for row in facts["exact"])
    assert facts["nearest"]["n"] == facts["phrases"]["test"] > 0


def test_training_has_no_distance_to_itself_and_empty_pools_have_none() -> None:
    class Silent(Echo):
        def wording(self, split: Split) -> frozenset[str]:
            return frozenset()

    assert leak_facts(Echo(), "train")["nearest"] is None
    assert leak_facts(Silent(), "test")["nearest"] is None
