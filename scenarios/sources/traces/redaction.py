"""Redaction by rules: values that must not be kept get a pseudonym of the same shape, everywhere, before anything is stored.

    arguments.email      the argument `email` of any call; `*` stands for any number of levels
    result.*.phone       `phone` anywhere in any result; lists count as no level
    user:email           e-mail addresses in what users say; text:email in every text of the conversation

The same value gets the same pseudonym wherever it occurs as a whole, so that it can still be pointed at. Pseudonyms are
drawn in order of appearance, not computed from the value: nobody can compute the way back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from scenarios.core.types import Json, ToolCall
from scenarios.sources.base import SourceError
from scenarios.sources.formats.base import Event, Recorded

PATTERNS: dict[str, re.Pattern[str]] = {
    "email": re.compile(
        r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}"
    ),
    "phone": re.compile(r"(?<![\w+])\+?\d(?:[ ()./-]{0,2}\d){6,14}(?!\w)"),
    "card": re.compile(r"(?<!\w)\d(?:[ -]?\d){12,18}(?!\w)"),
    "iban": re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?!\w)"),
    "ip": re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"),
    "number": re.compile(r"(?<!\w)\d{1,18}(?!\w)"),
}
"""Each is linear in the length of the text: every repeat is bounded, and what it begins with cannot stand before it."""

_WORD = re.compile(r"\w+")
_PATH = re.compile(r"(arguments|result)((?:\.[^.\s]{1,80}){1,12})")
_SMALL = 3
"""Values shorter than this are replaced where a rule names them, but not looked for in texts."""
_LETTERS, _CAPITALS, _DIGITS = (
    "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "0123456789",
)
_SYLLABLES = tuple(a + b for a in "bdfgklmnprstvz" for b in "aeiou")
_STARS = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. path: keys with `*` for any number of them; pattern: of texts, `everywhere` or only the user's."""

    where: str
    path: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None


def rules_of(texts: Sequence[str]) -> list[Rule]:
    """The rules. Raises `SourceError` with every rule that is none."""
    rules, mistakes = [], []
    for at, text in enumerate(texts):
        found = _PATH.fullmatch(text)
        if found and found[2].count("*") <= _STARS:
            rules.append(Rule(found[1], tuple(found[2].removeprefix(".").split("."))))
            continue
        where, _, name = text.partition(":")
        if where in ("user", "text") and name in PATTERNS:
            rules.append(Rule(where, pattern=PATTERNS[name]))
            continue
        mistakes.append(
            f"redact[{at}]: {text[:80]!r} is no rule; write arguments.NAME, result.PATH, or user:KIND or text:KIND "
            f"with one of {', '.join(PATTERNS)}; at most {_STARS} * in a path"
        )
    if mistakes:
        raise SourceError(mistakes)
    return rules


def redacted(conversations: Sequence[Recorded], texts: Sequence[str]) -> tuple[list[Recorded], int]:
    """The conversations without the values that the rules name, and how many values those were."""
    rules = rules_of(texts)
    found = [str(v) for one in conversations for rule in rules for v in _named(one, rule)]
    names = Pseudonyms.of(found)
    if not names:
        return list(conversations), 0
    clean = [
        replace(one, events=tuple(_clean(event, names) for event in one.events))
        for one in conversations
    ]
    return clean, len(names)


def _named(conversation: Recorded, rule: Rule) -> Iterator[Json]:
    for event in conversation.events:
        turn = event.turn
        if rule.pattern is not None:
            texts = _texts(turn.content, None if turn.call is None else turn.call.arguments)
            if turn.role == "user" or rule.where == "text":
                for text in texts:
                    yield from (match.group() for match in rule.pattern.finditer(text))
        elif turn.call is not None:
            holder = dict(turn.call.arguments) if rule.where == "arguments" else turn.content
            yield from _at(holder, rule.path)


def _texts(*values: Json) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from _texts(*value.values())
        elif isinstance(value, list):
            yield from _texts(*value)


