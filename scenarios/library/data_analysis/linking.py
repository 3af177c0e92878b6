"""Schema linking: which columns and which values of a table a question's words are about, and what stands beside them.

Purely lexical and the same for every file: words are compared with the names of columns and with the values in them,
numbers and dates are given to the column that they stand beside. What a column is wanted for (to group by, to measure,
to filter) is not said; that is for the agent to find out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from scenarios.library.data_analysis.files.load import identifier, name_words
from scenarios.library.data_analysis.files.table import FEW, Column, Table

_FILE = re.compile(
    r"[\"\u201c'][^\"\u201d']*\.(?:csv|tsv|txt|json|jsonl|parquet)[\"\u201d']", re.IGNORECASE
)
_TOKEN = re.compile(
    r"\d{4}-\d{2}-\d{2}|\d{4}-(?:\d{2}|[Qq][1-4])\b|[A-Za-z]+[-_]?\d[\w-]*|[-\u2212]?\d+(?:[.,]\d+)*%?|[^\W\d_]+(?:['\u2019][a-z]+)?|[.!?;:]"
)
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip
_ARTICLES = frozenset({"the", "a", "an", "its", "their", "our"})
_COMPARING = frozenset(
    {"above", "over", "than", "least", "most", "under", "below", "exceeding", "exceeds", "of", "is", "are", "was",
     "to", "equals", "beyond", "past", "reaches", "tops"}
)  # fmt: skip
_UNITS = frozenset(
    {"usd", "eur", "gbp", "kg", "g", "km", "m", "cm", "mm", "pct", "percent", "c", "f", "s", "ms"}
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{4}-(?:\d{2}|[Qq][1-4])")
_YEAR = re.compile(r"(?:19|20)\d\d")
MAX_DISTINCT = 5_000
"""Different values of a column that are looked for in a question."""

Match = Literal["exact", "partial", "tied"]


@dataclass(frozen=True, slots=True)
class Mention:
    """A column that the question speaks of. before, lead, after: the words around it, articles left out."""

    column: int
    match: Match
    start: int
    end: int
    with_value: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """A value that the question names, and the column that it belongs to. start: its first word."""

    column: int
    value: str | float
    kind: Literal["text", "number", "date", "period"]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Linked:
    """What a question is about, in the order of its words."""

    words: tuple[str, ...]
    columns: tuple[Mention, ...]
    values: tuple[Value, ...]

    def around(self, start: int, end: int) -> tuple[str, str, str]:
        """The two words before a span and the one after it, without articles; empty at the ends of a sentence."""
        before = [w for w in self.words[max(0, start - 4) : start] if w not in _ARTICLES]
        after = [w for w in self.words[end : end + 2] if w not in _ARTICLES]
        lead, last = ["", "", *before][-2:]
        return lead, last, (after or [""])[0]


def words_of(question: str) -> list[str]:
    """Words, numbers and closing marks of a question, without the names of files."""
    return _TOKEN.findall(_FILE.sub(" ", question))


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """A word without the ending of a plural."""
    low = word.lower()
    if low.endswith(("'s", "\u2019s")):
        low = low[:-2]
    if len(low) > 4 and low.endswith("ies"):
        return low[:-3] + "y"
    if len(low) > 4 and low.endswith(("sses", "shes", "ches", "xes")):
        return low[:-2]
    return (
        low[:-1]
        if len(low) > 3 and low.endswith("s") and not low.endswith(("ss", "us", "is"))
        else low
    )


@lru_cache(maxsize=4_096)
def parts_of(name: str) -> tuple[str, ...]:
    """The words that a column's name is made of (`orderDate`, `user.plan`, `Net revenue`), without units at its end."""
    parts = [stem(part) for part in name_words(name)]
    while len(parts) > 1 and parts[-1] in _UNITS:
        parts.pop()
    return tuple(parts) or (name.lower(),)


