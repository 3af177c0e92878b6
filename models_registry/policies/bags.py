"""Text as bags of hashed tokens: the default text encoder, with nothing to download.

A bag is encoded once per batch, however many decisions share it: the request stands in every step of an episode, and
a candidate such as "enum value `pro`" in thousands of them. Hashing trick: Weinberger et al. 2009, arXiv:0902.2206.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from itertools import count, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

BUCKETS = 8192
"""Rows of the embedding table. Two tokens may share a row; the network learns around it."""

SHORT = 5
"""Words; a shorter text is never thinned out."""

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+")
_ENTITY = re.compile(
    r"(?P<email>[\w.+-]+@[\w-]+\.[\w.-]+)|(?P<date>\d{4}-\d{2}-\d{2})"
    r"|(?P<id>\b[A-Za-z]{1,6}[-_]?\d[\w-]*)|(?P<money>[$€£]\s?\d+(?:[.,]\d+)?)|(?P<number>\d+(?:[.,]\d+)?)"
)
_serial = count()


class Bag:
    """Token rows in [0, BUCKETS), with a serial number that makes equal objects cheap to recognise."""

    __slots__ = ("rows", "serial")

    def __init__(self, rows: NDArray[np.int64]) -> None:
        self.rows = rows
        self.serial = next(_serial)


@lru_cache(maxsize=200_000)
def row(token: str) -> int:
    """The table row of one token: CRC-32, because Python's own hash differs from process to process."""
    return zlib.crc32(token.encode()) % BUCKETS


@lru_cache(maxsize=50_000)
def bag(tokens: tuple[str, ...]) -> Bag:
    """The bag of these tokens; the same tokens give the same object while it is cached."""
    return Bag(np.fromiter((row(token) for token in tokens), dtype=np.int64, count=len(tokens)))


def _marker(match: re.Match[str]) -> str:
    return f" ent{match.lastgroup} "


@lru_cache(maxsize=8192)
def words(text: str) -> tuple[str, ...]:
    """Lower-case words; mail addresses, identifiers, dates and numbers become markers of their type."""
    return tuple(_WORD.findall(_ENTITY.sub(_marker, text).lower()))


@lru_cache(maxsize=50_000)
def _word_tokens(word: str, salt: str) -> tuple[str, ...]:
    tokens = [f"{salt}{word}"]
    if len(word) >= 4 and not word.startswith("ent"):
        padded = f"<{word}>"
        tokens += [f"{salt}#{padded[i : i + 4]}" for i in range(len(padded) - 3)]
    return tuple(tokens)


def text_tokens(text: str, salt: str = "") -> tuple[str, ...]:
    """Words, pairs of neighbouring words, and character 4-grams of longer words."""
    found = words(text)
    tokens = [token for word in found for token in _word_tokens(word, salt)]
    tokens += [f"{salt}{a} {b}" for a, b in pairwise(found)]
    return tuple(tokens)


def text_bag(text: str, salt: str = "", *, dropout: float = 0.0, rng: Any = None) -> Bag:
    """The bag of a text. With `dropout` (training only) whole words are left out, so that no single one is relied on.

    Short texts stay whole: leaving "not" out of "not verified" would teach the opposite.
    """
    found = words(text)
    if not dropout or len(found) < SHORT:
        return bag(text_tokens(text, salt))
    kept = rng.random(len(found)) >= dropout
    tokens = [
        token
        for word, keep in zip(found, kept, strict=True)
        if keep
        for token in _word_tokens(word, salt)
    ]
    pairs = zip(found, found[1:], kept, kept[1:], strict=False)
    tokens += [f"{salt}{a} {b}" for a, b, ka, kb in pairs if ka and kb]
    return Bag(np.fromiter((row(token) for token in tokens), dtype=np.int64, count=len(tokens)))
