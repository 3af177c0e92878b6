"""What a run left behind: evidence, and sampled episodes with their transcripts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from scenarios.core.tasks import FailureKind
from scenarios.core.types import DECISION_KINDS
from scenarios.pages import UserRequest, page_of, render_page
from scenarios.playing import human_score
from training.evidence_page import evidence_context
from training.models import Episode, Run

OUTCOMES = {"success": True, "failed": False}
ENDINGS = frozenset(DECISION_KINDS) - {"tool"}
LONGEST = 200
"""Characters of a name that are looked for."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong decision to look for: its kind, what was due, what was called; '' stands for any."""

    failure: str = ""
    due: str = ""
    called: str = ""

    def __bool__(self) -> bool:
        return bool(self.failure or self.due or self.called)

    @classmethod
    def of(cls, request: UserRequest) -> Mistake:
        """From the query; NUL bytes, which PostgreSQL refuses, are left out."""
        names = ("failure", "due", "called")
        return cls(*(request.GET.get(name, "").replace("\0", "")[:LONGEST] for name in names))

    def pattern(self) -> dict[str, Any]:
        """What a step must contain (`StepRecord` as JSON)."""
        found: dict[str, Any] = {"right": False}
        if self.failure:
            found["failure"] = self.failure
        if self.due:
            found["due"] = self.due
        if self.called in ENDINGS:
            found["decision"] = {"kind": self.called}
        elif self.called:
            found["decision"] = {"call": {"name": self.called}}
        return found


@login_required
@require_safe
def run_evidence(request: UserRequest, pk: int) -> HttpResponse:
    """The verdict on held-out tasks, beside the baselines."""
    run = _run(request, pk)
    context: dict[str, Any] = {"run": run}
    if run.evidence:
        score = human_score(run.scenario, run.scenario_hash, run.difficulty)
        context |= evidence_context(run.evidence, score)
    return render(request, "training/run_evidence.html", context)


@login_required
@require_safe
def episode_list(request: UserRequest, pk: int) -> HttpResponse:
    """Sampled episodes, filtered by outcome, by why they were kept, and by a mistake that they show."""
    run = _run(request, pk)
    episodes = Episode.objects.visible_to(request.user).filter(run=run)
    outcome, reason = request.GET.get("outcome", ""), request.GET.get("reason", "")
    chosen = episodes.defer("steps").order_by("-seq")
    if outcome in OUTCOMES:
        chosen = chosen.filter(success=OUTCOMES[outcome])
    if reason:
        chosen = chosen.filter(reason=reason.replace("\0", "")[:50])
    mistake = Mistake.of(request)
    if mistake:
        chosen = chosen.filter(steps__contains=[mistake.pattern()])
    counts = episodes.order_by("reason").values_list("reason").annotate(count=Count("pk"))
    context = {
        "run": run,
        "page": page_of(request, chosen),
        "outcome": outcome,
        "reason": reason,
        "reasons": list(counts),
        "mistake": mistake,
        "failures": get_args(FailureKind),
    }
    return render_page(
        request, "training/episode_list.html", "training/_episode_table.html", context
    )


@login_required
@require_safe
def episode_detail(request: UserRequest, pk: int, seq: int) -> HttpResponse:
    """One episode as a conversation."""
    run = _run(request, pk)
    episodes = Episode.objects.visible_to(request.user).filter(run=run)
    context = {
        "run": run,
        "episode": get_object_or_404(episodes, seq=seq),
        "previous": episodes.filter(seq__lt=seq)
        .order_by("-seq")
        .values_list("seq", flat=True)
        .first(),
        "next": episodes.filter(seq__gt=seq).order_by("seq").values_list("seq", flat=True).first(),
    }
    return render(request, "training/episode_detail.html", context)


def _run(request: UserRequest, pk: int) -> Run:
    rows = Run.objects.visible_to(request.user).select_related("scenario", "owner", "version")
    big = ("scenario__card", "scenario__description", "version__manifest", "version__evidence")
    return get_object_or_404(rows.defer(*big), pk=pk)
