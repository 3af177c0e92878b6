"""LangSmith runs.

An export of runs as JSON or JSONL: each with `id`, `trace_id`, `parent_run_id` (or `child_runs` inside), `run_type`
(llm, tool, chain), `inputs`, `outputs`, `error` and times. Messages may be LangChain's serialised ones or OpenAI's.
All runs of one trace make one conversation.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

from scenarios.core.types import Json
from scenarios.sources.formats._json import canonical
from scenarios.sources.formats._messages import amount
from scenarios.sources.formats._spans import (
    MAX_SPANS,
    Execution,
    Trace,
    between,
    by_trace,
    moment,
    read_trace,
)
from scenarios.sources.formats.base import Format, Recorded, Refused, Row

Run = Mapping[str, Any]

MAX_LEVELS = 100
"""Parents that are looked through for the id of a trace."""


class LangSmith(Format):
    """Reads the runs of an export, one conversation per trace."""

    @classmethod
    def read(cls, rows: Iterable[Row]) -> Iterator[Recorded | Refused]:
        runs: list[tuple[int, Run]] = []
        for number, value in rows:
            listed = value.get("runs") if isinstance(value, Mapping) else None
            for run in listed if isinstance(listed, list) else [value]:
                if isinstance(run, Mapping) and isinstance(run.get("run_type"), str):
                    runs += [(number, inner) for inner in _flat(run)]
                else:
                    yield Refused(number, "is no LangSmith run: it has no `run_type`")
        parents = {_text(run, "id"): run for _, run in runs}
        placed = ((_trace_id(run, parents), number, run) for number, run in runs)
        for spans in by_trace(placed):
            yield read_trace(spans, _trace)


def _flat(run: Run) -> list[Run]:
    """A run and the runs inside it. The lists inside are as deep as a row may be."""
    found: list[Run] = []
    left = [run]
    while left and len(found) <= MAX_SPANS:
        current = left.pop()
        found.append(current)
        inner = current.get("child_runs")
        for child in inner if isinstance(inner, list) else ():
            if isinstance(child, Mapping):
                left.append({"parent_run_id": current.get("id"), **child})
    return found


def _text(run: Run, key: str) -> str:
    value = run.get(key)
    return value if isinstance(value, str) else ""


def _trace_id(run: Run, parents: Mapping[str, Run]) -> Hashable:
    """The trace that a run says it belongs to, else its topmost known parent."""
    if known := _text(run, "trace_id"):
        return known
    current = run
    for _ in range(MAX_LEVELS):
        if trace := _text(current, "trace_id"):
            return trace
        above = _text(current, "parent_run_id")
        if above not in parents or parents[above] is current:
            break
        current = parents[above]
    return _text(current, "id") or id(current)


def _trace(row: int, runs: list[Run]) -> Trace:
    ordered = sorted(runs, key=_when)
    trace = Trace(row)
    known = {_text(run, "id") for run in runs}
    for run in ordered:
        kind = run["run_type"]
        root = _text(run, "parent_run_id") not in known
        if kind == "llm":
            _add_chat(trace, run)
        elif kind == "tool":
            trace.executions.append(_execution(run))
        if root:
            trace.request = trace.request or run.get("inputs")
            trace.answer = run.get("outputs") or trace.answer
            trace.cost = trace.cost if trace.cost is not None else amount(run.get("total_cost"))
            if kind != "llm" and len(whole := _messages(run.get("outputs"))) > 1:
                trace.chats.append(whole)
    return trace


def _when(run: Run) -> tuple[str, float]:
    return _text(run, "dotted_order"), moment(run.get("start_time")) or 0.0


def _add_chat(trace: Trace, run: Run) -> None:
    said = _messages(run.get("inputs"))
    if said:
        trace.chats.append([*said, *_output(run.get("outputs"))])
    extra = run.get("extra")
    offered = extra.get("invocation_params") if isinstance(extra, Mapping) else None
    for holder in (offered, run.get("inputs")):
        tools = holder.get("tools") if isinstance(holder, Mapping) else None
        if isinstance(tools, list) and tools:
            trace.tools = tools


def _messages(holder: Json) -> list[Json]:
    """`messages` of an input or output; LangChain writes a list of lists."""
    listed = holder.get("messages") if isinstance(holder, Mapping) else holder
    if isinstance(listed, list) and len(listed) == 1 and isinstance(listed[0], list):
        listed = listed[0]
    good = isinstance(listed, list) and all(isinstance(item, Mapping) for item in listed)
    return list(listed) if good and isinstance(listed, list) else []


def _output(outputs: Json) -> list[Json]:
    """The message that a model answered with, in LangChain's or OpenAI's wrapping."""
    if not isinstance(outputs, Mapping):
        return []
    for key in ("generations", "choices"):
        found: Any = outputs.get(key)
        while isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, Mapping) and isinstance(found.get("message"), Mapping):
            return [found["message"]]
    if isinstance(outputs.get("message"), Mapping):
        return [outputs["message"]]
    if isinstance(outputs.get("role"), str):
        return [outputs]
    return _messages(outputs)[-1:]


def _execution(run: Run) -> Execution:
    inputs, outputs = run.get("inputs"), run.get("outputs")
    arguments = inputs
    if isinstance(inputs, Mapping) and len(inputs) == 1:
        [(key, value)] = inputs.items()
        inner = canonical(value)
        if key in ("input", "input_str", "kwargs", "args") and isinstance(inner, dict):
            arguments = inner
    result = outputs
    if isinstance(outputs, Mapping) and "output" in outputs:
        result = outputs["output"]
    id_, failed = None, False
    if isinstance(result, Mapping):
        body = result.get("kwargs", result)
        if isinstance(body, Mapping) and "content" in body and "tool_call_id" in body:
            result, failed = body["content"], body.get("status") == "error"
            id_ = body["tool_call_id"] if isinstance(body["tool_call_id"], str) else None
    error = run.get("error")
    if isinstance(error, str) and error.strip():
        result, failed = error, True
    seconds = between(run.get("start_time"), run.get("end_time"))
    cost = amount(run.get("total_cost"))
    return Execution(run.get("name"), arguments, result, id_, failed, seconds, cost)
