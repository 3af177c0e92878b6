"""Writes to the registry: versions and API tokens. The only callers of `save()` outside the models."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from models_registry.artifacts.bundle import Weights, save_bundle
from models_registry.models import ApiToken, Model, Price, Usage, Version
from models_registry.plain_json import NUL, clean_json
from scenarios.models import Scenario

TOKEN_MARK = "ag_"  # noqa: S105 (a prefix, not a secret)
PREFIX_LENGTH = 8
MAX_NAME = 100
_MINUTE = timedelta(minutes=1)


class RegistryError(ValueError):
    """A write that the registry refuses; the message says why and what to do."""


def register_version(
    *,
    owner: User,
    name: str,
    scenario: Scenario,
    weights: Weights,
    manifest: Mapping[str, Any],
    evidence: Mapping[str, Any] | None,
) -> Version:
    """Write the bundle and its row as the next version of `name`, which is made where it is new.

    Atomic: without the row there are no files, and the other way round. Raises `RegistryError` for a bad name or a
    name that belongs to another scenario, `OSError` on a full disk.
    """
    name = _checked_name(name)
    with transaction.atomic():
        model = _locked_model(owner, name, scenario)
        last = model.versions.aggregate(last=Max("number"))["last"] or 0
        # The random part keeps a rolled-back or restored database from ever meeting older files.
        version = Version(
            model=model,
            number=last + 1,
            directory=f"{model.pk}/{last + 1}-{secrets.token_hex(4)}",
            manifest=clean_json({**manifest, "name": name, "version": last + 1}),
            evidence=clean_json(evidence) if evidence is not None else None,
        )
        try:
            version.sha256 = save_bundle(version.path, weights, version.manifest)
            version.manifest |= {"sha256": version.sha256}
            version.size_bytes = sum(file.stat().st_size for file in version.path.iterdir())
            version.save()
        except BaseException:
            remove_files(version)
            raise
    return version


def _locked_model(owner: User, name: str, scenario: Scenario) -> Model:
    """The model row, locked, so that two runs that end at once get two numbers."""
    Model.objects.get_or_create(owner=owner, name=name, defaults={"scenario": scenario})
    model = Model.objects.select_for_update(of=("self",)).get(owner=owner, name=name)
    if model.scenario_id != scenario.pk:
        raise RegistryError(f"{name!r} holds versions of another scenario; choose another name.")
    return model


def delete_version(*, version: Version) -> bool:
    """Take a version out of the registry and remove its files; its row stays, for the runs that made it.

    False where somebody else deleted it first.
    """
    with transaction.atomic():
        deleted = Version.objects.filter(pk=version.pk, deleted_at=None).update(deleted_at=Now())
        if deleted:
            transaction.on_commit(lambda: remove_files(version))
    return bool(deleted)


def remove_files(version: Version) -> None:
    """Remove a version's folder, if it lies where versions lie."""
    root = Path(settings.MODELS_DIR).resolve()
    target = version.path.resolve()
    if version.directory and root in target.parents:
        shutil.rmtree(target, ignore_errors=True)


def reference_price() -> dict[str, Any] | None:
    """The price that evidence compares with, in the shape of evidence's `prices`; None where none is marked."""
    price = Price.objects.filter(is_reference=True).first()
    return price.as_json() if price else None


def note_decision(*, version: Version) -> None:
    """Count a decision that the version made over HTTP."""
    _count(version, decided=1)


def note_forwarded(*, version: Version, **figures: int) -> None:
    """Count a request that went on to an LLM: prompt_tokens, completion_tokens, and in shadow shadowed and agreed."""
    _count(version, forwarded=1, **figures)


def _count(version: Version, **more: int) -> None:
    today = timezone.now().date()
    changes: dict[str, Any] = {name: F(name) + value for name, value in more.items()}
    if not Usage.objects.filter(version=version, day=today).update(**changes):
        Usage.objects.bulk_create([Usage(version=version, day=today)], ignore_conflicts=True)
        Usage.objects.filter(version=version, day=today).update(**changes)


def create_token(*, owner: User, name: str, version: Version | None = None) -> tuple[ApiToken, str]:
    """A new token and its secret, which is shown once and never stored. version: a key for its decisions only."""
    secret = TOKEN_MARK + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        owner=owner,
        name=_checked_name(name),
        version=version,
        prefix=_prefix(secret),
        digest=_digest(secret),
    )
    return token, secret


def revoke_token(*, token: ApiToken) -> bool:
    """End a token at once; False where it had been revoked before."""
    revoked = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=Now())
    return bool(revoked)


def find_token(secret: str) -> ApiToken | None:
    """The living token of an active account that this secret opens, or None."""
    if not secret.startswith(TOKEN_MARK) or NUL in secret:
        return None
    digest = _digest(secret)
    candidates = ApiToken.objects.filter(
        prefix=_prefix(secret), revoked_at=None, owner__is_active=True
    ).select_related("owner")
    return next((t for t in candidates if constant_time_compare(t.digest, digest)), None)


def note_token_use(*, token: ApiToken) -> None:
    """Stamp `last_used_at`, at most once a minute, so that reading does not turn into writing."""
    used = ApiToken.objects.filter(pk=token.pk)
    used.exclude(last_used_at__gt=Now() - _MINUTE).update(last_used_at=Now())


def _prefix(secret: str) -> str:
    return secret.removeprefix(TOKEN_MARK)[:PREFIX_LENGTH]


def _digest(secret: str) -> str:
    # A plain keyed hash is right here: the secret has 256 random bits, so there is nothing to guess slowly.
    return salted_hmac("agentgym.api-token", secret, algorithm="sha256").hexdigest()


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or NUL in name or len(name) > MAX_NAME:
        raise RegistryError(f"name: must be 1 to {MAX_NAME} characters of text.")
    return name
