"""From turns to features: what the network reads of a conversation, built turn by turn.

The same code runs in training, in evaluation and inside a framework, and sees only what a real agent sees: the turns
and the tools on offer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_registry.policies import candidates as pointing
from models_registry.policies.bags import Bag, bag, text_bag
from models_registry.policies.candidates import Candidate, Leaf
from models_registry.policies.toolset import Parameter, ToolSet
from scenarios.core.types import Json, Turn

TEXT_BAGS = 16
"""Sentences of the user that are read; of a longer conversation the first and the latest ones."""
FACT_BAGS = 20
"""Tool outcomes that are read: the latest of each tool, then the last one once more."""
SCALARS = 10
PAIR = 12
CANDIDATES = 96
"""Candidates per argument; the most recent ones are kept."""

SAME_ANSWERS = 2
"""A tool that answered the same call so often in a row is not offered again before the user speaks: no loops."""
SAME_ERRORS = 4
"""The same for a call that only met errors; transient faults deserve a few retries."""
ASKS_IN_A_ROW = 2

FloatArray = NDArray[np.float32]


@dataclass(slots=True)
class Observation:
    """What one decision is made from.

    texts: at most `TEXT_BAGS` bags. facts: at most `FACT_BAGS` bags. scalars: (SCALARS,). dynamics: (T, DYNAMICS) per
    decision of the tool set. mask: (T,) bool, False where a required parameter has no candidate.
    """

    texts: list[Bag]
    facts: list[Bag]
    scalars: FloatArray
    dynamics: FloatArray
    mask: NDArray[np.bool_]


@dataclass(slots=True)
class Choices:
    """Candidates for one parameter: `bags` and `pair` (C, PAIR) features; only schema-valid values are in it.

    A candidate whose `value` is `OMIT` stands for leaving an optional parameter out.
    """

    parameter: Parameter
    candidates: list[Candidate]
    pair: FloatArray


class _Omit:
    """The value of the candidate that leaves an optional parameter out."""

    def __repr__(self) -> str:
        return "OMIT"


OMIT: Any = _Omit()
_OMITTED = Candidate(OMIT, "omit", "omit", bag(("src:omit",)), "omit", -1)


@dataclass(slots=True)
class _History:
    """What happened with one tool so far."""

    calls: int = 0
    ok: bool = False
    fault: bool = False
    last_step: int = 0
    same_ok: int = 0
    """How often the latest arguments were answered in a row, and (`same_errors`) how often with an error."""
    same_errors: int = 0
    turn: Turn | None = None
    leaves: list[Leaf] = field(default_factory=list)
    """Of the latest result."""
    facts: Bag | None = None
    arguments: list[dict[str, Json]] = field(default_factory=list)


class Conversation:
    """Features of one conversation; `extend` with new turns, then `observe` and `choices`.

    dropout: share of request words left out (training only). rng: needed with dropout. must_call: only tool calls
    are allowed, as long as one of them can be filled (a framework demanded it).
    """

    def __init__(
        self,
        tools: ToolSet,
        *,
        dropout: float = 0.0,
        rng: np.random.Generator | None = None,
        must_call: bool = False,
    ) -> None:
        self.tools, self.dropout, self.rng, self.must_call = tools, dropout, rng, must_call
        self.candidates: list[Candidate] = []
        self.texts: list[Bag] = []
        self.user_turns = 0
        self.user_text = ""
        self.history: dict[str, _History] = {}
        self.steps = 0
        self.asks = 0
        self.asks_in_a_row = 0
        self.errors = 0
        self.last: Turn | None = None
        self.last_tool: str | None = None
        self._turns = 0
        self._available = (
            0  # checks that some candidate passes: candidates are only added, so it only grows
        )
        self._mentions: dict[tuple[type, Json], bool] = {}

    def extend(self, turns: Sequence[Turn]) -> None:
        """Take in the turns that were added since the last call."""
        for turn in turns:
            if turn.role == "user":
                self._user(str(turn.content))
            elif turn.role == "tool":
                self._result(turn)
            elif turn.call is None:
                self.asks += 1
                self.asks_in_a_row += 1
                self.steps += 1
            self.last = turn
            self._turns += 1

    def _user(self, text: str) -> None:
        number = self.user_turns
        self.user_turns += 1
        for sentence in pointing.sentences(text):
            self.texts.append(text_bag(sentence, dropout=self.dropout, rng=self.rng))
        self.user_text += " \n" + text.lower()
        self._mentions.clear()
        self._match(self.candidates)
        for name, past in self.history.items():
            past.facts = self._fact_bag(name, past)
            # The user spoke: what was tried may be worth trying again.
            past.same_ok = past.same_errors = 0
        self._add(list(pointing.from_text(text, number)))

    def _result(self, turn: Turn) -> None:
        call = turn.call
        if call is None:
            raise ValueError("a turn of a tool must carry the call that it answers")
        self.steps += 1
        name = call.name
        self.last_tool = name
        past = self.history.setdefault(name, _History())
        past.calls += 1
        past.ok, past.fault = not turn.is_error, turn.is_error
        past.last_step = self.steps
        if not past.arguments or past.arguments[-1] != call.arguments:
            past.same_ok = past.same_errors = 0
        past.same_ok += not turn.is_error
        past.same_errors += turn.is_error
        past.arguments.append(dict(call.arguments))
        self.asks_in_a_row = 0
        past.turn, past.leaves = turn, pointing.leaves(turn.content)
        past.facts = self._fact_bag(name, past)
        self.errors += turn.is_error
        if not turn.is_error:
            self._add(list(pointing.from_result(name, past.leaves, self._turns)))

    def _add(self, found: list[Candidate]) -> None:
        new = {(c.key, c.path, str(c.value)) for c in found if c.source == "result"}
        if new:  # the same fact read again replaces the older reading of it
            self.candidates = [
                c for c in self.candidates if (c.key, c.path, str(c.value)) not in new
            ]
        for candidate in found:
            candidate.allowed = self.tools.passed(candidate.value)
            self._available |= candidate.allowed
        self._match(found)
        self.candidates.extend(found)

    def _match(self, found: list[Candidate]) -> None:
        """Note what the user has mentioned of each candidate and of the record that it stands in."""
        said: dict[int, int] = {}  # candidates of one record share their tuple of siblings
        for candidate in found:
            if candidate.source != "result":
                continue
            record = id(candidate.siblings)
            if record not in said:
                said[record] = sum(map(self._is_mentioned, candidate.siblings))
            candidate.mentioned = self._is_mentioned(candidate.value)
            candidate.overlap = said[record] - candidate.mentioned

    def _is_mentioned(self, value: Json) -> bool:
        key = (type(value), value)
        known = self._mentions.get(key)
        if known is None:
            known = self._mentions[key] = pointing.is_mentioned(value, self.user_text)
        return known

    def _says(self, value: Json) -> bool:
        """Whether the user said an option of a schema, in the words that its name is made of."""
        return self._is_mentioned(value.replace("_", " ") if isinstance(value, str) else value)

    def _fact_bag(self, tool: str, past: _History) -> Bag:
        """What a tool's latest outcome says, as tokens `key=value` (numbers by order of magnitude).

        In a list of records, the one that fits the user's words best says its facts once more, marked as meant.
        """
        turn = past.turn
        if turn is None or turn.call is None:
            return bag(())
        state = "error" if turn.is_error else "ok"
        tokens = [f"called:{tool}", f"called:{tool}:{state}", f"called:{tool}:{min(past.calls, 3)}"]
        did = ((k, pointing.categorical(v)) for k, v in turn.call.arguments.items())
        tokens += [f"did:{tool}.{k}={c}" for k, c in did if c is not None]
        found = past.leaves
        fits = {id(r): sum(map(self._is_mentioned, r.values)) for p, _, _, r in found if "[]" in p}
        best = max(fits.values(), default=0)
        for path, _, value, record in found:
            fact = _fact(path, value)
            if fact is not None:
                tokens.append(fact)
                if best and fits.get(id(record)) == best:
                    tokens.append(f"meant:{fact}")
        return bag(tuple(dict.fromkeys(tokens)))

    def observe(self) -> Observation:
        """Features for the next decision."""
        texts = (
            self.texts[:]
            if len(self.texts) <= TEXT_BAGS
            else self.texts[: TEXT_BAGS // 2] + self.texts[-TEXT_BAGS // 2 :]
        )
        recent = sorted(self.history.values(), key=lambda h: -h.last_step)[: FACT_BAGS - 1]
        facts = [h.facts for h in recent if h.facts is not None]
        facts.append(
            bag((f"last:{self.last_tool}", f"lastrole:{self.last.role if self.last else ''}"))
        )
        return Observation(texts, facts, self._scalars(), self._dynamics(), self._mask())

    def _scalars(self) -> FloatArray:
        last = self.last
        return np.array(
            [
                self.steps / 10,
                self.steps == 0,
                min(self.asks, 3) / 3,
                self.user_turns > 1,
                last is not None and last.role == "user",
                last is not None and last.is_error,
                min(self.errors, 4) / 4,
                len(self.history) / 10,
                min(len(self.candidates), 100) / 100,
                1.0,
            ],
            dtype=np.float32,
        )

    def _dynamics(self) -> FloatArray:
        table = self.tools.dynamics.copy()
        failed = self.last is not None and self.last.is_error
        for name, past in self.history.items():
            number = self.tools.index.get(name)
            if number is not None:
                own = table[number]
                own[0], own[min(past.calls, 3)] = 0.0, 1.0
                own[4], own[5], own[6] = past.ok, past.fault, name == self.last_tool
                own[7] = 1.0 / (1 + self.steps - past.last_step)
                own[11] = failed and name == self.last_tool
        table[self.tools.index["ask"], 10] = self.asks > 0
        return table

    def _mask(self) -> NDArray[np.bool_]:
        missing = ~self._available
        mask = np.array([not need & missing for need in self.tools.needs], dtype=np.bool_)
        for name, past in self.history.items():
            if past.same_ok >= SAME_ANSWERS or past.same_errors >= SAME_ERRORS:
                number = self.tools.index.get(name)
                if number is not None:
                    mask[number] = False
        if self.asks_in_a_row >= ASKS_IN_A_ROW:
            mask[self.tools.index["ask"]] = False
        return mask

    def choices(self, tool: int, parameter: Parameter, chosen: dict[str, Json]) -> Choices:
        """Candidates for one parameter of a tool, given the arguments that were already chosen for this call."""
        found = list(parameter.offered)
        if not parameter.closed:
            found += [c for c in self.candidates if c.allowed & parameter.check][-CANDIDATES:]
        if not parameter.required:
            found.append(_OMITTED)
        past = self.history.get(self.tools.views[tool].name)
        used = [a.get(parameter.name) for a in past.arguments] if past else []
        failed = past is not None and past.fault
        best: dict[str, int] = {}
        for c in found:
            best[c.path] = max(best.get(c.path, 0), c.overlap)
        pair = np.array(
            [self._pair(c, parameter, used, failed, best, chosen) for c in found], dtype=np.float32
        )
        return Choices(parameter, found, pair.reshape(len(found), PAIR))

    def _pair(
        self,
        c: Candidate,
        parameter: Parameter,
        used: list[Json],
        failed: bool,
        best: dict[str, int],
        chosen: dict[str, Json],
    ) -> tuple[float, ...]:
        return (
            c.key == parameter.name,
            len(parameter.words & _path_words(c.path)) / len(parameter.words),
            self._says(c.value) if c.source == "schema" else c.mentioned,
            min(c.overlap, 3) / 3,
            c.overlap > 0 and c.overlap == best[c.path],
            c.overlap < best[c.path],
            1.0 / (1 + self._turns - c.turn) if c.turn >= 0 else 0.0,
            c.position == 0,
            bool(used) and used[-1] == c.value and failed,
            bool(used) and c.value in used and not failed,
            any(c.value == value for value in chosen.values()),
            any(value in c.siblings for value in chosen.values()),
        )


@lru_cache(maxsize=4096)
def _path_words(path: str) -> frozenset[str]:
    return frozenset(path.lower().replace("[]", "").replace(".", "_").split("_"))


def _fact(path: str, value: Json) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{path}~{'-' if value < 0 else ''}{int(abs(value)).bit_length()}"
    text = pointing.categorical(value)
    return None if text is None else f"{path}={text}"
