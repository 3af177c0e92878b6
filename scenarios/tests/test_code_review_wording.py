"""What users of code_review can say: enough of it, apart in every split, and fit to be read."""

from __future__ import annotations

import re

import pytest

from scenarios.core.types import SPLITS, Split
from scenarios.library.code_review import wording
from scenarios.library.code_review.tasks import SCOPES, WAIVERS


def test_no_phrase_holds_an_apostrophe() -> None:
    assert not [text for split in SPLITS for text in wording.every(split) if "'" in text]


@pytest.mark.parametrize(("split", "least"), [("train", 12), ("validation", 6), ("test", 8)])
def test_there_is_enough_wording(split: Split, least: int) -> None:
    words = wording.book(split)
    assert len(words["file"]) >= least
    assert len(words["nofile"]) >= least
    assert set(words["scope"]) == set(SCOPES)
    assert all(len(phrases) >= least for phrases in words["scope"].values())
    assert set(words["waiver"]) == set(WAIVERS)


def test_what_training_puts_together_is_no_phrase_of_a_held_out_split() -> None:
    def bare(text: str) -> str:
        return " ".join(re.findall(r"\w+", text.lower()))

    words = wording.book("train")
    frames = [(f, t) for f in (*words["frames"], *words["unframes"]) for t in words["topics"]]
    made = {bare(f.format(topic=topic)) for f, kind in frames for topic in words["topics"][kind]}
    accepted = [topic for topics in words["accepted"].values() for topic in topics]
    made |= {bare(f.format(topic=topic)) for f in words["accepts"] for topic in accepted}
    held_out = {bare(text) for split in ("validation", "test") for text in wording.every(split)}
    assert len(made) > 10_000
    assert not made & held_out
