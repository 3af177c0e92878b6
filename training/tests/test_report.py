"""Evidence and progress as text."""

from __future__ import annotations

from typing import Any

from training import report


def rate(value: float | None, n: int = 100) -> dict[str, Any]:
    low, high = (None, None) if value is None else (value - 0.05, value + 0.05)
    return {"value": value, "low": low, "high": high, "n": n}


def agent(label: str, value: float | None) -> dict[str, Any]:
    return {
        "label": label,
        "tool_reliability": rate(value),
        "success": rate(value),
        "pass_hat": {"1": rate(value), "8": rate(value)},
        "steps": rate(3.25),
        "response_seconds": rate(1.5),
        "failures": {"wrong_tool": 1200, "order": 3},
    }


EVIDENCE: dict[str, Any] = {
    "scenario": "echo",
    "difficulty": "easy",
    "split": "test",
    "tasks": 1400,
    "attempts": 8,
    "agents": {
        "oracle": agent("oracle", 1.0),
        "trained": agent("trained policy", 0.9),
        "mine": agent("mine", None),
    },
    "criteria": [
        {
            "key": "a",
            "label": "Tool reliability",
            "unit": "share",
            "target": 0.95,
            **rate(0.9),
            "met": False,
        },
        {
            "key": "b",
            "label": "Response time",
            "unit": "seconds",
            "target": 10.0,
            **rate(1.5),
            "met": True,
        },
    ],
    "cost": {
        "prices": {"model": "small", "as_of": "2026-11-01"},
        "policy": {"cost_per_success": 0.0000012},
        "llm_loop": {"cost_per_success": 0.00123, "tokens_per_success": 4321.0},
        "reduction": rate(0.9),
    },
}


def test_evidence_shows_agents_criteria_cost_and_mistakes() -> None:
    text = report.evidence_text(EVIDENCE)
    assert "1,400 held-out test tasks of echo (easy), 8 attempts each" in text
    rows = text.splitlines()
    assert rows[2].startswith("agent ")
    assert rows[4].startswith(
        "trained policy  90.0 % [85.0, 95.0]"
    )  # the trained one first, strangers last
    assert rows[6].startswith("mine ")
    assert "not met  Tool reliability: 90.0 % [85.0, 95.0], target 95.0 %" in text
    assert "met      Response time: 1.50 s, target 10 s" in text
    assert "$0.0000012 of CPU for the policy, $0.001230 and 4,321 tokens" in text
    assert text.endswith("Mistakes of the trained policy: wrong tool 1,200, order 3")


def test_evidence_with_holes_still_reads() -> None:
    cost = {"llm_loop": {"cost_per_success": 0.1}, "policy": {"cost_per_success": None}}
    text = report.evidence_text({"agents": {"trained": {}}, "cost": cost})
    assert "Cost per successful task: - of CPU" in text
    assert "Mistakes" not in text
    assert "Cost" not in report.evidence_text({"agents": {"trained": {}}})


def test_progress_is_one_line() -> None:
    line = report.progress_text(
        episodes=600,
        total=2400,
        metrics={"tool_reliability": 0.5, "success": None},
        seconds_left=100,
    )
    words = " ".join(line.split())
    assert words == "25 % 600 / 2,400 episodes tool reliability 50.0 % success - 1 min 40 s left"
    assert report.progress_text(episodes=0, total=0, metrics={}).startswith("-")
    assert report.duration(7.4) == "7 s"
