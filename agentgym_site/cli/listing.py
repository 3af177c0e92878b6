"""`agentgym list`: scenarios, runs and models, as tables or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from agentgym_site.cli.exits import USAGE, CommandError
from agentgym_site.cli.site import open_site
from agentgym_site.cli.tables import Column, print_table
from agentgym_site.cli.watching import number
from training.report import percent

Row = dict[str, Any]


def show(what: str, *, detailed: bool, limit: int, as_json: bool) -> None:
    """Print one section, or all of them. Raises `CommandError` for an unknown section."""
    if what and what not in SECTIONS:
        raise CommandError(
            f"There is no section {what!r}; choose one of: {', '.join(SECTIONS)}.", USAGE
        )
    open_site()
    wanted = [what] if what else list(SECTIONS)
    rows = {name: SECTIONS[name][0](detailed, limit) for name in wanted}
    if as_json:
        sys.stdout.write(json.dumps(rows, allow_nan=False, default=str) + "\n")
        return
    for name in wanted:
        _, columns, more = SECTIONS[name]
        print_table(name.capitalize(), columns + (more if detailed else []), rows[name])


def _scenarios(detailed: bool, limit: int) -> list[Row]:
    from scenarios.models import Scenario  # noqa: PLC0415

    rows = []
    for s in Scenario.objects.order_by("key"):
        criteria = s.card.get("criteria", {})
        row: Row = {
            "key": s.key,
            "title": s.title,
            "tools": len(s.card.get("tools", ())),
            "target": criteria.get("tool_reliability"),
            "version": s.version,
        }
        if detailed:
            row |= {
                "tool_names": [tool["name"] for tool in s.card.get("tools", ())],
                "cost_reduction": criteria.get("cost_reduction"),
                "response_seconds": criteria.get("response_seconds"),
                "content_hash": s.content_hash,
                "description": s.description,
            }
        rows.append(row)
    return rows


def _runs(detailed: bool, limit: int) -> list[Row]:
    from training.models import Run  # noqa: PLC0415

    rows = []
    for run in Run.objects.select_related("scenario", "owner").order_by("-pk")[:limit]:
        row: Row = {
            "id": run.pk,
            "scenario": run.scenario.key,
            "difficulty": run.difficulty,
            "status": run.status,
            "episodes": run.episodes_done,
            "total_episodes": run.total_episodes,
            "tool_reliability": _reliability(run.evidence)
            or run.latest_metrics.get("tool_reliability"),
            "held_out": run.evidence is not None,
            "version": run.version_id,
            "created_at": run.created_at.isoformat(timespec="seconds"),
        }
        if detailed:
            row |= {
                "owner": run.owner.get_username(),
                "algorithm": run.algorithm,
                "seed": run.config.get("seed"),
                "train_seconds": run.train_seconds,
                "env_steps": run.env_steps,
                "config": run.config,
                "failure": run.failure or None,
                "stop_reason": run.stop_reason or None,
            }
        rows.append(row)
    return rows


def _models(detailed: bool, limit: int) -> list[Row]:
    from models_registry.models import Version  # noqa: PLC0415

    kept = Version.objects.filter(deleted_at=None).select_related("model__scenario", "model__owner")
    rows = []
    for version in kept.order_by("-created_at", "-pk")[:limit]:
        row: Row = {
            "id": version.pk,
            "name": f"{version.model.name}:{version.number}",
            "scenario": version.model.scenario.key,
            "tool_reliability": _reliability(version.evidence),
            "success": _trained(version.evidence, "success"),
            "kilobytes": round(version.size_bytes / 1024, 1),
            "created_at": version.created_at.isoformat(timespec="seconds"),
        }
        if detailed:
            row |= {
                "owner": version.model.owner.get_username(),
                "stopped": version.is_partial,
                "sha256": version.sha256,
                "directory": str(version.path),
                "config": version.manifest.get("config"),
            }
        rows.append(row)
    return rows


def _reliability(evidence: dict[str, Any] | None) -> float | None:
    return _trained(evidence, "tool_reliability")


def _trained(evidence: dict[str, Any] | None, what: str) -> float | None:
    rate = ((evidence or {}).get("agents", {}).get("trained") or {}).get(what) or {}
    value: float | None = rate.get("value")
    return value


def _learned(row: Row) -> str:
    value = percent(row["tool_reliability"])
    return value if row["held_out"] or row["tool_reliability"] is None else f"{value} (training)"


_SCENARIO_COLUMNS = [
    Column("Scenario", lambda r: r["key"]),
    Column("Title", lambda r: r["title"]),
    Column("Tools", lambda r: r["tools"], right=True),
    Column("Target", lambda r: percent(r["target"]), right=True),
    Column("Version", lambda r: r["version"], right=True),
]
_RUN_COLUMNS = [
    Column("Run", lambda r: r["id"], right=True),
    Column("Scenario", lambda r: r["scenario"]),
    Column("Difficulty", lambda r: r["difficulty"]),
    Column("Status", lambda r: r["status"]),
    Column("Episodes", lambda r: f"{r['episodes']:,} of {r['total_episodes']:,}", right=True),
    Column("Reliability", _learned, right=True),
    Column("Version", lambda r: r["version"], right=True),
    Column("Created", lambda r: r["created_at"]),
]
_MODEL_COLUMNS = [
    Column("Version", lambda r: r["id"], right=True),
    Column("Name", lambda r: r["name"]),
    Column("Scenario", lambda r: r["scenario"]),
    Column("Reliability", lambda r: percent(r["tool_reliability"]), right=True),
    Column("Success", lambda r: percent(r["success"]), right=True),
    Column("KB", lambda r: number(r["kilobytes"], 0), right=True),
    Column("Created", lambda r: r["created_at"]),
]
_MORE_SCENARIO = [
    Column("Tool names", lambda r: ", ".join(r["tool_names"])),
    Column("Content", lambda r: r["content_hash"][:12]),
]
_MORE_RUN = [
    Column("Owner", lambda r: r["owner"]),
    Column("Algorithm", lambda r: r["algorithm"]),
    Column("Seed", lambda r: r["seed"], right=True),
    Column("Seconds", lambda r: number(r["train_seconds"], 0), right=True),
    Column("Steps", lambda r: number(r["env_steps"], 0), right=True),
    Column("Why it ended", lambda r: r["failure"] or r["stop_reason"]),
]
_MORE_MODEL = [
    Column("Owner", lambda r: r["owner"]),
    Column("Stopped early", lambda r: "yes" if r["stopped"] else "no"),
    Column("sha256", lambda r: r["sha256"][:12]),
    Column("Folder", lambda r: r["directory"]),
]

SECTIONS: dict[str, tuple[Callable[[bool, int], list[Row]], list[Column], list[Column]]] = {
    "scenarios": (_scenarios, _SCENARIO_COLUMNS, _MORE_SCENARIO),
    "runs": (_runs, _RUN_COLUMNS, _MORE_RUN),
    "models": (_models, _MODEL_COLUMNS, _MORE_MODEL),
}