@lru_cache(maxsize=512)
def _vocabulary(table: Table) -> dict[str, list[tuple[tuple[str, ...], int, str]]]:
    """First word -> (words, column, value) of every text value."""
    found: dict[str, list[tuple[tuple[str, ...], int, str]]] = {}
    for number, column in enumerate(table.columns):
        distinct = column.distinct() if column.kind == "text" else ()
        for value in distinct[:MAX_DISTINCT]:
            words = tuple(word.lower() for word in _TOKEN.findall(str(value)))
            if words and len("".join(words)) > 1:
                found.setdefault(words[0], []).append((words, number, str(value)))
    for known in found.values():
        known.sort(key=lambda entry: -len(entry[0]))
    return found


@lru_cache(maxsize=20_000)
def link(question: str, table: Table) -> Linked:
    """Columns and values of the table that the question speaks of."""
    raw = words_of(question)
    low = [word.lower() for word in raw]
    stems = [stem(word) for word in low]
    taken = [False] * len(raw)
    columns = _exact(stems, taken, table)
    values = _texts(raw, low, taken, table, columns)
    columns += _partial(stems, taken, table, columns)
    values += _numbers_and_dates(low, taken, table, columns)
    values.sort(key=lambda value: value.start)
    marked = [_beside(mention, values) for mention in sorted(columns, key=lambda m: m.start)]
    return Linked(tuple(low), tuple(marked), tuple(values))


def _claim(taken: list[bool], start: int, end: int) -> bool:
    if any(taken[start:end]):
        return False
    taken[start:end] = [True] * (end - start)
    return True


def _exact(stems: Sequence[str], taken: list[bool], table: Table) -> list[Mention]:
    """Columns all of whose words stand in the question in a row, longer names first; also a name's last part alone."""
    found: list[Mention] = []
    names = [(parts_of(c.name), n) for n, c in enumerate(table.columns)]
    names += [
        (parts_of(c.name.rsplit(".", 1)[1]), n)
        for n, c in enumerate(table.columns)
        if "." in c.name
    ]
    for parts, number in sorted(names, key=lambda pair: -len(pair[0])):
        if any(mention.column == number for mention in found):
            continue
        for start in range(len(stems) - len(parts) + 1):
            said = stems[start : start + len(parts)]
            if _means(said, parts) and _claim(taken, start, start + len(parts)):
                found.append(Mention(number, "exact", start, start + len(parts)))
                break
    return found


