"""Which conversation belongs to which split: by a hash, with what resembles each other kept together.

Conversations belong together where their requests are worded nearly alike (the Jaccard index of word 3-grams, values
masked, reaches 0.5) or where they are about the same person or thing (an identifier that only few conversations
share). Where that would put most of a file into one group, only equal requests are kept together, and `by` says so.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations

from scenarios.core.types import SPLITS, Split

SHARES: tuple[tuple[Split, float], ...] = (("train", 0.70), ("validation", 0.85), ("test", 1.0))
"""Splits by the upper end of their hashes."""
MIN_GROUPS = 10
"""Groups of conversations below which a file cannot be split in three."""
LARGEST = 0.4
"""Share of all conversations that one group may hold."""
TO_TRAIN = 0.15
"""A group of at least this share is trained on: held out, it would be most of what is held out."""
NEAR = 0.5
COMMON_GRAM = 60
"""Requests that may share a 3-gram for it to say that they are alike."""
FEW = 4
"""Conversations that may share an identifier for it to hold them together; one in more of them is common."""
_WORDS = re.compile(r"<x>|[^\W_]+")


@dataclass(frozen=True, slots=True)
class Case:
    """What the grouping looks at. request: its words; masked: the same with values as <x>; identifiers: of its calls."""

    request: str
    masked: str
    identifiers: frozenset[str]
    digest: str


@dataclass(frozen=True, slots=True)
class Division:
    """A split for every case. by: what kept cases together, `wording and entities`, `wording`, or `equal requests`."""

    splits: tuple[Split, ...]
    groups: int
    by: str


class TooFew(ValueError):
    """There are not enough different conversations for three splits."""


def divide(cases: Sequence[Case]) -> Division:
    """Raises `TooFew`, with what is there and what to do."""
    levels: tuple[tuple[str, Callable[[Sequence[Case]], Iterable[tuple[int, int]]]], ...] = (
        ("wording and entities", lambda all_: [*_alike(all_), *_related(all_)]),
        ("wording", _alike),
        ("equal requests", _equal),
    )
    groups: list[list[int]] = []
    for by, links in levels:
        groups = _components(len(cases), links(cases))
        largest = max(map(len, groups), default=0)
        if len(groups) >= MIN_GROUPS and largest <= LARGEST * len(cases):
            return Division(_assigned(cases, groups), len(groups), by)
    raise TooFew(
        f"{len(groups)} of {len(cases)} conversations begin with different requests; to hold some out takes at least "
        f"{MIN_GROUPS}, none with more than {LARGEST:.0%} of all. Add conversations, or set split to none and "
        "evaluate with a file of cases"
    )


def _components(count: int, links: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Connected components, by union and find."""
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for a, b in links:
        parent[root(a)] = root(b)
    found: dict[int, list[int]] = defaultdict(list)
    for i in range(count):
        found[root(i)].append(i)
    return list(found.values())


def _same(keys: Sequence[str]) -> Iterable[tuple[int, int]]:
    first: dict[str, int] = {}
    return [(first.setdefault(key, i), i) for i, key in enumerate(keys)]


def bare(text: str) -> str:
    """A text without what another spelling could hide behind: case, spaces, punctuation."""
    return " ".join(re.findall(r"\w+", text.lower()))


def _equal(cases: Sequence[Case]) -> Iterable[tuple[int, int]]:
    return _same([bare(case.request) for case in cases])


def _alike(cases: Sequence[Case]) -> Iterable[tuple[int, int]]:
    """Equal requests, and pairs whose masked requests share half of their 3-grams."""
    keys = [" ".join(_WORDS.findall(case.masked.lower())) for case in cases]
    links = [*_equal(cases), *_same(keys)]
    first: dict[str, int] = {}
    for i, key in enumerate(keys):
        first.setdefault(key, i)
    grams = {i: _grams(key) for key, i in first.items()}
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, own in grams.items():
        for gram in own:
            holders[gram].append(i)
    common: Counter[tuple[int, int]] = Counter()
    for listed in holders.values():
        if len(listed) <= COMMON_GRAM:
            common.update(combinations(listed, 2))
    for (a, b), count in common.items():
        if count >= NEAR * (len(grams[a]) + len(grams[b]) - count):
            links.append((a, b))
    return links


def _grams(text: str) -> frozenset[tuple[str, ...]]:
    words = text.split()
    return frozenset(tuple(words[i : i + 3]) for i in range(max(1, len(words) - 2)))


def _related(cases: Sequence[Case]) -> Iterable[tuple[int, int]]:
    holders: dict[str, list[int]] = defaultdict(list)
    for i, case in enumerate(cases):
        for name in case.identifiers:
            holders[name].append(i)
    few = [listed for listed in holders.values() if 1 < len(listed) <= FEW]
    return [(listed[0], other) for listed in few for other in listed[1:]]


def _assigned(cases: Sequence[Case], groups: list[list[int]]) -> tuple[Split, ...]:
    """By each group's hash; then each split that got nothing takes the group of training that is nearest to it."""
    placed: dict[Split, list[tuple[float, list[int]]]] = {split: [] for split in SPLITS}
    for group in groups:
        digest = sha256(min(cases[i].digest for i in group).encode()).hexdigest()
        place = int(digest[:12], 16) / 16**12
        large = len(group) >= max(2, TO_TRAIN * len(cases))
        split = "train" if large else next(name for name, end in SHARES if place < end)
        placed[split].append((place, group))
    for split in ("test", "validation"):
        if not placed[split]:
            nearest = max(placed["train"], key=lambda pair: (-len(pair[1]), pair[0]))
            placed["train"].remove(nearest)
            placed[split].append(nearest)
    if not placed["train"]:
        placed["train"].append(placed["test"].pop())
    found: dict[int, Split] = {i: split for split in SPLITS for _, g in placed[split] for i in g}
    return tuple(found[i] for i in range(len(cases)))
