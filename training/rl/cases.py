"""A version on a user's own cases: what it would do next, held against what should come next.

A case is a conversation so far and the expected decision: a call with its arguments, `final`, `ask`, `hand_over`, or
null for any decision but a call. Cases are independent of each other, so every figure counts cases as they are.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from models_registry.adapters._matching import SchemaDrift, match_tools
from models_registry.adapters.base import stored_tools
from models_registry.artifacts.bundle import BundleError, load_bundle
from models_registry.policies.calibration import Calibration
from models_registry.policies.runtime import PolicyRuntime
from scenarios.core.types import DECISION_KINDS, Decision, DecisionKind, Json, Tool, ToolCall, Turn
from scenarios.sources.base import SourceError
from scenarios.sources.formats._json import rows_of
from scenarios.sources.formats._messages import call_of, events_of
from scenarios.sources.formats._tools import tools_of
from scenarios.sources.formats.base import Recorded, Refused, RowError
from training.rl import calibration
from training.rl.calibration import Decided
from training.rl.intervals import rate

MAX_CASES = 100_000
SHOWN = 200
"""Wrong cases that a report holds."""
NO_CALL = "no_call"
"""Expected where any decision but a call is right."""

Expected = ToolCall | DecisionKind | Literal["no_call"]


@dataclass(frozen=True, slots=True)
class Case:
    """One row: the conversation so far, the tools on offer (empty: those of the version), and what should come next."""

    row: int
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...]
    expected: Expected

    @property
    def label(self) -> str:
        return self.expected.name if isinstance(self.expected, ToolCall) else self.expected


@dataclass(frozen=True, slots=True)
class Judged:
    """What the policy did with one case. confidence: as the policy gave it, before calibration."""

    case: Case
    decision: Decision
    parameters: tuple[tuple[str, bool], ...] = ()
    """Of an expected call whose tool was chosen: each parameter that was expected or given, and whether it is right."""

    @property
    def tool_right(self) -> bool:
        """The right tool, or the right kind of decision."""
        if self.case.expected == NO_CALL:
            return self.decision.call is None
        return self.decision.label == self.case.label and (
            isinstance(self.case.expected, ToolCall) == (self.decision.call is not None)
        )

    @property
    def right(self) -> bool:
        return self.tool_right and all(right for _, right in self.parameters)


def read_cases(data: bytes) -> tuple[list[Case], list[Refused]]:
    """The cases of a JSONL file (or JSON list), and the rows that are none. Raises `SourceError` where there is no case."""
    cases: list[Case] = []
    refused: list[Refused] = []
    try:
        for row in rows_of(data):
            if isinstance(row, Refused):
                refused.append(row)
            elif len(cases) >= MAX_CASES:
                refused.append(Refused(row[0], f"at most {MAX_CASES:,} cases are read"))
            else:
                _read(row[0], row[1], cases, refused)
    except RowError as problem:
        raise SourceError([str(problem)]) from problem
    if not cases:
        first = f"; row {refused[0].row}: {refused[0].why}" if refused else ""
        raise SourceError([f"the file holds no case that can be used{first}"])
    return cases, refused


def _read(number: int, value: Json, cases: list[Case], refused: list[Refused]) -> None:
    try:
        cases.append(_case(number, value))
    except RowError as problem:
        refused.append(Refused(number, str(problem)))


def _case(number: int, value: Json) -> Case:
    if not isinstance(value, Mapping):
        raise RowError("must be an object with `messages` and `expected`")
    if "expected" not in value:
        raise RowError("expected: is missing; give a call, null, final, ask or hand_over")
    expected = _expected(value["expected"])
    listed = value.get("tools")
    tools = tools_of(listed) if listed else ()
    if isinstance(expected, ToolCall) and tools and expected.name not in {t.name for t in tools}:
        raise RowError(f"expected: {expected.name!r} is none of the row's tools")
    events = events_of(value.get("messages"))
    if events[-1].turn.role == "assistant":
        raise RowError("messages: must end with the user or with a tool's result")
    if not all(event.answered for event in events):
        raise RowError("messages: holds a call without its result")
    return Case(number, Recorded(number, events).turns, tools, expected)


def _expected(value: Json) -> Expected:
    if value is None:
        return "no_call"
    for kind in DECISION_KINDS:
        if value == kind and kind != "tool":
            return kind
    if isinstance(value, Mapping):
        inner = value.get("function", value)
        if isinstance(inner, Mapping) and "name" in inner:
            return call_of(inner["name"], inner.get("arguments"), "expected")
    raise RowError(
        "expected: must be a call with `name` and `arguments`, null, final, ask or hand_over"
    )


@dataclass(slots=True)
class CaseReport:
    """What came of it. facts: the version's calibration, from its manifest; drift: tools that differ from the trained."""

    judged: list[Judged]
    refused: list[Refused]
    facts: Mapping[str, Json] = field(default_factory=dict)
    drift: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """Every figure with n and a 95 % interval."""
        calls = [j for j in self.judged if isinstance(j.case.expected, ToolCall)]
        silent = [j for j in self.judged if not isinstance(j.case.expected, ToolCall)]
        chosen = [j for j in calls if j.tool_right]
        decided = Decided()
        for at, judged in enumerate(self.judged):
            decided.add(at, judged.decision.confidence, judged.right)
        return {
            "cases": len(self.judged),
            "refused": [{"row": row.row, "why": row.why} for row in self.refused],
            "right": _share(j.right for j in self.judged),
            "tool_accuracy": _share(j.tool_right for j in calls),
            "call_accuracy": _share(j.right for j in calls),
            "parameter_accuracy": _parameters(chosen),
            "abstention": {
                "right": _share(j.decision.call is None for j in silent),
                "kind_right": _share(j.tool_right for j in silent),
                "needless": _share(j.decision.call is None for j in calls),
            },
            "per_tool": _per_tool(self.judged),
            "confusion": _confusion(self.judged),
            "calibration": calibration.section(self.facts, decided, len(self.judged)),
            "wrong": [_shown(j, self.facts) for j in self.judged if not j.right][:SHOWN],
            "drift": list(self.drift),
            "confidence": 0.95,
        }


