"""Whether a split leaks into another: what they share to the letter, and how near unseen phrases come to seen ones.

Nearness is the Jaccard index of the sets of word 3-grams (Broder 1997, resemblance of documents).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

import numpy as np

from scenarios.core.scenario import Scenario
from scenarios.core.types import SPLITS, Json, Split

GRAM = 3
BINS = 10
NEAR = 0.5
"""Phrases that share at least so much with a training phrase are called near."""
SHOWN = 5
"""Nearest pairs that are shown."""
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*|\{\w+\}")

Gram = tuple[str, ...]
Pool = Callable[[Split], frozenset[str]]


def leak_facts(scenario: Scenario, split: Split) -> dict[str, Json]:
    """The evidence's `leaks`: exact overlaps of every pair of splits, and how near this split's wording is to training."""
    facts: dict[str, Json] = {
        "exact": [
            {
                "splits": list(pair),
                "wording": len(_shared(scenario.wording, *pair)),
                "entities": len(_shared(scenario.entities, *pair)),
            }
            for pair in combinations(SPLITS, 2)
        ],
        "phrases": {name: len(scenario.wording(name)) for name in SPLITS},
        "entities": {name: len(scenario.entities(name)) for name in SPLITS},
        "nearest": None,
    }
    if split != "train":
        facts["nearest"] = _distribution(scenario.wording(split), scenario.wording("train"))
    return facts


def _normal(texts: Iterable[str]) -> set[str]:
    return {" ".join(text.lower().split()) for text in texts}


def _shared(pool: Pool, first: Split, second: Split) -> set[str]:
    return _normal(pool(first)) & _normal(pool(second))


def grams(text: str) -> frozenset[Gram]:
    """Word 3-grams of a text; a shorter text is one gram."""
    words = _WORD.findall(text.lower())
    return frozenset(
        tuple(words[i : i + GRAM]) for i in range(max(1, len(words) - GRAM + 1)) if words
    )


def nearest(texts: Sequence[str], others: Sequence[str]) -> list[tuple[float, int]]:
    """Per text the highest Jaccard index of 3-grams with any of `others`, and the number of that one (-1: nothing shared)."""
    sets = [grams(other) for other in others]
    holders: dict[Gram, list[int]] = defaultdict(list)
    for i, found in enumerate(sets):
        for gram in found:
            holders[gram].append(i)
    out = []
    for text in texts:
        own, common = grams(text), defaultdict[int, int](int)
        for gram in own:
            for i in holders.get(gram, ()):
                common[i] += 1
        scored = [(count / (len(own) + len(sets[i]) - count), -i) for i, count in common.items()]
        score, place = max(scored, default=(0.0, 1))
        out.append((score, -place))
    return out


def _distribution(phrases: frozenset[str], seen: frozenset[str]) -> dict[str, Json] | None:
    if not phrases or not seen:
        return None
    texts, others = sorted(phrases), sorted(seen)
    found = nearest(texts, others)
    scores = np.array([score for score, _ in found])
    counts, _ = np.histogram(scores, bins=BINS, range=(0.0, 1.0))
    worst = sorted(range(len(texts)), key=lambda i: (-scores[i], texts[i]))[:SHOWN]
    return {
        "measure": f"highest Jaccard index of word {GRAM}-grams with any training phrase",
        "n": len(texts),
        "mean": float(scores.mean()),
        "median": float(np.median(scores)),
        "p90": float(np.quantile(scores, 0.9)),
        "highest": float(scores.max()),
        "near": int((scores >= NEAR).sum()),
        "near_at": NEAR,
        "bins": [int(count) for count in counts],
        "pairs": [
            {"phrase": texts[i], "training": others[found[i][1]], "similarity": float(scores[i])}
            for i in worst
            if found[i][0] > 0
        ],
    }
