"""Reviewers that a practitioner would script in an afternoon. They read the conversation and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scenarios.core.scenario import Baseline
from scenarios.core.types import Decision, ToolCall, Turn

_PATH = re.compile(r"\"([\w/-]+\.[a-z]+)\"")
_TRANSIENT = frozenset({"timeout", "unavailable", "rate_limited"})
_EVERY_TOOL = (
    "detect_bugs",
    "check_best_practices",
    "run_linter",
    "check_security",
    "check_performance",
)
_LINTERS = ("detect_bugs", "run_linter")
_WORDS: Mapping[str, tuple[str, ...]] = {
    "bug": ("bug", "broken", "wrong", "mistake", "defect", "correct", "error", "fault", "logic"),
    "security": ("secur", "attack", "vulnerab", "hole", "exploit", "unsafe"),
    "performance": ("slow", "speed", "fast", "perform", "efficien", "time", "memory"),
    "style": ("style", "read", "tidy", "neat", "lint", "convention", "clean"),
}
_TOOLS: Mapping[str, tuple[str, ...]] = {
    "bug": ("detect_bugs", "check_best_practices"),
    "security": ("check_security",),
    "performance": ("check_performance",),
    "style": ("run_linter", "check_best_practices"),
}


@dataclass
class _Seen:
    """What a conversation has brought so far."""

    text: str = ""
    path: str = ""
    language: str = ""
    ran: set[str] = field(default_factory=set)
    findings: list[dict[str, Any]] = field(default_factory=list)
    full: dict[tuple[int, str], str] = field(default_factory=dict)
    """Line and rule -> a full explanation."""
    sought: set[int | str] = field(default_factory=set)
    """Lines and rules that were looked up."""
    reported: set[tuple[int, str]] = field(default_factory=set)


def _read(turns: tuple[Turn, ...]) -> _Seen:
    seen = _Seen()
    for turn in turns:
        if turn.role == "user":
            seen.text += " " + str(turn.content)
            found = _PATH.search(str(turn.content))
            seen.path = seen.path or (found[1] if found else "")
        elif turn.role == "tool" and turn.call is not None and not turn.is_error:
            _read_result(seen, turn.call, turn.content)
    return seen


def _read_result(seen: _Seen, call: ToolCall, content: Any) -> None:
    seen.ran.add(call.name)
    if call.name in ("suggest_improvements", "search_documentation"):
        seen.sought |= set(call.arguments.values())
    seen.language = content.get("language", seen.language)
    seen.findings += content.get("findings", ())
    if call.name == "report_issue":
        seen.reported.add((call.arguments["line"], call.arguments["kind"]))
    for told in content.get("improvements", ()):
        if told["outcome"] == "clean":
            seen.full.setdefault((told["line"], told["rule"]), told["explanation"])
    for told in content.get("places", ()):
        seen.full.setdefault((told["line"], content["rule"]), told["explanation"])


Wanted = Callable[[dict[str, Any], str], bool]


@dataclass(frozen=True, slots=True)
class _Reviewer:
    """tools: by the request. wanted: which findings it reports. explain: whether it completes explanations first."""

    tools: Callable[[str], tuple[str, ...]]
    wanted: Wanted
    explain: bool

    def decide(self, turns: tuple[Turn, ...]) -> Decision:
        """The next step: once more after a transient error, else the next thing that is not done."""
        last = turns[-1]
        if last.is_error and last.call is not None and last.content["error"] in _TRANSIENT:
            return Decision("tool", last.call)
        seen = _read(turns)
        if not seen.path:
            return Decision("ask", text="Which file is it?")
        if "analyze_code" not in seen.ran:
            return _call("analyze_code", file=seen.path)
        if seen.language != "python":
            return Decision("hand_over", text="This is not Python.")
        return self._review(seen)

    def _review(self, seen: _Seen) -> Decision:
        text = seen.text.lower()
        for tool in self.tools(text):
            if tool not in seen.ran:
                return _call(tool)
        reports = (f for f in seen.findings if self.wanted(f, text))
        steps = (_handle(seen, finding, explain=self.explain) for finding in reports)
        if (decision := next((step for step in steps if step), None)) is not None:
            return decision
        if "finish_review" not in seen.ran:
            return _call("finish_review")
        return Decision("final", text="The review is finished.")


def _handle(seen: _Seen, finding: dict[str, Any], *, explain: bool) -> Decision | None:
    """The next step for a finding; None where it is reported."""
    line, rule, kind = finding["line"], finding["rule"], finding["kind"]
    if (line, kind) in seen.reported:
        return None
    if explain and finding["lacks"] == "fix" and line not in seen.sought:
        return _call("suggest_improvements", line=line)
    if explain and finding["lacks"] == "reason" and rule not in seen.sought:
        return _call("search_documentation", rule=rule)
    told = seen.full.get((line, rule), finding["explanation"])
    return _call("report_issue", explanation=told, line=line, kind=kind)


def _call(name: str, **arguments: Any) -> Decision:
    return Decision("tool", ToolCall(name, arguments))


def _scope(text: str) -> tuple[str, ...]:
    """The kinds that a request speaks of; all where it speaks of none."""
    named = tuple(kind for kind, words in _WORDS.items() if any(word in text for word in words))
    return named or tuple(_WORDS)


def _scoped_tools(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tool for kind in _scope(text) for tool in _TOOLS[kind]))


def _asked_for(finding: dict[str, Any], text: str) -> bool:
    return finding["kind"] in _scope(text) and finding["marked"] == "none"


def _any(finding: dict[str, Any], text: str) -> bool:
    return True


BASELINES: Mapping[str, Baseline] = {
    "linters": Baseline(
        "Linters only, every finding",
        _Reviewer(lambda text: _LINTERS, _any, explain=False).decide,
    ),
    "all_rules": Baseline(
        "All rules on, every finding",
        _Reviewer(lambda text: _EVERY_TOOL, _any, explain=False).decide,
    ),
    "everything": Baseline(
        "Reports everything, explained",
        _Reviewer(lambda text: _EVERY_TOOL, _any, explain=True).decide,
    ),
    "scoped": Baseline(
        "Scope by keywords, unmarked findings, explained",
        _Reviewer(_scoped_tools, _asked_for, explain=True).decide,
    ),
}
