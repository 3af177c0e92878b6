"""Finished runs, points, episodes and evidence for the pages' tests, written straight into the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.models import Episode, Run

STEPS: list[dict[str, Any]] = [
    {
        "decision": {
            "kind": "tool",
            "call": {"name": "shout", "arguments": {"word": "<b>pine</b>"}},
            "text": "",
            "confidence": 0.91,
            "alternatives": [["whisper", 0.07], ["final", 0.02]],
        },
        "right": True,
        "failure": None,
        "turns": [
            {"role": "assistant", "content": "", "call": {"name": "shout", "arguments": {}}, "is_error": False},
            {"role": "tool", "content": {"said": "pine"}, "call": None, "is_error": False},
        ],
        "reward": 0.5,
        "reward_terms": {"progress": 0.5},
        "seconds": 0.1,
        "faulted": False,
    },
    {
        "decision": {"kind": "ask", "call": None, "text": "Which word?", "confidence": 0.4, "alternatives": []},
        "right": False,
        "failure": "wrong_tool",
        "due": "shout",
        "turns": [
            {"role": "assistant", "content": "Which word?", "call": None, "is_error": False},
            {"role": "user", "content": "I have told you everything.", "call": None, "is_error": False},
        ],
        "reward": -0.05,
        "reward_terms": {"wrong": -0.05},
        "seconds": 0.0,
        "faulted": True,
    },
]  # fmt: skip


def figure(value: float | None, half: float = 0.02, n: int = 800) -> dict[str, Any]:
    """A value with its interval, as evidence holds it."""
    low, high = (None, None) if value is None else (max(0.0, value - half), value + half)
    return {"value": value, "low": low, "high": high, "n": n}


def agent(label: str, rate: float, **more: Any) -> dict[str, Any]:
    """One agent's part of the evidence."""
    return {
        "label": label, "episodes": 800, "calls": 900, "tool_reliability": figure(rate), "success": figure(rate),
        "pass_hat": {"1": figure(rate), "4": figure(rate / 2), "8": figure(rate / 4)},
        "steps": figure(2.1), "reward": figure(-0.4), "decision_seconds": figure(0.002, 0.001),
        "tool_seconds": figure(0.4), "response_seconds": figure(0.402), "tokens_per_success": 0.0,
        "cost_per_success": 3e-8, "failures": {}, **more,
    }  # fmt: skip


CONFUSION: dict[str, Any] = {
    "due": {"shout": {"right": 700, "wrong": 9}, "final": {"right": 690, "wrong": 0}, "ask": {"right": 0, "wrong": 1}},
    "cells": [
        {"due": "shout", "called": "whisper", "count": 6, "failures": {"wrong_tool": 6}, "transcripts": 2},
        {"due": "shout", "called": "shout", "count": 2, "failures": {"wrong_argument": 2}, "transcripts": 1},
        {"due": "ask", "called": "final", "count": 1, "failures": {"stopped_early": 1}, "transcripts": 1},
        {"due": "shout", "called": "final", "count": 1, "failures": {"stopped_early": 1}, "transcripts": 0},
    ],
}  # fmt: skip
PARAMETERS: list[dict[str, Any]] = [
    {"tool": "shout", "parameter": "word", "right": figure(0.98), "wrong": 2, "missing": 0, "invalid": 0},
    {"tool": "whisper", "parameter": "word", "right": figure(1.0), "wrong": 0, "missing": 0, "invalid": 0},
]  # fmt: skip


def examined() -> dict[str, Any]:
    """The parts of evidence that the trainer's own functions make, from decisions that were too sure."""
    from scenarios.library import library
    from training.rl import calibration
    from training.rl.comparison import METHOD
    from training.rl.convergence import Convergence
    from training.rl.leaks import leak_facts

    decided, ended = calibration.Decided(), Convergence(0.95)
    for i in range(400):
        decided.add(i // 8, 0.5 + (i % 50) / 100, i % 5 != 0)
    ended.add(1980, 2000, 750)
    facts = {
        "method": "temperature",
        "temperature": 1.5,
        "split": "validation",
        "tasks": 50,
        "n": 400,
    }
    return {
        "calibration": calibration.section(facts, decided, 50),
        "convergence": ended.facts(),
        "detectable": {**METHOD, "success": 0.048, "tool_reliability": 0.051},
        "differences": {
            name: {key: {"value": gap, "low": gap - 0.05, "high": gap + 0.05, "n": 100} for key in ("success", "tool_reliability")}
            for name, gap in (("random", 0.8), ("oracle", -0.01))
        },
        "leaks": leak_facts(library.get("echo")(), "test"),
    }  # fmt: skip


def evidence(**more: Any) -> dict[str, Any]:
    """A document with every part that the page shows."""
    return {
        **examined(),
        "scenario": "echo", "scenario_version": "1", "content_hash": "c" * 64, "difficulty": "medium",
        "split": "test", "tasks": 100, "attempts": 8, "seed": 0, "confidence": 0.95, "weights_sha256": "d" * 64,
        "agents": {
            "oracle": agent("Oracle", 1.0),
            "trained": agent(
                "Trained policy", 0.9, failures={"wrong_tool": 6, "order": 2, "junk_call": 0},
                confusion=CONFUSION, parameters=PARAMETERS,
            ),
            "random": agent("Random valid calls", 0.1),
        },
        "criteria": [
            {"key": "tool_reliability", "label": "Tool reliability", "unit": "share", "target": 0.95,
             **figure(0.9), "met": False},
            {"key": "response_time", "label": "Mean response time", "unit": "seconds", "target": 10.0,
             **figure(0.402), "met": True},
        ],
        "cost": {
            "counter": "words-1", "policy_cpu_per_hour": 0.05,
            "prices": {"model": "small LLM", "input_per_million": 0.15, "output_per_million": 0.6, "as_of": "2026-11-01"},
            "policy": {"tokens_per_success": 0, "cost_per_success": 3e-8},
            "llm_loop": {"tokens_per_success": 426, "cost_per_success": 8.1e-5, "assumption": "It never errs."},
            "reduction": figure(0.99),
        },
        **more,
    }  # fmt: skip


def add_points(run: Run, count: int, *, first: int = 1) -> None:
    """Points `first` to `first + count - 1`."""
    from training.models import MetricPoint

    MetricPoint.objects.bulk_create(
        MetricPoint(
            run=run,
            seq=seq,
            episodes=10 * seq,
            env_steps=20 * seq,
            seconds=seq / 2,
            values={
                "tool_reliability": 0.5,
                "tool_reliability_low": 0.4,
                "success": None,
                "kl": 0.1,
            },
        )
        for seq in range(first, first + count)
    )
    run.last_seq = first + count - 1
    run.save(update_fields=["last_seq"])


def add_episode(run: Run, seq: int = 1, **more: Any) -> Episode:
    """A sampled episode of two steps."""
    from training.models import Episode

    values: dict[str, Any] = {
        "task_id": "echo/train/medium/1", "kind": "shout", "success": True, "total_reward": 0.45,
        "reason": "periodic", "opening": "please shout <pine>", "steps": STEPS, "episodes_done": 10 * seq,
    } | more  # fmt: skip
    return Episode.objects.create(run=run, seq=seq, **values)


def change(run: Run, **values: Any) -> Run:
    """Set columns of a run, whatever its state."""
    from training.models import Run

    Run.objects.filter(pk=run.pk).update(**values)
    run.refresh_from_db()
    return run
