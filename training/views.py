"""Pages of runs: home, list, start, live page."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from scenarios.models import Scenario
from scenarios.pages import UserRequest, page_of, render_page, wants_fragment
from training import budget, changes, listing, series, starting
from training.forms import StartForm, settings_table
from training.models import Run
from training.rl.config import ConfigError
from training.steering_forms import ChangeForm

RECENT = 6


@login_required
@never_cache
@require_safe
def home(request: UserRequest) -> HttpResponse:
    """What runs, what ran, what came out best. Polled by htmx while something runs."""
    runs = listing.rows(Run.objects.visible_to(request.user))
    active = list(runs.active()[:20])
    context: dict[str, Any] = {"active": active, "show_owner": request.user.is_staff}
    if not wants_fragment(request):
        context |= {
            "recent": list(runs.exclude(status__in=Run.ACTIVE)[:RECENT]),
            "best": listing.best_versions(request.user),
            "site": request.build_absolute_uri("/").rstrip("/"),
        }
    return render_page(request, "training/home.html", "training/_running_runs.html", context)


@login_required
@require_safe
def run_list(request: UserRequest) -> HttpResponse:
    """Runs, filtered, sorted and paged by the query string."""
    wish = listing.Wish.of(request.GET)
    visible = Run.objects.visible_to(request.user)
    page = page_of(request, listing.chosen(visible, wish))
    context = {
        "wish": wish,
        "page": page,
        "columns": listing.columns(wish),
        "statuses": Run.Status.choices,
        "scenarios": Scenario.objects.visible_to(request.user).values_list("key", "title"),
        "any_runs": bool(page.paginator.count) or (wish.is_narrow and visible.exists()),
        "show_owner": request.user.is_staff,
    }
    return render_page(request, "training/run_list.html", "training/_run_table.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def run_create(request: UserRequest) -> HttpResponse:
    """The start form. A form that is sent twice starts one run."""
    if request.method != "POST":
        form = StartForm(initial={**_wanted(request), "submission": uuid4().hex})
        return render(request, "training/run_form.html", {"form": form})
    form = StartForm(request.POST)
    if form.is_valid():
        try:
            run = starting.start_once(
                request, form.cleaned_data, request.POST.get("submission", "")
            )
        except ConfigError as problem:
            form.add_config_errors(problem)
        else:
            return redirect("training:run-detail", run.pk)
    return render(request, "training/run_form.html", {"form": form}, status=422)


def _wanted(request: UserRequest) -> dict[str, Any]:
    """What the form starts with: the settings of the run in `?from=`, or the scenario and difficulty asked for."""
    earlier = request.GET.get("from", "")
    if earlier.isascii() and earlier.isdigit() and len(earlier) < 19:
        runs = Run.objects.visible_to(request.user).filter(pk=int(earlier))
        if config := runs.values_list("config", flat=True).first():
            return dict(config)
    return {name: request.GET[name] for name in ("scenario", "difficulty") if name in request.GET}


@login_required
@never_cache
@require_safe
def run_detail(request: UserRequest, pk: int) -> HttpResponse:
    """The live page; everything on it comes from the database, so a reload loses nothing."""
    run = run_of(request, pk)
    context = {
        "run": run,
        **series.embedded_points(run),
        "settings": settings_table(changes.config_of(run)),
        "waiting": [changes.words(change) for change in changes.waiting(run)],
        "checkpoints": list(run.checkpoints.order_by("-update")),
        "budgets": budget.table(run),
        "change_form": ChangeForm(run) if run.can_change else None,
        "events": run.events.select_related("actor").order_by("-at", "-pk")[:30],
    }
    return render(request, "training/run_detail.html", context)


@login_required
@never_cache
@require_safe
def run_status(request: UserRequest, pk: int) -> HttpResponse:
    """The two live fragments, for browsers whose websocket does not come through."""
    context = {"run": run_of(request, pk)}
    part = request.GET.get("part", "status")
    if part not in ("status", "episode"):
        raise Http404("There is no such part.")
    name = "_run_status" if part == "status" else "_current_episode"
    return render(request, f"training/{name}.html", context)


@login_required
@never_cache
@require_safe
def run_points(request: UserRequest, pk: int) -> HttpResponse:
    """Metric points after `?since=SEQ`, as JSON."""
    run = get_object_or_404(
        Run.objects.visible_to(request.user).only(*listing.POINTS_FIELDS), pk=pk
    )
    since = request.GET.get("since", "0")
    if not (since.isascii() and since.isdigit() and len(since) <= 9):
        return JsonResponse({"since": ["must be a whole number of at least 0"]}, status=400)
    return JsonResponse(series.points_since(run, int(since)))


def run_of(request: UserRequest, pk: int) -> Run:
    """The run, if it may be seen; else 404, so that ids tell nothing."""
    rows = Run.objects.visible_to(request.user).defer("evidence")
    return get_object_or_404(rows.select_related("scenario", "owner", "version__model"), pk=pk)
