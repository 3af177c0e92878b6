"""How runs, steps and verdicts are shown: badges and plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import format_html

from training.models import Run
from training.templatetags.figures import duration, interval

register = template.Library()

_STATUS = {
    "queued": ("Queued", "hourglass-split"),
    "running": ("Running", "play-circle"),
    "pausing": ("Pausing", "pause-circle"),
    "paused": ("Paused", "pause-circle"),
    "stopping": ("Stopping", "stop-circle"),
    "stopped": ("Stopped", "stop-circle-fill"),
    "succeeded": ("Succeeded", "check-circle-fill"),
    "failed": ("Failed", "x-circle-fill"),
    # Of studies and trials only.
    "confirming": ("Confirming", "shield-check"),
    "complete": ("Complete", "check-circle-fill"),
    "pruned": ("Pruned", "slash-circle"),
}
_CONVERGENCE = {
    "starting": ("Too early to say", "hourglass-split", ""),
    "improving": ("Still improving", "arrow-up", "tag-info"),
    "plateau": ("No longer improving", "arrow-right", "tag-warn"),
    "unstable": ("Unstable", "exclamation-triangle-fill", "tag-bad"),
    "target_held": ("Target held", "bullseye", "tag-good"),
}
_REASONS = {
    "periodic": "Sampled on the way",
    "first_success": "First success",
    "best": "Best so far",
    "worst": "Worst so far",
    "last_failure": "Last failure",
    "evidence": "From the final test",
}
_ENDINGS = {"final": "final answer", "ask": "question to the user", "hand_over": "hand-over"}
_EVENTS = {
    "created": "Created",
    "started": "Started",
    "stop_requested": "Stop requested",
    "stopped": "Stopped",
    "finished": "Finished",
    "failed": "Failed",
    "requeued": "Queued again",
    "pause_requested": "Pause requested",
    "paused": "Paused",
    "resumed": "Resumed",
    "change_requested": "Change requested",
    "changed": "Settings changed",
    "branched": "Branched off",
    "checkpoint": "Checkpoint saved",
    "device": "Updates run on",
}


@register.inclusion_tag("partials/_badge.html")
def status_badge(status: str) -> dict[str, str]:
    """Icon, word and colour of a run's status."""
    word, icon = _STATUS.get(status, (status, "question-circle"))
    return {"word": word, "icon_name": icon, "css": f"status status-{status}"}


@register.inclusion_tag("partials/_badge.html")
def convergence_badge(state: str) -> dict[str, str]:
    """Where the learning stands, in plain words."""
    word, icon, css = _CONVERGENCE.get(state, _CONVERGENCE["starting"])
    return {"word": word, "icon_name": icon, "css": f"tag {css}"}


@register.inclusion_tag("partials/_badge.html")
def outcome_badge(success: bool) -> dict[str, str]:
    """Whether an episode reached its goal."""
    if success:
        return {"word": "Success", "icon_name": "check-circle-fill", "css": "tag tag-good"}
    return {"word": "Failed", "icon_name": "x-circle-fill", "css": "tag tag-bad"}


@register.filter
def sample_reason(key: str) -> str:
    """Why an episode was kept."""
    return _REASONS.get(key) or key.replace("_", " ").capitalize()


@register.filter
def event_words(kind: str) -> str:
    """What happened to a run."""
    return _EVENTS.get(kind) or kind.replace("_", " ").capitalize()


@register.filter
def decision_words(decision: Any) -> str:
    """What an agent decided: the tool's name, or the kind of ending."""
    if not isinstance(decision, Mapping):
        return ""
    call = decision.get("call")
    if isinstance(call, Mapping):
        return str(call.get("name", ""))
    kinds = {"final": "Final answer", "ask": "Asks the user", "hand_over": "Hands over to a person"}
    return kinds.get(str(decision.get("kind")), str(decision.get("kind", "")))


@register.simple_tag
def label_words(label: str) -> str:
    """A decision in a sentence: a tool's name as code, an ending in words."""
    words = _ENDINGS.get(label)
    return format_html("<code>{}</code>", label) if words is None else words


@register.simple_tag
def run_sentence(run: Run) -> str:
    """Where a run stands, in one sentence: also what a screen reader hears."""
    if run.status == Run.Status.QUEUED:
        return "Waiting for a free worker; it starts by itself."
    if run.status == Run.Status.STOPPING:
        return "Stopping; what it has learned is being kept."
    if run.status == Run.Status.PAUSING:
        return "Pausing; a checkpoint is written at the next update."
    if run.status == Run.Status.PAUSED:
        return f"Paused after {run.episodes_done:,} of {run.total_episodes:,} episodes."
    if not run.is_active:
        return _end_sentence(run)
    if run.phase == "evidence":
        return f"Training is done. The final test on held-out tasks is {run.percent} % done."
    sentence = f"{run.episodes_done:,} of {run.total_episodes:,} episodes ({run.percent} %)"
    left = run.seconds_left
    return f"{sentence}, about {duration(left)} left." if left is not None else f"{sentence}."


def _end_sentence(run: Run) -> str:
    took = ""
    if run.started_at and run.finished_at:
        took = f" after {duration((run.finished_at - run.started_at).total_seconds())}"
    return f"{run.get_status_display()}{took}, {run.episodes_done:,} episodes trained."


@register.simple_tag
def interval_of(metrics: Mapping[str, Any], name: str) -> str:
    """The 95 % interval of a metric that has one."""
    return interval({"low": metrics.get(f"{name}_low"), "high": metrics.get(f"{name}_high")})
