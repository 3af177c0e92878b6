"""A study as its page shows it: where it stands, its trials, its charts, its honest ending."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import QueryDict

from training import studies, studies_charts
from training.models import Run
from training.rl.config import ConfigError
from training.studies_models import Study, Trial
from training.studies_report import gain_words, shown
from training.templatetags.figures import significant
from training.tuning.config import PRUNERS, SAMPLERS, StudyConfig
from training.tuning.objectives import OBJECTIVES, front, ranked

SHOWN_TRIALS = 25
SORTS = ("number", "value")


def study_context(study: Study, query: QueryDict) -> dict[str, Any]:
    """Everything that the live part of the page needs."""
    plan = study.shown_plan
    rows = trial_rows(study)
    complete = {row["number"]: row["values"] for row in rows if row["values"]}
    sort = query.get("sort", "number")
    return {
        "study": study,
        "plan": plan,
        "digest": digest(study, rows),
        "sort": sort if sort in SORTS else "number",
        "objectives": [OBJECTIVES[key] for key in plan.objectives],
        "counts": _counts(rows),
        "done_percent": round(
            100 * len([r for r in rows if r["status"] != "running"]) / plan.trials
        ),
        "best": _best(rows, complete, plan),
        "table": _table(rows, complete, plan, sort),
        "hidden": max(0, len(rows) - SHOWN_TRIALS),
        "names": [(name, studies_charts.label_of(name)) for name in plan.ranges.names],
        "charts": _charts(rows, plan),
        "importance": importance_rows(study),
        "ending": ending(study, plan),
        "used_seconds": studies.seconds_used(study),
        "work_seconds": studies.work_seconds(study),
        "cost": studies.cost(study),
        "sampler": SAMPLERS[plan.sampler][0],
        "pruner": PRUNERS[plan.pruner],
    }


def trial_rows(study: Study) -> list[dict[str, Any]]:
    """The trials of the search, in their order, as plain rows."""
    names = ("pk", "number", "params", "status", "values", "looks", "failure")
    # `values` is a column here, and would shadow the query's own method in keyword form.
    return list(study.trials.of_search().order_by("number").values(*names))


def digest(study: Study, rows: Sequence[Mapping[str, Any]]) -> str:
    """Changes whenever something on the page does, the clock apart."""
    seen = [study.status, study.importance, study.version_id, study.config, study.round,
            bool(study.verdict), [(row["number"], row["status"], len(row["looks"])) for row in rows]]  # fmt: skip
    confirming = Run.objects.filter(trial_run__trial__study=study, trial_run__trial__number=None)
    seen.append(sorted(confirming.values_list("pk", "status")))
    text = json.dumps(seen, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    found = dict.fromkeys(Trial.Status.values, 0)
    for row in rows:
        found[row["status"]] += 1
    return found


def _best(
    rows: Sequence[Mapping[str, Any]], complete: Mapping[int, Any], plan: StudyConfig
) -> dict[str, Any] | None:
    if not complete:
        return None
    number = ranked(complete, plan.objectives)[0]
    row = next(row for row in rows if row["number"] == number)
    key = plan.objectives[0]
    return {**row, "shown": shown(row["values"][0], key), "label": OBJECTIVES[key].label}


def _table(
    rows: Sequence[Mapping[str, Any]],
    complete: Mapping[int, Any],
    plan: StudyConfig,
    sort: str,
) -> list[dict[str, Any]]:
    """The newest trials first, or the best first; with their cells in the order of the columns."""
    on_front = set(front(complete, plan.objectives))
    order = list(reversed(rows))
    if sort == "value":
        places = {number: place for place, number in enumerate(ranked(complete, plan.objectives))}
        order.sort(key=lambda row: places.get(row["number"], len(places)))
    chosen = order[:SHOWN_TRIALS]
    runs = _runs({row["pk"] for row in chosen})
    return [
        {
            **row,
            "is_best": row["number"] in on_front,
            "cells": [significant(row["params"].get(name)) for name in plan.ranges.names],
            "figures": [
                shown(row["values"][place], key) if row["values"] else ""
                for place, key in enumerate(plan.objectives)
            ],
            "latest": _latest(row, plan),
            "runs": runs.get(row["pk"], []),
        }
        for row in chosen
    ]


def _latest(row: Mapping[str, Any], plan: StudyConfig) -> str:
    if row["values"] or not row["looks"]:
        return ""
    step, value = row["looks"][-1]
    looks = plan.reports * plan.seeds
    return f"{shown(value, plan.objectives[0])} at look {step:.0f} of {looks}"


def _runs(trials: set[int]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    rows = Run.objects.filter(trial_run__trial__in=trials).order_by("pk")
    for pk, trial, status in rows.values_list("pk", "trial_run__trial", "status"):
        found.setdefault(trial, []).append({"pk": pk, "status": status})
    return found


def _charts(rows: Sequence[Mapping[str, Any]], plan: StudyConfig) -> dict[str, Any]:
    space, keys = plan.ranges, plan.objectives
    return {
        "history": [p for i in range(len(keys)) if (p := studies_charts.history(rows, keys, i))],
        "looks": studies_charts.looks(rows, keys),
        "pareto": studies_charts.pareto(rows, keys),
        "parallel": studies_charts.parallel(rows, space, keys),
        "slices": studies_charts.slices(rows, space, keys),
    }


def importance_rows(study: Study) -> list[dict[str, Any]]:
    """Bars by objective."""
    return [
        {
            "label": OBJECTIVES[key].label,
            "bars": [
                {"label": studies_charts.label_of(name), "share": share, "percent": round(100 * share, 1)}
                for name, share in sorted(shares.items(), key=lambda pair: -pair[1])
            ],
        }
        for key, shares in study.importance.items()
        if key in OBJECTIVES
    ]  # fmt: skip


def ending(study: Study, plan: StudyConfig) -> dict[str, Any] | None:
    """The honest ending for people; None before there is one."""
    told = study.verdict
    if not told:
        return None
    return {
        **told,
        "rows": [_ending_row(row, told, plan) for row in told["candidates"]],
        "sentences": [gain_words(key, gain) for key, gain in told["gains"].items()],
        "difference": told.get("difference"),
    }


def _ending_row(
    row: Mapping[str, Any], told: Mapping[str, Any], plan: StudyConfig
) -> dict[str, Any]:
    return {
        "trial": row["trial"],
        "is_winner": row["trial"] is not None and row["trial"] == told["winner"],
        "params": row["params"],
        "cells": [
            {
                "label": OBJECTIVES[key].label,
                "search": shown(found["search"], key),
                "validation": shown(found["validation"]["mean"], key),
                "test": shown(found["test"]["mean"], key),
                "seeds": ", ".join(shown(value, key) for value in found["test"]["values"]),
            }
            for key in plan.objectives
            if (found := row["objectives"].get(key))
        ],
    }


def form_errors(problem: ConfigError) -> dict[str, list[str]]:
    """Messages by the form's field: those of single settings and dimensions belong to their text."""
    found: dict[str, list[str]] = {}
    for name, text in problem.errors.items():
        field, dot, part = name.partition(".")
        found.setdefault(field, []).append(f"{part}: {text}" if dot else text)
    return found
