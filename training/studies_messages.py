"""Telling workers to look at a study. A message is a wake-up only; the beat looks at every study at work anyhow."""

from __future__ import annotations

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

TASK = "training.studies_tasks.advance_study"
SECONDS = 30


def tell_workers(study_id: int) -> None:
    """Send the message once the transaction is committed; by name, so that the web process does not load the task."""
    transaction.on_commit(lambda: _send(study_id))


def _send(study_id: int) -> None:
    try:
        current_app.send_task(TASK, args=[study_id], expires=SECONDS)
    except (OperationalError, OSError) as error:
        logger.info("Study %s is looked at later, Redis is away (%s)", study_id, error)
