"""The scenario that recorded conversations make."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, ClassVar

import orjson

from scenarios.core.scenario import HIDDEN_WORDS, Criteria
from scenarios.core.tasks import Task
from scenarios.core.types import DIFFICULTIES, SPLITS, Difficulty, Json, Split, Tool
from scenarios.sources.base import Document, SourceScenario, with_attributes
from scenarios.sources.traces.checking import Talk, read
from scenarios.sources.traces.plan import Plan, scalars
from scenarios.sources.traces.pointing import stands_in
from scenarios.sources.traces.splits import Case, bare, divide
from scenarios.sources.traces.world import Recording, TraceWorld

HARDER = 2.0
LEAST_HARD, MOST_HARD = 0.05, 0.3
"""Fault rate of hard tasks: twice the recorded one, within these bounds."""
REPLY_WORDS = 4
"""Shorter answers of users ("yes, please") are everybody's wording."""
_IDENTIFIER = re.compile(
    r"[^@\s]{1,64}@\S{3,80}|(?=\S*\d)[\w./-]{4,60}|[A-Z][\w'-]+(?: [A-Z][\w'-]+){1,4}"
)
_VALUES = re.compile(r"\S{1,64}@\S{1,80}|\b\w*\d[\w.-]*|[\"'][^\"']{1,60}[\"']")

Pools = Mapping[tuple[Split, Difficulty], tuple[int, ...]]


class TraceScenario(SourceScenario):
    """A scenario from recorded conversations: a task is one of them, and its world replays the recorded results."""

    kind: ClassVar[str] = "traces"
    held_out: ClassVar[bool]
    plans: ClassVar[tuple[Plan, ...]]
    splits: ClassVar[tuple[Split, ...]]
    division: ClassVar[str]
    """What keeps the splits apart, see `splits.Division.by`; `nothing` where nothing is held out."""
    relative: ClassVar[Mapping[str, float]]
    _pools: ClassVar[Pools]
    _same: ClassVar[Mapping[str, tuple[int, ...]]]
    _wording: ClassVar[Mapping[Split, frozenset[str]]]
    _entities: ClassVar[Mapping[Split, frozenset[str]]]

    @classmethod
    def of(cls, document: Document) -> TraceScenario:
        talk = read(document)
        cases = [_case(plan, talk.tools) for plan in talk.plans]
        splits, division = talk.divided(cases, divide)
        rate, relative = _faults(talk)
        pools = _pools(talk.plans, splits, cases, held_out=talk.held_out)
        longest = {
            level: max(
                3 * talk.plans[i].calls + len(talk.plans[i].replies) + 2
                for split in SPLITS
                for i in pools[split, level]
            )
            for level in DIFFICULTIES
        }
        hard = min(MOST_HARD, max(LEAST_HARD, HARDER * rate))
        same: dict[str, list[int]] = defaultdict(list)
        for i, plan in enumerate(talk.plans):
            same[bare(plan.request)].append(i)
        made = with_attributes(
            cls,
            {
                "key": talk.key,
                "title": talk.title,
                "description": talk.description,
                "version": talk.version,
                "tools": talk.tools,
                "criteria": Criteria(**talk.criteria),
                "held_out": talk.held_out,
                "max_steps": longest,
                "fault_rate": {"easy": 0.0, "medium": rate, "hard": hard},
                "keyword_rules": _keywords(talk.tools),
                "known_words": _hidden_words_in(document),
                "plans": talk.plans,
                "splits": splits,
                "division": division,
                "relative": relative,
                "_pools": pools,
                "_same": {request: tuple(found) for request, found in same.items()},
                "_wording": _wording(talk, splits),
                "_entities": _apart(cases, splits, held_out=talk.held_out),
            },
        )
        scenario: TraceScenario = made(document)
        return scenario

    def distinct(self, split: Split, difficulty: Difficulty) -> int | None:
        return len(self._pools[split, difficulty])

    def task(self, split: Split, difficulty: Difficulty, seed: int) -> Task:
        pool = self._pools[split, difficulty]
        number = pool[seed % len(pool)]
        plan = self.plans[number]
        others = [i for i in self._same[bare(plan.request)] if i != number]
        plans = (plan, *(self.plans[i] for i in others))
        kind = " > ".join(milestone.tool for milestone in plan.milestones[:4]) or "no call"
        return Task(
            self.key,
            split,
            difficulty,
            seed,
            kind,
            plan.milestones,
            (plan.ending,),
            Recording(plans, self.relative),
        )

    def world(self, task: Task, attempt: int = 0) -> TraceWorld:
        return TraceWorld(task, attempt, self.tools, self.fault_rate[task.difficulty])

    def wording(self, split: Split) -> frozenset[str]:
        return self._wording[split]

    def entities(self, split: Split) -> frozenset[str]:
        return self._entities[split]


