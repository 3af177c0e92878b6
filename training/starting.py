"""Starting a run from a form: one form, one run, however often it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from scenarios.pages import UserRequest
from training import services, tasks
from training.models import Run

_KEPT = 20
_STARTED = "started_runs"


def start_once(request: UserRequest, values: Mapping[str, Any], submission: str) -> Run:
    """The run of this submission: a new one, or the one that an earlier click has started.

    The account's row is locked and the session is read afresh, so that two requests at the same moment, in whichever
    process, see each other. Raises `ConfigError`.
    """
    with transaction.atomic():
        User.objects.select_for_update(of=("self",)).get(pk=request.user.pk)
        store = import_module(settings.SESSION_ENGINE).SessionStore(request.session.session_key)
        started: dict[str, int] = store.get(_STARTED, {})
        if submission in started:
            earlier = Run.objects.visible_to(request.user).filter(pk=started[submission]).first()
            if earlier is not None:
                return earlier
        run = services.create_run(owner=request.user, values=values)
        tasks.launch(run)
        if submission:
            kept = dict(list(started.items())[-_KEPT + 1 :])
            store[_STARTED] = kept | {submission: run.pk}
            store.save()
    return run
