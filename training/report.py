"""Evidence and progress as text, for every terminal, rounded as on the pages. Plain functions of plain data; nothing of Django in here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

AGENTS = ("trained", "untrained", "random", "keyword", "retrieval", "oracle")
_COLUMNS = (
    "agent",
    "tool reliability",
    "success",
    "pass^1",
    "pass^4",
    "pass^8",
    "steps",
    "response",
)
_NOTHING = "-"


def evidence_text(evidence: Mapping[str, Any]) -> str:
    """The evidence document as a readable page: what was tested, all agents side by side, criteria, cost, failures."""
    trained = evidence["agents"]["trained"]
    own = own_measures(evidence)
    parts = [
        _heading(evidence),
        _table(
            [
                (*_COLUMNS, *own.values()),
                *(_agent_row(agent, own) for agent in _agents(evidence)),
            ]
        ),
        "\n".join(_criterion(criterion) for criterion in evidence.get("criteria", [])),
        _cost(evidence.get("cost", {})),
        _failures(trained.get("failures", {})),
    ]
    return "\n\n".join(part for part in parts if part)


def progress_text(
    *, episodes: int, total: int, metrics: Mapping[str, Any], seconds_left: float | None = None
) -> str:
    """One line: how far, how reliable, how successful, how long still."""
    share = f"{100 * episodes / total:3.0f} %" if total else _NOTHING
    words = [
        f"{share}  {episodes:>7,} / {total:,} episodes",
        f"tool reliability {percent(metrics.get('tool_reliability')):>7}",
        f"success {percent(metrics.get('success')):>7}",
    ]
    if seconds_left is not None:
        words.append(f"{duration(seconds_left)} left")
    return "   ".join(words)


def percent(share: float | None, digits: int = 1) -> str:
    """'97.3 %', or a dash where there is no value. Rounds towards the middle: 99.97 % never reads as 100 %."""
    if share is None:
        return _NOTHING
    shown = round(100 * share, digits)
    step = 10**-digits
    if shown >= 100 > 100 * share:
        shown = 100 - step
    elif shown <= 0 < 100 * share:
        shown = step
    return f"{shown:.{digits}f} %"


def duration(seconds: float) -> str:
    """'1 min 40 s'."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _heading(evidence: Mapping[str, Any]) -> str:
    tasks, attempts = evidence.get("tasks", 0), evidence.get("attempts", 0)
    which = "held-out" if evidence.get("held_out", True) else "trained-on, not held-out,"
    return (
        f"Evidence on {tasks:,} {which} {evidence.get('split', 'test')} tasks of {evidence.get('scenario', '?')} "
        f"({evidence.get('difficulty', '?')}), {attempts} attempts each; 95 % intervals in brackets."
    )


def _agents(evidence: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    agents: Mapping[str, Any] = evidence["agents"]
    named = [agents[name] for name in AGENTS if name in agents]
    return named + [agent for name, agent in agents.items() if name not in AGENTS]


def own_measures(evidence: Mapping[str, Any]) -> dict[str, str]:
    """The scenario's own measures: key -> label."""
    keys = evidence.get("agents", {}).get("trained", {}).get("measures", {})
    return {c["key"]: c["label"] for c in evidence.get("criteria", ()) if c["key"] in keys}


def _agent_row(agent: Mapping[str, Any], own: Iterable[str]) -> tuple[str, ...]:
    hats = agent.get("pass_hat", {})
    return (
        str(agent.get("label", "?")),
        _interval(agent.get("tool_reliability")),
        _interval(agent.get("success")),
        *(_interval(hats.get(k), brackets=False) for k in ("1", "4", "8")),
        _number(agent.get("steps")),
        _number(agent.get("response_seconds"), " s"),
        *(_interval(agent.get("measures", {}).get(key)) for key in own),
    )


def _interval(figure: Mapping[str, Any] | None, *, brackets: bool = True) -> str:
    if not figure or figure.get("value") is None:
        return _NOTHING
    text = percent(figure["value"])
    if brackets and figure.get("low") is not None:
        low, high = (percent(figure[end]).removesuffix(" %") for end in ("low", "high"))
        text += f" [{low}, {high}]"
    return text


def _number(figure: Mapping[str, Any] | None, unit: str = "") -> str:
    return _NOTHING if not figure or figure.get("value") is None else f"{figure['value']:.2f}{unit}"


def _criterion(criterion: Mapping[str, Any]) -> str:
    mark = "met    " if criterion.get("met") else "not met"
    share = criterion.get("unit") == "share"
    value = _interval(criterion) if share else _number(criterion, " s")
    target = percent(criterion["target"]) if share else f"{criterion['target']:g} s"
    bound = "at most " if criterion.get("at_most") else ""
    return f"{mark}  {criterion.get('label', criterion['key'])}: {value}, target {bound}{target}"


def _cost(cost: Mapping[str, Any]) -> str:
    policy, loop = cost.get("policy", {}), cost.get("llm_loop", {})
    if loop.get("cost_per_success") is None:
        return ""
    prices = cost.get("prices", {})
    own = policy.get("cost_per_success")
    own_text = _NOTHING if own is None else f"${own:.7f}"
    return (
        f"Cost per successful task: {own_text} of CPU for the policy, ${loop['cost_per_success']:.6f} and "
        f"{loop.get('tokens_per_success', 0):,.0f} tokens for an LLM loop "
        f"({prices.get('model', '?')}, prices of {prices.get('as_of', '?')}): {_interval(cost.get('reduction'))} saved."
    )


def _failures(failures: Mapping[str, int]) -> str:
    if not failures:
        return ""
    worst = sorted(failures.items(), key=lambda item: -item[1])
    return "Mistakes of the trained policy: " + ", ".join(
        f"{kind.replace('_', ' ')} {count:,}" for kind, count in worst
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)
