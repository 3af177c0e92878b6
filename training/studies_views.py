"""Pages of studies: the list, a new one, the live page, and what is asked of it there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from models_registry.services import RegistryError
from scenarios.pages import UserRequest, page_of, render_page, wants_fragment
from training import studies, tasks
from training.models import Run
from training.rl.config import ConfigError
from training.steering import InvalidTransition
from training.studies_forms import ExtendForm, StudyForm
from training.studies_messages import tell_workers
from training.studies_models import Study
from training.studies_page import digest, study_context, trial_rows
from training.studies_report import as_csv, as_document

_LIST = ("owner", "scenario")


@login_required
@require_safe
def study_list(request: UserRequest) -> HttpResponse:
    """Studies, newest first."""
    begun = Count("trials", filter=Q(trials__number__isnull=False))
    rows = Study.objects.visible_to(request.user).select_related(*_LIST)
    rows = rows.defer("verdict", "scenario__card", "scenario__description").annotate(begun=begun)
    rows = rows.order_by("-created_at", "-pk")
    context = {"page": page_of(request, rows), "show_owner": request.user.is_staff}
    return render(request, "training/study_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def study_create(request: UserRequest) -> HttpResponse:
    """The form of a new study."""
    if request.method != "POST":
        known = {name: request.GET[name] for name in ("scenario",) if name in request.GET}
        return render(request, "training/study_form.html", {"form": StudyForm(initial=known)})
    form = StudyForm(request.POST)
    if form.is_valid():
        try:
            name = form.data.get("name", "")
            study = studies.create_study(owner=request.user, values=form.cleaned_data, name=name)
        except ConfigError as problem:
            form.add_config_errors(problem)
        else:
            tell_workers(study.pk)
            return redirect("studies:detail", study.pk)
    return render(request, "training/study_form.html", {"form": form}, status=422)


@login_required
@never_cache
@require_safe
def study_detail(request: UserRequest, pk: int) -> HttpResponse:
    """The live page. htmx asks for it again with what it has seen; without news it is told so."""
    study = study_of(request, pk)
    seen = request.GET.get("seen") if wants_fragment(request) else None
    if seen and seen == digest(study, trial_rows(study)):
        return HttpResponse(status=204)
    context = study_context(study, request.GET)
    if not wants_fragment(request):
        context["extend_form"] = ExtendForm(study.config) if study.can_extend else None
    return render_page(request, "training/study_detail.html", "training/_study_live.html", context)


@login_required
@require_safe
def study_export(request: UserRequest, pk: int, kind: str) -> HttpResponse:
    """Everything as JSON, or the trials as CSV."""
    study = study_of(request, pk)
    if kind == "csv":
        answer = HttpResponse(as_csv(study), content_type="text/csv; charset=utf-8")
    elif kind == "json":
        answer = JsonResponse(as_document(study), json_dumps_params={"indent": 1})
    else:
        raise Http404("There is no such export.")
    answer["Content-Disposition"] = f'attachment; filename="study-{study.pk}.{kind}"'
    return answer


@login_required
@require_POST
def study_pause(request: UserRequest, pk: int) -> HttpResponse:
    """Pauses a study."""
    return _ask(request, pk, studies.request_pause, "pauses; its runs write checkpoints.")


@login_required
@require_POST
def study_resume(request: UserRequest, pk: int) -> HttpResponse:
    """Goes on with a paused study."""
    return _ask(request, pk, studies.request_resume, "goes on.")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def study_stop(request: UserRequest, pk: int) -> HttpResponse:
    """Asks before it stops a study."""
    if request.method != "POST":
        return render(request, "training/study_stop.html", {"study": study_of(request, pk)})
    return _ask(request, pk, studies.request_stop, "is being stopped.")


def _ask(request: UserRequest, pk: int, ask: Callable[..., Any], said: str) -> HttpResponse:
    study = study_of(request, pk)
    try:
        found = ask(study=study, actor=request.user)
    except InvalidTransition as problem:
        messages.error(request, str(problem))
    else:
        for run in found if isinstance(found, list) else ():
            if run.status == Run.Status.QUEUED:
                tasks.launch(run)
        tell_workers(study.pk)
        messages.success(request, f"{study} {said}")
    return redirect("studies:detail", pk)


@login_required
@require_POST
def study_extend(request: UserRequest, pk: int) -> HttpResponse:
    """Another total of trials, time or cost."""
    study = study_of(request, pk)
    form = ExtendForm(study.config, request.POST)
    try:
        changed = form.changed() if form.is_valid() else {}
        if changed:
            studies.extend(study=study, actor=request.user, values=changed)
    except ConfigError as problem:
        messages.error(request, "; ".join(f"{n}: {text}" for n, text in problem.errors.items()))
    except InvalidTransition as problem:
        messages.error(request, str(problem))
    else:
        if changed:
            tell_workers(study.pk)
        said = f"{study} goes by the new numbers." if changed else "Nothing would change."
        messages.success(request, said)
    return redirect("studies:detail", pk)


@login_required
@require_POST
def study_register(request: UserRequest, pk: int) -> HttpResponse:
    """Makes the winner, or another confirmed trial, a version of a model."""
    study, text = study_of(request, pk), request.POST.get("trial", "")
    trial = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
    try:
        version = studies.register(study=study, actor=request.user, trial=trial)
    except (InvalidTransition, RegistryError) as problem:
        messages.error(request, str(problem))
        return redirect("studies:detail", pk)
    messages.success(request, f"Registered as {version}.")
    return redirect("models_registry:detail", version.pk)


def study_of(request: UserRequest, pk: int) -> Study:
    """The study, if it may be seen; else 404, so that ids tell nothing."""
    rows = Study.objects.visible_to(request.user).select_related(
        "scenario", "owner", "version__model"
    )
    return get_object_or_404(rows, pk=pk)
