"""The help centre: articles, and a small BM25 search over their titles and bodies (Robertson and Zaragoza 2009)."""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from scenarios.core.types import Json
from scenarios.library.customer_support.names import POOLS

TOP = 3
"""Results per search."""

K1, B, TITLE_WEIGHT = 1.2, 0.25, 2
COMMON_WEIGHT = 0.35
TOTAL_SHARE = 0.25
FLOOR = 4.0
"""Articles that score less are not worth showing: one chance word of the query met one of theirs."""

_BOOK: Mapping[str, Any] = json.loads(
    Path(__file__).with_name("help_centre.json").read_text(encoding="utf-8")
)

_WORD = re.compile(r"[a-z0-9]+")
_STOP = frozenset(_BOOK["stop_words"].split())
_COMMON = frozenset(_BOOK["common_words"].split())
"""Words that half of all messages hold; they count for little."""
_SENTENCE = re.compile(r"[.!?\n:;]+\s+|\n")
_NOISE = re.compile(r"\[[^\]]*\]|\S+@\S+|\b[A-Z]+-\d+\b")
"""Ticket headers, addresses and ids: never what an article is about."""
_ENDINGS = (
    "ications",
    "ication",
    "ations",
    "ation",
    "ings",
    "ing",
    "ers",
    "ies",
    "ed",
    "es",
    "er",
    "s",
    "y",
    "e",
)


def _stem(word: str) -> str:
    """A crude stem: one common ending removed, so that "exporting" meets "export"."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


@lru_cache(maxsize=16384)
def _term(word: str) -> str:
    return "" if word in _STOP or len(word) < 2 else _stem(word)


def terms(text: str) -> list[str]:
    """The words of a text that a search looks at."""
    return [term for word in _WORD.findall(text.lower()) if (term := _term(word))]


_MODELS = ", ".join(model for pool in POOLS.values() for model in pool.models)

ARTICLES: Mapping[str, tuple[str, str]] = {
    key: (title, body.replace("{models}", f"Applies to {_MODELS}."))
    for key, (title, body) in _BOOK["articles"].items()
}
"""Article id -> title, body."""


_COMMON_TERMS = frozenset(map(_stem, _COMMON))


def _index() -> dict[str, tuple[tuple[str, float], ...]]:
    """Term -> (article, BM25 weight of the term in it)."""
    counts = {
        key: Counter(terms(title) * TITLE_WEIGHT + terms(body))
        for key, (title, body) in ARTICLES.items()
    }
    mean = sum(c.total() for c in counts.values()) / len(counts)
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for key, count in counts.items():
        for term in count:
            holders[term].append(key)
    index: dict[str, tuple[tuple[str, float], ...]] = {}
    for term, keys in holders.items():
        rarity = (COMMON_WEIGHT if term in _COMMON_TERMS else 1.0) * math.log(
            1 + (len(counts) - len(keys) + 0.5) / (len(keys) + 0.5)
        )
        index[term] = tuple(
            (
                key,
                rarity
                * (n := counts[key][term])
                * (K1 + 1)
                / (n + K1 * (1 - B + B * counts[key].total() / mean)),
            )
            for key in keys
        )
    return index


_INDEX = _index()


@lru_cache(maxsize=4096)
def search(query: str) -> tuple[tuple[str, float], ...]:
    """The best articles with their scores, best first; empty where no word of the query is known.

    An article scores what its best sentence of the query scores, and a share of the rest: whole messages are common
    queries, and greetings and asides must not drown the question.
    """
    best: dict[str, float] = {}
    total: dict[str, float] = {}
    for sentence in _SENTENCE.split(_NOISE.sub(" ", query)):
        scores: dict[str, float] = {}
        for term in dict.fromkeys(terms(sentence)):
            for key, weight in _INDEX.get(term, ()):
                scores[key] = scores.get(key, 0.0) + weight
        for key, score in scores.items():
            best[key] = max(best.get(key, 0.0), score)
            total[key] = total.get(key, 0.0) + score
    scored = ((key, score + TOTAL_SHARE * (total[key] - score)) for key, score in best.items())
    worth = [item for item in scored if item[1] >= FLOOR]
    return tuple(sorted(worth, key=lambda item: (-item[1], item[0]))[:TOP])


def results(query: str) -> dict[str, Json]:
    """What the search tool answers."""
    found = [{"article_id": key, "title": ARTICLES[key][0]} for key, _ in search(query)]
    return {"found": len(found), "results": found}


@lru_cache(maxsize=64)
def finds(article: str) -> Callable[[Any], bool]:
    """Whether a search brought this article back. Cached, so that equal tasks hold the same function."""

    def found(content: Any) -> bool:
        return any(hit["article_id"] == article for hit in content["results"])

    return found


API_DOCS: Mapping[str, str] = {
    "authentication": "Send the key in the Authorization header as a bearer token. Keys expire after 180 days.",
    "rate_limits": "600 calls a minute per key. Above that the API answers 429; wait for Retry-After, then go on.",
    "webhooks": "Register a URL under Settings, Developers. Every event is signed; failed deliveries are repeated.",
    "pagination": "Lists come in pages of 100. Pass the cursor of the last page to get the next one.",
    "bulk_import": "Post up to 10,000 records as one JSON Lines file; the job's address tells how far it is.",
    "sandbox": "A sandbox has its own keys and sample data; nothing in it is charged or sent.",
}
"""Chapter of the developer documentation -> its text."""
