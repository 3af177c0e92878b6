"""Celery's door to studies: look at one, or at all that are at work."""

from __future__ import annotations

from celery import shared_task

from training import tasks
from training.studies_models import Study
from training.studies_search import advance


@shared_task  # type: ignore[untyped-decorator]
def advance_study(study_id: int) -> None:
    """Take a study as far as it can go now, and tell workers about its new runs."""
    for run in advance(study_id):
        tasks.launch(run)


@shared_task  # type: ignore[untyped-decorator]
def wake_studies() -> None:
    """Look at every study at work: messages get lost."""
    for study_id in Study.objects.at_work().values_list("pk", flat=True):
        advance_study(study_id)
