"""Pages that steer a run: stop, pause, resume, change settings, branch."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from scenarios.pages import UserRequest, wants_fragment
from training import services, tasks
from training.models import Run
from training.rl.config import ConfigError
from training.steering_forms import BranchForm, ChangeForm, waiting_words
from training.views import run_of

_SENTENCES = {
    Run.Status.STOPPED: "Run {} was stopped{}.",
    Run.Status.STOPPING: "Run {} is stopping. What it has learned so far is kept.",
    Run.Status.PAUSING: "Run {} pauses at its next update, with a checkpoint.",
    Run.Status.PAUSED: "Run {} is paused.",
    Run.Status.QUEUED: "Run {} goes on as soon as a worker is free.",
    Run.Status.RUNNING: "Run {} goes on.",
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def run_stop(request: UserRequest, pk: int) -> HttpResponse:
    """Asks before it stops a run (the live page asks in a dialog instead)."""
    if request.method != "POST":
        return render(request, "training/run_stop.html", {"run": run_of(request, pk)})
    return _ask(request, pk, services.request_stop)


@login_required
@require_POST
def run_pause(request: UserRequest, pk: int) -> HttpResponse:
    """Pauses a run."""
    return _ask(request, pk, services.request_pause)


@login_required
@require_POST
def run_resume(request: UserRequest, pk: int) -> HttpResponse:
    """Lets a paused run go on."""
    return _ask(request, pk, services.request_resume)


def _ask(request: UserRequest, pk: int, ask: Callable[..., Run]) -> HttpResponse:
    run = run_of(request, pk)
    try:
        run = ask(run=run, actor=request.user)
    except services.InvalidTransition as problem:
        messages.error(request, str(problem))
    else:
        if run.status == Run.Status.QUEUED:
            tasks.launch(run)
        early = "" if run.attempt else " before it started"
        messages.success(request, _SENTENCES[Run.Status(run.status)].format(run.pk, early))
    return redirect("training:run-detail", pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def run_change(request: UserRequest, pk: int) -> HttpResponse:
    """The form that changes settings of a run that goes on; inside the live page, it is answered by itself."""
    run = run_of(request, pk)
    form, said = ChangeForm(run, request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            services.request_change(run=run, actor=request.user, values=form.cleaned_data)
        except ConfigError as problem:
            form.add_config_errors(problem)
        except services.InvalidTransition as problem:
            form.add_error(None, str(problem))
        else:
            said = "This takes effect at the next update."
            if not wants_fragment(request):
                messages.success(request, said)
                return redirect("training:run-detail", pk)
            form = ChangeForm(run)
    name = "_change.html" if wants_fragment(request) else "run_change.html"
    context = {"run": run, "form": form, "said": said, "waiting": waiting_words(run)}
    return render(request, f"training/{name}", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def run_branch(request: UserRequest, pk: int) -> HttpResponse:
    """A new run from one of this run's checkpoints."""
    source = run_of(request, pk)
    form = BranchForm(source, request.POST or None)
    if request.method != "POST" and (wanted := request.GET.get("checkpoint", "")).isdecimal():
        form.fields["checkpoint"].initial = wanted[:18]
    if request.method == "POST" and form.is_valid():
        try:
            run = services.branch(owner=request.user, **form.cleaned_data)
        except ConfigError as problem:
            form.add_config_errors(problem)
        except services.InvalidTransition as problem:
            form.add_error(None, str(problem))
        else:
            tasks.launch(run)
            return redirect("training:run-detail", run.pk)
    context = {"run": source, "form": form}
    return render(request, "training/run_branch.html", context, status=422 if form.errors else 200)