def _case(plan: Plan, tools: Sequence[Tool]) -> Case:
    """What decides the conversation's split."""
    known = {tool.name: tool for tool in tools}
    values: list[Any] = []
    for milestone in plan.milestones:
        for name, accepted in milestone.arguments.items():
            if "enum" not in known[milestone.tool].properties[name]:
                values += scalars(list(accepted.values))
    texts = sorted({v for v in values if isinstance(v, str) and v}, key=lambda v: (-len(v), v))
    masked = plan.request
    for text in texts:
        if len(text) < len(plan.request) and stands_in(text, masked):
            masked = masked.replace(text, "<x>")
    masked = _VALUES.sub("<x>", masked)
    told = [[m.tool, {k: list(a.values) for k, a in m.arguments.items()}] for m in plan.milestones]
    digest = sha256(orjson.dumps([plan.request, told])).hexdigest()
    names = frozenset(text for text in texts if _IDENTIFIER.fullmatch(text))
    return Case(plan.request, masked, names, digest)


def _faults(talk: Talk) -> tuple[float, dict[str, float]]:
    """The mean fault rate over all calls, and each tool's as a multiple of it; one for all where none was recorded."""
    calls = Counter(m.tool for plan in talk.plans for m in plan.milestones if m.tool in talk.names)
    total = sum(calls.values())
    mean = sum(talk.fault_rates.get(name, 0.0) * n for name, n in calls.items()) / max(1, total)
    if not mean:
        return 0.0, {tool.name: 1.0 for tool in talk.tools}
    return mean, {name: rate / mean for name, rate in talk.fault_rates.items()}


def _pools(
    plans: Sequence[Plan], splits: Sequence[Split], cases: Sequence[Case], *, held_out: bool
) -> Pools:
    """The conversations of every split and difficulty, in the order of their hashes. Easy are those with few calls."""
    pools: dict[tuple[Split, Difficulty], tuple[int, ...]] = {}
    for split in SPLITS:
        own = [i for i in range(len(plans)) if not held_out or splits[i] == split]
        own.sort(key=lambda i: (cases[i].digest, i))
        lengths = sorted(len(plans[i].steps) for i in own)
        few = max(1, lengths[(len(lengths) - 1) // 2])
        easy = tuple(i for i in own if len(plans[i].steps) <= few)
        pools |= {(split, "easy"): easy, (split, "medium"): tuple(own), (split, "hard"): tuple(own)}
    return pools


def _wording(talk: Talk, splits: Sequence[Split]) -> dict[Split, frozenset[str]]:
    """What users say in each split: every request, and those longer answers that only one split holds."""
    found: dict[Split, set[str]] = {split: set() for split in SPLITS}
    where: dict[str, set[Split]] = defaultdict(set)
    for plan, split in zip(talk.plans, splits, strict=True):
        found[split].add(plan.request)
        for text in (plan.request, *plan.replies):
            where[bare(text)].add(split)
    for plan, split in zip(talk.plans, splits, strict=True):
        for reply in plan.replies:
            if len(reply.split()) >= REPLY_WORDS and where[bare(reply)] == {split}:
                found[split].add(reply)
    return {split: frozenset(texts) for split, texts in found.items()}


def _apart(
    cases: Sequence[Case], splits: Sequence[Split], *, held_out: bool
) -> dict[Split, frozenset[str]]:
    """The identifiers that only one split holds; what several hold is part of the house, such as a product."""
    where: dict[str, set[Split]] = defaultdict(set)
    for case, split in zip(cases, splits, strict=True):
        for name in case.identifiers:
            where[bare(name)].add(split)
    return {
        split: frozenset(
            name
            for case, own in zip(cases, splits, strict=True)
            for name in case.identifiers
            if own == split and where[bare(name)] == {split}
        )
        for split in SPLITS
    }


def _keywords(tools: Sequence[Tool]) -> dict[str, tuple[str, ...]]:
    """What somebody who writes rules would begin with: the words of each tool's name."""
    rules = {}
    for tool in tools:
        words = re.findall(r"[a-z]{3,}", tool.name.lower().replace("_", " "))
        if words:
            rules[tool.name] = tuple(dict.fromkeys(words))
    return rules


def _hidden_words_in(document: Json) -> frozenset[str]:
    """Words of the hidden side that the recordings themselves use, so that they give nothing away."""
    text = orjson.dumps(document).decode()
    return frozenset(word for word in HIDDEN_WORDS if f'"{word}"' in text)