def _at(value: Json, path: tuple[str, ...]) -> Iterator[Json]:
    """Scalars at the places of a path."""
    if isinstance(value, list):
        for item in value:
            yield from _at(item, path)
        return
    if not path:
        yield from _scalars(value)
        return
    if path[0] == "*":
        yield from _at(value, path[1:])
        if isinstance(value, dict):
            for item in value.values():
                yield from _at(item, path)
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _scalars(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    elif value is not None and not isinstance(value, bool):
        yield value


@dataclass(slots=True)
class Pseudonyms:
    """Values with their pseudonyms. Capitals make no difference, nor does whether digits are a number or a text."""

    known: dict[str, str] = field(default_factory=dict)
    _begins: dict[str, list[str]] = field(default_factory=dict)
    """First word -> the values that begin with it, the longest first."""

    @classmethod
    def of(cls, values: Sequence[str]) -> Pseudonyms:
        """Pseudonyms in order of first appearance; none of them is one of the values."""
        names = cls()
        taken = {value.lower() for value in values}
        for value in values:
            if value.lower() not in names.known and value.strip():
                rng = np.random.default_rng([len(names.known), 7])
                made = next(m for m in _made(value, rng) if m.lower() not in taken)
                taken.add(made.lower())
                names._add(value.lower(), made)
        for listed in names._begins.values():
            listed.sort(key=len, reverse=True)
        return names

    def _add(self, value: str, made: str) -> None:
        self.known[value] = made
        if len(value) >= _SMALL and (first := _WORD.search(value)):
            self._begins.setdefault(first.group(), []).append(value)

    def __len__(self) -> int:
        return len(self.known)

    def value(self, value: Json) -> Json:
        """A whole value: its pseudonym of the same type, or with the values inside a text replaced."""
        if isinstance(value, str):
            return self.known.get(value.lower()) or self.text(value)
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int | float):
            found = self.known.get(str(value))
            return value if found is None else _number(found, value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return {self.text(key): self.value(item) for key, item in value.items()}

    def text(self, text: str) -> str:
        """A text with every known value in it replaced."""
        lower = text.lower()
        if len(lower) != len(text):  # a few letters have a longer small form
            lower = "".join(m.lower() if len(m.lower()) == 1 else m for m in text)
        out: list[str] = []
        done = 0
        for word in _WORD.finditer(lower):
            for value in self._begins.get(word.group(), ()):
                start = word.start() - _before(value)
                end = start + len(value)
                if start >= done and lower[start:end] == value and not _goes_on(lower, end, value):
                    out += [text[done:start], self.known[value]]
                    done = end
                    break
        return "".join([*out, text[done:]])


def _before(value: str) -> int:
    """Characters before the first word of a value."""
    first = _WORD.search(value)
    return first.start() if first else 0


def _goes_on(text: str, end: int, value: str) -> bool:
    return text[end : end + 1].isalnum() and value[-1:].isalnum()


def _number(made: str, like: float) -> Json:
    try:
        return int(made) if isinstance(like, int) else float(made)
    except ValueError:
        return like


def _made(text: str, rng: np.random.Generator) -> Iterator[str]:
    """Candidates for a pseudonym, without end: of the same shape, so that it is found where the value was found."""
    make, tries = _maker(text), 0
    while True:
        yield make(text, rng) + "1" * (tries // 200)
        tries += 1


def _maker(text: str) -> Callable[[str, np.random.Generator], str]:
    if PATTERNS["email"].fullmatch(text):
        return _email
    if re.fullmatch(r"[A-Z][a-z'-]+(?: [A-Z][a-z'-]+)+", text):
        return _name
    return _shape


def _email(text: str, rng: np.random.Generator) -> str:
    return f"person{int(rng.integers(10, 1_000_000))}@example.com"


def _name(text: str, rng: np.random.Generator) -> str:
    return " ".join("".join(_pick(_SYLLABLES, rng) for _ in range(3)).title() for _ in text.split())


def _pick(pool: Sequence[str], rng: np.random.Generator) -> str:
    return pool[int(rng.integers(len(pool)))]


def _shape(text: str, rng: np.random.Generator) -> str:
    """Letters for letters, digits for digits, everything else as it is; no number begins with a new zero."""
    out = []
    for at, mark in enumerate(text):
        if not mark.isalnum():
            out.append(mark)
        elif mark.isdigit():
            first = at == 0 or not text[at - 1].isdigit()
            out.append(_pick(_DIGITS[1:] if first and mark != "0" else _DIGITS, rng))
        else:
            out.append(_pick(_CAPITALS if mark.isupper() else _LETTERS, rng))
    return "".join(out)


def _clean(event: Event, names: Pseudonyms) -> Event:
    turn, call = event.turn, event.turn.call
    if call is not None:
        call = ToolCall(call.name, {k: names.value(v) for k, v in call.arguments.items()})
    return replace(event, turn=replace(turn, content=names.value(turn.content), call=call))
