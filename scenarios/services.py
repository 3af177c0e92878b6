"""Writes to the catalogue of scenarios, and giving a process the documents that it needs."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from functools import lru_cache

from django.contrib.auth.models import User
from django.db import transaction

from scenarios.core.scenario import Scenario as ScenarioCode
from scenarios.core.types import Json
from scenarios.library import library
from scenarios.models import Document, Scenario
from scenarios.sources import catalogue
from scenarios.sources.base import SourceError, SourceScenario
from scenarios.sources.names import is_key


@transaction.atomic
def sync_builtin_scenarios() -> list[Scenario]:
    """Write every built-in scenario's row from its code; rows of others stay as they are.

    A built-in scenario whose code is gone keeps its row (runs point at it) but is no longer built in.
    """
    rows = [_write(key) for key in library.keys()]  # noqa: SIM118 (a registry is no mapping)
    gone = Scenario.objects.filter(builtin=True).exclude(pk__in=[row.pk for row in rows])
    gone.update(builtin=False)
    return rows


def _write(key: str) -> Scenario:
    scenario = library.get(key)()
    title, description = library.about(key)
    head, _, subtitle = title.partition(": ")
    subtitle = subtitle[:1].upper() + subtitle[1:]
    card = scenario.as_json()
    values = {
        "title": head,
        "description": "\n\n".join(
            part for part in (subtitle and f"{subtitle}.", description) if part
        ),
        "version": scenario.version,
        "content_hash": card["content_hash"],
        "card": card,
        "builtin": True,
    }
    row, _created = Scenario.objects.update_or_create(key=key, defaults=values)
    return row


class EditionGone(LookupError):
    """A built-in scenario is not kept as it was: its code has changed."""


class ScenarioTaken(ValueError):
    """The name belongs to a scenario that the caller may not change."""


@transaction.atomic
def save_scenario(
    *, owner: User, document: Mapping[str, Json], source: str = ""
) -> tuple[Scenario, bool]:
    """Bring a scenario into the catalogue, or a new edition of an own one; and whether it is new.

    source: the text that it was made from, for the editor. What earlier runs were trained on stays as it was. Raises
    `SourceError` with every mistake, `ScenarioTaken` for a name that is not the caller's.
    """
    scenario = catalogue.compiled(document)
    if not isinstance(scenario, SourceScenario) or not is_key(scenario.key):
        raise SourceError(["key: must be lower-case letters, digits, - and _"])
    if scenario.key in library.keys():  # noqa: SIM118 (a registry is no mapping)
        raise ScenarioTaken(f"{scenario.key!r} is a built-in scenario; choose another key.")
    row = Scenario.objects.select_for_update().filter(key=scenario.key).first()
    if row is not None and row.owner_id != owner.pk:
        raise ScenarioTaken(f"{scenario.key!r} belongs to somebody else; choose another key.")
    card = scenario.as_json()
    Document.objects.get_or_create(
        content_hash=card["content_hash"],
        defaults={"text": json.dumps(document, ensure_ascii=False)},
    )
    return Scenario.objects.update_or_create(
        key=scenario.key,
        defaults={
            "title": scenario.title,
            "description": scenario.description,
            "version": scenario.version,
            "content_hash": card["content_hash"],
            "card": card,
            "builtin": False,
            "owner": owner,
            "source": source,
        },
    )


@transaction.atomic
def delete_scenario(*, owner: User, key: str) -> None:
    """Take an own scenario out of the catalogue. Raises `Scenario.DoesNotExist`, or `ProtectedError` where runs need it."""
    Scenario.objects.get(key=key, owner=owner, builtin=False).delete()


def document_of(content_hash: str) -> dict[str, Json] | None:
    """The document of this hash; None where there is none, as for built-in scenarios."""
    kept = Document.objects.filter(content_hash=content_hash).values_list("text", flat=True).first()
    found: dict[str, Json] | None = json.loads(kept) if kept is not None else None
    return found


@lru_cache(maxsize=16)
def _compiled(content_hash: str) -> ScenarioCode | None:
    document = document_of(content_hash)
    return catalogue.compiled(document) if document is not None else None


def edition(row: Scenario, content_hash: str) -> ScenarioCode:
    """A scenario as it was when it had this hash, whatever other threads of this process look at.

    Raises `EditionGone` for a built-in one whose code has changed, `SourceError`, `UnknownKey`.
    """
    if (brought := _compiled(content_hash)) is not None:
        return brought
    if content_hash != row.content_hash:
        raise EditionGone(f"{row.title} has changed since then.")
    return catalogue.find(row.key)


def provide(key: str, content_hash: str) -> None:
    """Let this process find a brought scenario as it was when it had this hash; nothing to do for a built-in one.

    For processes that work on one run or version: a name leads to one edition at a time.
    """
    document = document_of(content_hash)
    if document is not None:
        catalogue.provide(key, document)


def nearest(key: str, user: User) -> str:
    """What to say about a name that is not in the catalogue."""
    known = list(Scenario.objects.visible_to(user).values_list("key", flat=True))
    close = difflib.get_close_matches(key, known, n=2, cutoff=0.4)
    hint = f"Did you mean {' or '.join(map(repr, close))}? " if close else ""
    return f"{key!r} is not in the catalogue. {hint}Known: {', '.join(known)}."