def evaluate_cases(
    directory: Path, cases: Sequence[Case], refused: Sequence[Refused] = ()
) -> CaseReport:
    """Ask the version in a folder about every case.

    Tools are matched with the trained ones by name, as the adapters do. Raises `BundleError` for a damaged bundle, or
    one that holds a team.
    """
    bundle = load_bundle(directory)
    if roles := bundle.manifest.get("roles"):
        raise BundleError(
            f"{directory.name} holds a team of {', '.join(roles)}; cases are for a single agent"
        )
    facts = bundle.manifest.get("calibration") or {}
    # The report shows confidence before and after calibration, so the policy is asked for what is before.
    raw = PolicyRuntime(bundle.weights, {**bundle.manifest, "calibration": None})
    known = stored_tools(raw)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SchemaDrift)
        judged = list(_judged(raw, cases, known))
    drift = tuple(dict.fromkeys(str(w.message) for w in caught if w.category is SchemaDrift))
    return CaseReport(judged, list(refused), facts, drift)


def _judged(raw: PolicyRuntime, cases: Iterable[Case], known: tuple[Tool, ...]) -> Iterator[Judged]:
    offers: dict[tuple[str, ...], Any] = {}
    for case in cases:
        key = tuple(repr(tool) for tool in case.tools)
        if key not in offers:
            offers[key] = match_tools(case.tools or known, known)
        offer = offers[key]
        turns = [_named(turn, offer) for turn in case.turns]
        decision = raw.act(turns, offer.tools)
        if decision.call is not None:
            call, _ = offer.runnable(decision.call)
            decision = Decision(
                "tool", call, decision.text, decision.confidence, decision.alternatives
            )
        yield Judged(case, decision, _compared(case.expected, decision))


def _named(turn: Turn, offer: Any) -> Turn:
    """The turn in the names that the policy knows."""
    if turn.call is None:
        return turn
    return Turn(turn.role, turn.content, offer.known(turn.call), turn.is_error)


def _compared(expected: Expected, decision: Decision) -> tuple[tuple[str, bool], ...]:
    call = decision.call
    if not isinstance(expected, ToolCall) or call is None or call.name != expected.name:
        return ()
    names = dict.fromkeys([*expected.arguments, *call.arguments])
    return tuple((name, _same(name, expected.arguments, call.arguments)) for name in names)


def _same(name: str, expected: Mapping[str, Json], given: Mapping[str, Json]) -> bool:
    """Equal as JSON. An expected null says that the parameter is to be left out."""
    wanted, got = expected.get(name), given.get(name)
    return wanted == got and isinstance(wanted, bool) == isinstance(got, bool)


def _share(flags: Iterable[bool]) -> dict[str, Json]:
    hits = np.array(list(flags), dtype=float)
    return rate(hits, np.ones(len(hits)))


def _parameters(chosen: Sequence[Judged]) -> dict[str, Json]:
    """Share of right parameters where the tool was right, with the cases as clusters."""
    right = [sum(ok for _, ok in j.parameters) for j in chosen]
    return rate(right, [len(j.parameters) for j in chosen])


def _per_tool(judged: Sequence[Judged]) -> list[dict[str, Json]]:
    """By expected tool or decision, in alphabetical order. called: how often it was decided, rightly or not."""
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        groups[one.case.label].append(one)
    called = Counter(one.decision.label for one in judged)
    return [
        {
            "expected": label,
            "cases": len(group),
            "tool_right": _share(j.tool_right for j in group),
            "right": _share(j.right for j in group),
            "parameters": _parameters([j for j in group if j.tool_right]),
            "called": called[label],
        }
        for label, group in sorted(groups.items())
    ]


def _confusion(judged: Sequence[Judged]) -> list[dict[str, Json]]:
    """What was decided in place of what was expected, the most frequent first."""
    cells = Counter((j.case.label, j.decision.label) for j in judged if not j.tool_right)
    ranked = sorted(cells.items(), key=lambda item: (-item[1], item[0]))
    return [{"expected": a, "decided": b, "count": n} for (a, b), n in ranked]


def _shown(one: Judged, facts: Mapping[str, Json]) -> dict[str, Json]:
    wanted = one.case.expected
    call = one.decision.call
    return {
        "row": one.case.row,
        "expected": wanted.as_json() if isinstance(wanted, ToolCall) else wanted,
        "decided": call.as_json() if call is not None else one.decision.kind,
        "confidence": Calibration.of(facts)(one.decision.confidence),
        "wrong_parameters": [name for name, right in one.parameters if not right],
    }
