"""Studies in words and rows: for the terminal, for files, and for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from training import studies
from training.studies_models import Study, Trial
from training.templatetags.figures import seconds as short_seconds
from training.templatetags.figures import significant, usd
from training.tuning.objectives import OBJECTIVES, front

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def shown(value: float | None, objective: str) -> str:
    """An objective's value for people."""
    if value is None:
        return "-"
    unit = OBJECTIVES[objective].unit
    if unit == "share":
        return f"{100 * value:.1f} %"
    if unit == "seconds":
        return short_seconds(value)
    return usd(value) if unit == "usd" else f"{value:.4g}"


def params_words(params: Mapping[str, Any]) -> str:
    """Settings in one line."""
    return ", ".join(f"{name} {significant(value)}" for name, value in params.items()) or "as usual"


def trial_values(trial: Trial, objectives: Sequence[str]) -> dict[str, Any]:
    """A trial for programs."""
    source = trial.confirms
    values = dict(zip(objectives, trial.values, strict=True)) if trial.values else None
    links = list(trial.runs.all())
    return {
        "number": trial.number,
        "confirms": source.number if source is not None else None,
        "round": trial.round,
        "status": trial.status,
        "params": trial.params,
        "values": values,
        "looks": trial.looks,
        "runs": [link.run_id for link in links],
        "scores": [link.scores for link in links],
        "failure": trial.failure,
        "created_at": trial.created_at.isoformat(),
        "finished_at": trial.finished_at.isoformat() if trial.finished_at else None,
    }


def complete_values(study: Study) -> dict[int, list[float]]:
    """The values of the complete trials by number."""
    rows = study.trials.of_search().filter(status=Trial.Status.COMPLETE)
    return {
        int(number or 0): values or [] for number, values in rows.values_list("number", "values")
    }


def study_values(study: Study) -> dict[str, Any]:
    """A study for programs, without its trials."""
    counts = dict.fromkeys(Trial.Status.values, 0)
    for status in study.trials.of_search().values_list("status", flat=True):
        counts[status] += 1
    objectives = study.config.get("objectives", [])
    complete = complete_values(study)
    return {
        "study_id": study.pk,
        "name": study.name,
        "scenario": study.scenario.key,
        "status": study.status,
        "config": study.config,
        "trials": counts,
        "front": front(complete, objectives),
        "importance": study.importance,
        "verdict": study.verdict,
        "model_id": study.version_id,
        "failure": study.failure,
        "seconds": round(studies.seconds_used(study), 3),
        "work_seconds": round(studies.work_seconds(study), 3),
        "cost": round(studies.cost(study), 6),
        "history": study.history,
        "created_at": study.created_at.isoformat(),
        "finished_at": study.finished_at.isoformat() if study.finished_at else None,
    }


def as_document(study: Study) -> dict[str, Any]:
    """Everything about a study: what the JSON export holds."""
    rows = study.trials.select_related("confirms").prefetch_related("runs").order_by("pk")
    objectives = study.config.get("objectives", [])
    return {
        **study_values(study),
        "all_trials": [trial_values(trial, objectives) for trial in rows],
    }


def as_csv(study: Study) -> str:
    """The trials of the search, one line each."""
    plan = study.shown_plan
    names, objectives = list(plan.ranges.names), list(plan.objectives)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["trial", "status", *names, *objectives, "runs", "seconds", "failure"])
    rows = study.trials.of_search().prefetch_related("runs__run").order_by("number")
    for trial in rows:
        used = sum(link.run.used_seconds for link in trial.runs.all())
        runs = " ".join(str(link.run_id) for link in trial.runs.all())
        values = trial.values or [""] * len(objectives)
        cells = [trial.number, trial.status, *(trial.params.get(name, "") for name in names)]
        writer.writerow([_safe(cell) for cell in (*cells, *values, runs, round(used, 3), trial.failure)])  # fmt: skip
    return out.getvalue()


def _safe(cell: Any) -> Any:
    """Text that a spreadsheet will not take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def trial_line(trial: Trial, objectives: Sequence[str]) -> str:
    """A trial that is over, for the terminal."""
    if trial.is_search:
        name = f"trial {trial.number}"
    else:
        name = f"fresh seeds, trial {trial.confirms.number}" if trial.confirms else "fresh seeds, usual settings"  # fmt: skip
    if trial.values:
        found = ", ".join(
            f"{OBJECTIVES[key].label.lower()} {shown(value, key)}"
            for key, value in zip(objectives, trial.values, strict=True)
        )
    else:
        found = trial.status + (f" ({trial.failure})" if trial.failure else "")
    if trial.status == Trial.Status.PRUNED and trial.looks:
        found = (
            f"pruned at look {trial.looks[-1][0]}, at {shown(trial.looks[-1][1], objectives[0])}"
        )
    return f"{name}: {found}  [{params_words(trial.params)}]"


def ending_lines(study: Study) -> Iterator[str]:
    """How a study ended, and how much of its gain stayed."""
    if study.failure:
        yield f"{study} failed: {study.failure}"
    for objective, shares in study.importance.items():
        parts = ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items())
        yield f"What {OBJECTIVES[objective].label.lower()} depends on: {parts}"
    told = study.verdict
    if not told:
        return
    objectives = study.config["objectives"]
    yield f"Trained again on {len(told['seeds'])} fresh seeds; the test split had not been seen before:"
    for row in told["candidates"]:
        name = "usual settings" if row["trial"] is None else f"trial {row['trial']}"
        mark = "  <- winner, by validation" if row["trial"] == told["winner"] is not None else ""
        figures = "; ".join(_figures(row["objectives"][key], key) for key in objectives)
        yield f"  {name:<16} {figures}{mark}"
    for key, gain in told["gains"].items():
        yield gain_words(key, gain)
    difference = ((told.get("difference") or {}).get("success")) or {}
    if difference.get("low") is not None:
        yield (
            f"Success on the test split, winner less usual settings: {100 * difference['value']:+.1f} points "
            f"(95 % interval {100 * difference['low']:+.1f} to {100 * difference['high']:+.1f}, paired by task)."
        )


def _figures(found: Mapping[str, Any], key: str) -> str:
    parts = [("search", found["search"])] if found["search"] is not None else []
    parts += [(name, found[name]["mean"]) for name in ("validation", "test")]
    return f"{OBJECTIVES[key].label.lower()}: " + ", ".join(
        f"{name} {shown(value, key)}" for name, value in parts
    )


def _difference(value: float, key: str) -> str:
    return f"{100 * value:.1f} points" if OBJECTIVES[key].unit == "share" else shown(value, key)


def gain_words(key: str, gain: Mapping[str, float | None]) -> str:
    """One sentence on how much of a gain stayed."""
    label = OBJECTIVES[key].label
    promised, real, kept = gain["search"], gain["test"], gain["kept"]
    if promised is None or real is None:
        return f"{label}: the gain cannot be computed; a value is missing."
    if promised <= 0:
        return f"{label}: the search found nothing better than the usual settings."
    stayed = f"{100 * kept:.0f} % of it stayed" if kept is not None and kept > 0 else "nothing of it stayed"  # fmt: skip
    return (
        f"{label}: better by {_difference(promised, key)} in the search, "
        f"by {_difference(real, key)} on the test split: {stayed}."
    )
