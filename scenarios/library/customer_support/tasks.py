"""The generator: (split, difficulty, seed) -> dials -> kinds of request -> a finished case."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

import numpy as np

from scenarios.core.draws import Draws
from scenarios.core.tasks import Task
from scenarios.core.types import DIFFICULTIES, SPLITS, Difficulty, Split
from scenarios.library.customer_support.case import Case
from scenarios.library.customer_support.kinds import KINDS
from scenarios.library.customer_support.kinds.kind import Kind
from scenarios.library.customer_support.request import Dials

UNSERVED: Mapping[Difficulty, float] = {"easy": 0.05, "medium": 0.08, "hard": 0.04}
"""Share of requests that the desk does not serve at all."""

ASK: Mapping[Difficulty, float] = {"easy": 0.0, "medium": 0.2, "hard": 0.25}
"""Share of requests in which the user forgets a detail."""

CHATTER: Mapping[Difficulty, float] = {"easy": 0.15, "medium": 0.35, "hard": 0.5}

_SERVED = tuple(kind for kind in KINDS.values() if kind.weight)
_SUMS = tuple(accumulate(kind.weight for kind in _SERVED))


def make_task(scenario: str, split: Split, difficulty: Difficulty, seed: int) -> Task:
    """The task of this seed; equal arguments give an equal task."""
    key = (seed, SPLITS.index(split), DIFFICULTIES.index(difficulty))
    draws = Draws(np.random.default_rng(key))
    kinds = _kinds(draws, difficulty)
    case = Case(draws, split, difficulty, _dials(draws, difficulty, kinds))
    for kind in kinds:
        kind.build(case)
    milestones, request = case.finish()
    return Task(
        scenario,
        split,
        difficulty,
        seed,
        "+".join(kind.key for kind in kinds),
        milestones,
        ("hand_over",) if case.hands_over else ("final",),
        request,
    )


def _kinds(draws: Draws, difficulty: Difficulty) -> tuple[Kind, ...]:
    if draws.chance(UNSERVED[difficulty]):
        return (KINDS["out_of_scope"],)
    first = _draw(draws)
    if difficulty == "hard" and first.alone and draws.chance(0.8):
        first = _draw(draws)
    if difficulty != "hard" or first.alone:
        return (first,)
    while not _go_together(first, second := _draw(draws)):
        pass
    return first, second


def _draw(draws: Draws) -> Kind:
    point = draws.unit() * _SUMS[-1]
    return next(kind for kind, top in zip(_SERVED, _SUMS, strict=True) if point < top)


def _go_together(first: Kind, second: Kind) -> bool:
    """Whether one message can hold both needs."""
    if second.alone or first.family == second.family:
        return False
    return not (first.stays_open and second.stays_open) and not (first.searches and second.searches)


def _dials(draws: Draws, difficulty: Difficulty, kinds: tuple[Kind, ...]) -> Dials:
    easy, chat_fits = difficulty == "easy", all(kind.chat for kind in kinds)
    place = draws.unit()
    known = chat_fits and (easy or place < (0.4 if difficulty == "medium" else 0.1))
    looks_up = not known and all(kind.shows_ticket for kind in kinds)
    return Dials(
        channel="chat" if known else "email",
        known=known,
        verified=known and (easy or draws.chance(0.5)),
        ticketless=looks_up and not easy and draws.chance(0.12),
        ask=draws.chance(ASK[difficulty]),
        distractors=0 if easy else draws.between(1, 3 if difficulty == "medium" else 4),
        chatter=CHATTER[difficulty],
    )