def _means(said: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether words are a name; only in names of several words may one be shortened."""
    return list(said) == list(parts) or (len(parts) > 1 and all(map(_same, said, parts)))


def _same(said: str, part: str) -> bool:
    """Whether a word means this part of a name: the same, or the part is its abbreviation (`dep` for departure)."""
    return said == part or (
        len(part) >= 3 and len(said) > len(part) + 1 and said.startswith(part) and len(part) <= 5
    )


def _partial(
    stems: Sequence[str], taken: list[bool], table: Table, known: Sequence[Mention]
) -> list[Mention]:
    """Columns whose main (last) word stands alone in the question; several that fit one word are tied."""
    named = {mention.column for mention in known}
    key = identifier(table.columns, table.rows)
    heads: dict[str, list[int]] = {}
    for number, column in enumerate(table.columns):
        parts = parts_of(column.name)
        if len(parts) > 1 and number not in named and number != key:
            heads.setdefault(parts[-1], []).append(number)
    found = []
    for at, word in enumerate(stems):
        fitting = [
            number for head, numbers in heads.items() if _same(word, head) for number in numbers
        ]
        if fitting and len(word) > 2 and _claim(taken, at, at + 1):
            match: Match = "partial" if len(fitting) == 1 else "tied"
            found += [Mention(number, match, at, at + 1) for number in fitting]
            for head in [head for head, numbers in heads.items() if set(numbers) & set(fitting)]:
                del heads[head]
    return found


def _texts(
    raw: Sequence[str],
    low: Sequence[str],
    taken: list[bool],
    table: Table,
    columns: Sequence[Mention],
) -> list[Value]:
    vocabulary, found = _vocabulary(table), []
    for at, word in enumerate(low):
        fitting = [e for e in vocabulary.get(word, ()) if tuple(low[at : at + len(e[0])]) == e[0]]
        if not fitting:
            continue
        longest = max(len(entry[0]) for entry in fitting)
        entries = [entry for entry in fitting if len(entry[0]) == longest]
        if longest == 1 and len(word) < 4 and not _written_like(entries[0][2], raw, at):
            continue
        if _claim(taken, at, at + longest):
            near = {m.column: min(abs(m.start - at), abs(m.end - at)) for m in columns}
            _, number, value = min(entries, key=lambda entry: (near.get(entry[1], 99), entry[1]))
            found.append(Value(number, value, "text", at, at + longest))
    return found


def _written_like(value: str, raw: Sequence[str], at: int) -> bool:
    """Whether a short word of the question is meant as a value: written the same, with a capital inside a sentence."""
    word = raw[at]
    return word[-1:].isdigit() or (at > 0 and word == value and word[:1].isupper())


def _numbers_and_dates(
    low: Sequence[str], taken: list[bool], table: Table, columns: Sequence[Mention]
) -> list[Value]:
    dates = [n for n, c in enumerate(table.columns) if c.kind == "date"]
    said = [m.column for m in columns if m.column in dates]
    day = next(iter(said or dates), None)
    found = []
    for at, word in enumerate(low):
        if taken[at]:
            continue
        if day is not None and (period := _period(low, at)) is not None:
            text, length = period
            if _claim(taken, at, at + length):
                kind: Literal["date", "period"] = "date" if len(text) == 10 else "period"
                found.append(Value(day, text, kind, at, at + length))
        elif word[-1:].isdigit() or word.endswith("%"):
            number = _number(word)
            owner = None if number is None else _owner(at, low, table, columns)
            if owner is not None and number is not None and _claim(taken, at, at + 1):
                found.append(Value(owner, number, "number", at, at + 1))
    return found


def _period(low: Sequence[str], at: int) -> tuple[str, int] | None:
    """The day, month or year that begins at this word, as ISO text, and how many words it takes."""
    word = low[at]
    if _DATE.fullmatch(word):
        return word.upper(), 1
    after = low[at + 1] if at + 1 < len(low) else ""
    if word in _MONTHS and _YEAR.fullmatch(after):
        return f"{after}-{_MONTHS.index(word) + 1:02d}", 2
    before = low[at - 1] if at else ""
    if _YEAR.fullmatch(word) and before in (
        "in",
        "during",
        "of",
        "for",
        "within",
        "since",
        "before",
        "after",
        "throughout",
        "year",
    ):
        return word, 1
    return None


def _number(word: str) -> float | None:
    try:
        number = float(word.rstrip("%").replace("\u2212", "-").replace(",", ""))
    except ValueError:
        return None
    return int(number) if number.is_integer() else number


def _owner(at: int, low: Sequence[str], table: Table, columns: Sequence[Mention]) -> int | None:
    """The number column that a number stands beside: right after it, or a few comparing words before it."""
    numeric = [m for m in columns if table.columns[m.column].kind == "number"]
    after = [m for m in numeric if m.start == at + 1]
    between = [
        m for m in numeric if 0 <= at - m.end <= 4 and not {".", "?", "!"} & set(low[m.end : at])
    ]
    compared = [m for m in between if _COMPARING & set(low[m.end : at]) or m.end == at]
    compares = low[at - 1] in _COMPARING if at else False
    if compared and (compares or not after):
        return max(compared, key=lambda m: m.end).column
    if after and (compares or low[max(0, at - 1)] in ("with", "exactly", "has", "have", "having")):
        return after[0].column
    return None


def _beside(mention: Mention, values: Sequence[Value]) -> Mention:
    own = [v for v in values if v.column == mention.column]
    beside = any(min(abs(v.start - mention.end), abs(mention.start - v.end)) <= 4 for v in own)
    return Mention(mention.column, mention.match, mention.start, mention.end, beside)


def spread(column: Column) -> str:
    """How many different values a column holds, in a word."""
    different = len(column.distinct())
    return "one" if different < 2 else "few" if different <= FEW else "many"
