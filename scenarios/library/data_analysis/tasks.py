"""The generator: (split, difficulty, seed) -> a data set, a kind of question, its columns and conditions, its answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np

from scenarios.core.draws import Draws
from scenarios.core.tasks import Task
from scenarios.core.types import DIFFICULTIES, SPLITS, Difficulty, Json, Split
from scenarios.library.data_analysis import letters, truth
from scenarios.library.data_analysis.datasets import VARIANTS, Dataset, Field, dataset, domains
from scenarios.library.data_analysis.files.load import name_words
from scenarios.library.data_analysis.letters import Slots
from scenarios.library.data_analysis.mess import BROKEN, file_of, order_of
from scenarios.library.data_analysis.reference import FEWEST, Answer, Operand, Row, meets
from scenarios.library.data_analysis.requests import KINDS, Request, Wanted, plan
from scenarios.library.data_analysis.views import period
from scenarios.library.data_analysis.world import Case

_EASY = ("count", "total", "average", "median", "maximum", "minimum", "distinct", "missing", "lookup", "most_common",
         "top_sum", "top_average", "top_count", "bottom_sum", "chart_bar_sum", "chart_histogram")  # fmt: skip
_LONG = (
    "above_average",
    "best_then_average",
    "without_outliers",
    "chart_bar_average",
    "chart_line",
    "top_n",
    "growth",
)
"""Asked twice as often in hard tasks."""
_CONDITIONS: Mapping[Difficulty, tuple[float, float]] = {
    "easy": (0.3, 0.0),
    "medium": (0.5, 0.1),
    "hard": (0.8, 0.4),
}
"""Chances of a first and of a second condition."""
_ABSENT: Mapping[Difficulty, float] = {"easy": 0.03, "medium": 0.05, "hard": 0.05}
_BROKEN: Mapping[Difficulty, float] = {"easy": 0.02, "medium": 0.03, "hard": 0.03}
_ASK_FILE: Mapping[Difficulty, float] = {"easy": 0.0, "medium": 0.06, "hard": 0.08}
_ASK_COLUMN: Mapping[Difficulty, float] = {"easy": 0.0, "medium": 0.1, "hard": 0.16}
_ALIEN_PHRASES = ("total", "average", "median", "maximum", "minimum", "spread")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip


_Condition = tuple[Wanted, str, dict[str, str], Operand]
"""The condition, the key of its wording, what fills that, and its value."""


class _Unfit(Exception):
    """This draw does not make a clear question; another one is tried."""


def make_task(scenario: str, split: Split, difficulty: Difficulty, seed: int) -> Task:
    """The task of this seed; equal arguments give an equal task."""
    draws = Draws(
        np.random.default_rng((seed, SPLITS.index(split), DIFFICULTIES.index(difficulty)))
    )
    place = draws.unit()
    while True:
        try:
            case = _Drawing(draws, split, difficulty, place).case()
        except _Unfit:
            continue
        request = case.request
        gives_up = request.broken or request.kind == "absent"
        return Task(
            scenario, split, difficulty, seed, "broken" if request.broken else request.kind, plan(request),
            ("hand_over",) if gives_up else ("final",), case,
        )  # fmt: skip


class _Drawing:
    """One attempt at drawing a case. place: where in the unit interval of special requests this task lies."""

    def __init__(self, draws: Draws, split: Split, difficulty: Difficulty, place: float) -> None:
        self.draws, self.split, self.difficulty = draws, split, difficulty
        self.absent = place < _ABSENT[difficulty]
        self.broken = not self.absent and place < _ABSENT[difficulty] + _BROKEN[difficulty]
        special = _ABSENT[difficulty] + _BROKEN[difficulty]
        self.ask_column = special <= place < special + _ASK_COLUMN[difficulty]
        domain, variant = draws.below(len(domains(split))), draws.below(VARIANTS)
        self.data = dataset(split, difficulty, domain, variant)
        self.file = file_of(split, difficulty, domain, variant)
        self.copied = len(order_of(split, difficulty, domain, variant)) > self.data.length
        self.free = {
            role: draws.shuffled(self.data.of(role)) for role in ("text", "number", "date", "id")
        }
        self.words: dict[str, str] = {"rows": self.data.rows}
        self.said: list[tuple[str, tuple[tuple[str, str], ...]]] = []
        self.rows: list[Row] = _rows(self.data)

    def case(self) -> Case:
        kind = self._kind()
        fields: dict[str, Json] = {"kind": kind, "file": self.data.file}
        phrase = kind
        if kind == "absent":
            phrase = self.draws.pick(_ALIEN_PHRASES)
            self.words["measure"] = self.draws.pick(letters.aliens(self.split))
        else:
            fields |= self._columns(kind)
        conditions = self._conditions(kind)
        request = Request(
            **fields,
            conditions=tuple(conditions),
            repeated=self.copied and not self.broken,
            ask_file=not self.broken and self.draws.chance(_ASK_FILE[self.difficulty]),
            ask_column=self.ask_column,
            broken=self.broken,
        )
        answer: Answer = None if kind == "absent" else truth.answer(self.rows, request)
        if answer is None and kind != "absent" and not self.broken:
            raise _Unfit
        data = self.draws.pick(BROKEN) if self.broken else self.file
        return Case(
            request, answer, data, Slots(phrase, tuple(self.words.items()), tuple(self.said))
        )

    def _kind(self) -> str:
        if self.absent:
            return "absent"
        pool = _EASY if self.difficulty == "easy" else tuple(KINDS)
        if self.difficulty == "hard":
            pool += _LONG
        kind = self.draws.pick(pool)
        if self.ask_column and "measure" not in KINDS[kind].needs:
            raise _Unfit
        return kind

    def _take(self, role: str) -> Field:
        if not self.free[role]:
            raise _Unfit
        return self.free[role].pop()

    def _columns(self, kind: str) -> dict[str, Json]:
        """Columns for the kind's needs, and how the user names them."""
        needs, found = KINDS[kind].needs, dict[str, Json]()
        if self.ask_column:
            self._take_tied(found)
        for need in needs:
            if need in ("measure", "other") and need not in found:
                field = self._take("number")
                found[need], self.words[need] = self._name(field), field.spoken
            elif need == "group":
                field = self._take("text")
                found[need], self.words[need] = self._name(field), field.spoken
                self.words["value"] = str(
                    self.draws.pick(sorted({str(v) for v in field.values if v is not None}))
                )
            elif need == "day":
                found[need] = self._name(self._take("date"))
            elif need == "value":
                found[need] = self.words["value"]
            elif need == "n":
                found[need] = self.draws.between(2, 3)
                self.words["n"] = str(found[need])
            elif need == "key":
                field = self._take("id")
                found[need] = self._name(field)
                found["value"] = self.words["id"] = str(self.draws.pick(field.values))
            elif need == "column":
                field = self._take(self.draws.pick(("text", "number", "number")))
                found["measure"], self.words["column"] = self._name(field), field.spoken
        return found

    def _take_tied(self, found: dict[str, Json]) -> None:
        """A measure whose last word fits another column as well, named by that word only."""
        heads: dict[str, list[Field]] = {}
        for field in self.free["number"]:
            heads.setdefault(name_words(field.name)[-1], []).append(field)
        twins = [(head, fields) for head, fields in heads.items() if len(fields) > 1]
        if not twins:
            raise _Unfit
        head, fields = twins[0]
        field = self.draws.pick(fields)
        self.free["number"] = [other for other in self.free["number"] if other not in fields]
        found["measure"], self.words["measure"] = self._name(field), head

    def _name(self, field: Field) -> str:
        return (
            f"{field.group}.{field.name}"
            if field.group and self.data.format == "json"
            else field.name
        )

    def _conditions(self, kind: str) -> list[Wanted]:
        if kind == "absent" or self.broken or not KINDS[kind].conditions:
            return []
        first, second = _CONDITIONS[self.difficulty]
        count = int(kind == "count" or self.draws.chance(first))
        count += count == 1 and self.draws.chance(second)
        return [self._condition(n) for n in range(count)]

    def _condition(self, number: int) -> Wanted:
        role = self.draws.pick(("text", "text", "number", "date"))
        if number and any(key not in ("text", "not_text") for key, _ in self.said):
            role = "text"
        field = self._take(role)
        wanted, key, words, value = self._on(role, field)
        test = meets(wanted.operator, value)
        left = [row for row in self.rows if test(row[wanted.column])]
        if not FEWEST <= len(left) < len(self.rows):
            raise _Unfit
        self.rows = left
        self.said.append((key, tuple(words.items())))
        return wanted

    def _on(self, role: str, field: Field) -> _Condition:
        if role == "number":
            return self._on_number(field)
        return self._on_date(field) if role == "date" else self._on_text(field)

    def _on_text(self, field: Field) -> _Condition:
        value = str(self.draws.pick(sorted({str(v) for v in field.values if v is not None})))
        negative = self.draws.chance(0.15)
        operator, key = ("not_equal_to", "not_text") if negative else ("equal_to", "text")
        words = {"column": field.spoken, "value": value}
        return Wanted(self._name(field), operator, (value,)), key, words, value

    def _on_number(self, field: Field) -> _Condition:
        operator = self.draws.pick(("above", "at_least", "below", "at_most"))
        filled = sorted(float(str(v)) for v in field.values if v is not None)
        value = _round(filled[int(len(filled) * (0.25 + 0.5 * self.draws.unit()))])
        words = {"column": field.spoken, "n": f"{value:g}"}
        return Wanted(self._name(field), operator, (value, f"{value:g}")), operator, words, value

    def _on_date(self, field: Field) -> _Condition:
        days = sorted(v for v in field.values if isinstance(v, dt.date))
        key, operator = self.draws.pick(
            (("since", "at_least"), ("before", "below"), ("during", "equal_to"))
        )
        if key == "during":
            day = self.draws.pick(days)
            whole_year = days[0].year != days[-1].year and self.draws.chance(0.5)
            text = str(day.year) if whole_year else f"{day.year}-{day.month:02d}"
            spoken = text if whole_year else f"{_MONTHS[day.month - 1]} {day.year}"
            words = {"period": spoken}
        else:
            text = days[int(len(days) * (0.3 + 0.4 * self.draws.unit()))].isoformat()
            words = {"date": text}
        span = period(text)
        if span is None:
            raise _Unfit
        return Wanted(self._name(field), operator, (text,)), key, words, span


def _rows(data: Dataset) -> list[Row]:
    """The truth, row by row, under the names of the file's columns."""
    names = [
        f"{f.group}.{f.name}" if f.group and data.format == "json" else f.name for f in data.fields
    ]
    return [
        dict(zip(names, cells, strict=True))
        for cells in zip(*(f.values for f in data.fields), strict=True)
    ]


def _round(value: float) -> float:
    """A threshold that a person would name."""
    if value >= 20:
        return float(round(value)) if value < 1000 else float(round(value, -2))
    return round(value, 1)
