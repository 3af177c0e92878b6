"""The Celery app. Messages are wake-up calls; the rows in PostgreSQL say what is to be done."""

from __future__ import annotations

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init

from agentgym_site.private_services import ServiceError, prepare_environment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentgym_site.settings")

app = Celery("agentgym")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(related_name="studies_tasks")


@celeryd_init.connect
@beat_init.connect
def _start_services(**_: Any) -> None:
    """A worker or beat started by hand brings the private servers up, like `make run` does."""
    try:
        prepare_environment()
    except ServiceError as error:
        sys.exit(str(error))
