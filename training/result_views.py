"""What a run left behind: evidence, and sampled episodes with their transcripts."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from scenarios.pages import UserRequest, page_of, render_page
from training.evidence_page import evidence_context
from training.models import Episode, Run

OUTCOMES = {"success": True, "failed": False}


@login_required
@require_safe
def run_evidence(request: UserRequest, pk: int) -> HttpResponse:
    """The verdict on held-out tasks, beside the baselines."""
    run = _run(request, pk)
    context: dict[str, Any] = {"run": run}
    if run.evidence:
        context |= evidence_context(run.evidence)
    return render(request, "training/run_evidence.html", context)


@login_required
@require_safe
def episode_list(request: UserRequest, pk: int) -> HttpResponse:
    """Sampled episodes, filtered by outcome and by why they were kept."""
    run = _run(request, pk)
    episodes = Episode.objects.visible_to(request.user).filter(run=run)
    outcome, reason = request.GET.get("outcome", ""), request.GET.get("reason", "")
    chosen = episodes.defer("steps").order_by("-seq")
    if outcome in OUTCOMES:
        chosen = chosen.filter(success=OUTCOMES[outcome])
    if reason:
        chosen = chosen.filter(reason=reason.replace("\0", "")[:50])
    counts = episodes.order_by("reason").values_list("reason").annotate(count=Count("pk"))
    context = {
        "run": run,
        "page": page_of(request, chosen),
        "outcome": outcome,
        "reason": reason,
        "reasons": list(counts),
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
