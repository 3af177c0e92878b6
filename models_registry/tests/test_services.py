"""Writes to the registry."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from models_registry import services
from models_registry.artifacts.bundle import load_bundle
from models_registry.models import ApiToken, Model, Price, Version
from scenarios.models import Scenario

MakeVersion = Callable[..., Version]


def test_versions_are_numbered_by_model_and_lie_on_disk(
    make_version: MakeVersion, bob: User
) -> None:
    first, second, other = make_version(), make_version(), make_version(owner=bob)
    assert [first.number, second.number, other.number] == [1, 2, 1]
    bundle = load_bundle(second.path)
    assert bundle.manifest["version"] == 2
    assert bundle.manifest["sha256"] == second.sha256 == second.manifest["sha256"]
    assert second.size_bytes > 0
    assert str(second) == "echo v2"
    assert second.path.is_relative_to(settings.MODELS_DIR)


def test_evidence_and_manifest_hold_no_nan(make_version: MakeVersion) -> None:
    version = make_version(
        evidence={"x": float("nan")}, manifest={"y": float("inf"), "z": "a\0b", "w": (1, {2.0})}
    )
    version.refresh_from_db()
    assert version.evidence == {"x": None}
    assert version.manifest["y"] is None
    assert version.manifest["z"] == "a\N{REPLACEMENT CHARACTER}b"
    assert version.manifest["w"] == [1, [2.0]]


def test_a_version_may_come_without_evidence(make_version: MakeVersion) -> None:
    assert make_version(evidence=None).evidence is None


def test_numpy_values_and_strange_objects_become_plain(make_version: MakeVersion) -> None:
    manifest = {"n": np.float32(0.5), "path": Path("/x"), "yes": True, 3: None}
    version = make_version(manifest=manifest)
    assert version.manifest["n"] == 0.5
    assert version.manifest["path"] == "/x"
    assert version.manifest["yes"] is True
    assert version.manifest["3"] is None


@pytest.mark.parametrize("name", ["", "   ", "a\0b", "x" * 101])
def test_a_bad_name_is_refused(make_version: MakeVersion, name: str) -> None:
    with pytest.raises(services.RegistryError, match="1 to 100 characters"):
        make_version(name=name)


def test_a_name_belongs_to_one_scenario(make_version: MakeVersion) -> None:
    make_version()
    other = Scenario.objects.create(key="other", title="Other", version="1", content_hash="0")
    with pytest.raises(services.RegistryError, match="another scenario"):
        make_version(scenario=other)


def test_a_full_disk_leaves_neither_row_nor_files(
    make_version: MakeVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object) -> str:
        path.mkdir(parents=True)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(services, "save_bundle", full)
    with pytest.raises(OSError, match="No space left"):
        make_version()
    assert not Version.objects.exists()
    assert not Model.objects.exists()
    assert not list(Path(settings.MODELS_DIR).glob("*/*"))


@pytest.mark.django_db(transaction=True)
def test_two_runs_that_end_at_once_get_two_numbers(make_version: MakeVersion) -> None:
    numbers: list[int] = []

    def register() -> None:
        numbers.append(make_version().number)
        connection.close()

    threads = [threading.Thread(target=register) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [1, 2, 3, 4]


def test_deleting_removes_the_files_and_keeps_the_row(
    make_version: MakeVersion,
    alice: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    version = make_version()
    with django_capture_on_commit_callbacks(execute=True):
        assert services.delete_version(version=version)
        assert version.path.exists()
    assert not version.path.exists()
    assert Version.objects.get().deleted_at is not None
    assert not Version.objects.visible_to(alice).exists()
    assert not services.delete_version(version=version)


def test_files_outside_the_models_folder_are_never_removed(
    make_version: MakeVersion, tmp_path: Path
) -> None:
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    version = make_version()
    for directory in ("../treasure", str(treasure), "", "."):
        version.directory = directory
        services.remove_files(version)
    assert treasure.exists()
    assert Path(settings.MODELS_DIR).exists()


def test_a_token_opens_until_it_is_revoked(alice: User) -> None:
    token, secret = services.create_token(owner=alice, name="laptop")
    assert secret.startswith("ag_")
    assert len(secret) >= 46
    assert secret not in str(list(ApiToken.objects.values()))
    assert services.find_token(secret) == token
    assert services.revoke_token(token=token)
    assert services.find_token(secret) is None
    assert not services.revoke_token(token=token)
    assert str(token) == f"laptop (ag_{token.prefix}…)"


def test_a_wrong_secret_with_the_right_prefix_opens_nothing(alice: User) -> None:
    _, secret = services.create_token(owner=alice, name="laptop")
    for wrong in (
        secret[:-1],
        secret + "x",
        secret[3:],
        "ag_",
        "",
        "ag_\0",
        secret[:12] + "A" * 34,
    ):
        assert services.find_token(wrong) is None


def test_a_token_of_a_disabled_account_opens_nothing(alice: User) -> None:
    _, secret = services.create_token(owner=alice, name="laptop")
    alice.is_active = False
    alice.save()
    assert services.find_token(secret) is None


def test_use_is_stamped_at_most_once_a_minute(alice: User) -> None:
    token, _ = services.create_token(owner=alice, name="laptop")
    services.note_token_use(token=token)
    token.refresh_from_db()
    first = token.last_used_at
    services.note_token_use(token=token)
    token.refresh_from_db()
    assert first is not None
    assert token.last_used_at == first


@pytest.mark.django_db
def test_one_price_is_the_reference() -> None:
    Price.objects.all().delete()
    assert services.reference_price() is None
    values = {"input_per_million": "0.15", "output_per_million": "0.60", "as_of": "2026-11-01"}
    Price.objects.create(model="small", is_reference=True, **values)
    assert services.reference_price() == {
        "model": "small",
        "input_per_million": 0.15,
        "output_per_million": 0.6,
        "currency": "USD",
        "as_of": "2026-11-01",
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        Price.objects.create(model="other", is_reference=True, **values)
    with pytest.raises(IntegrityError), transaction.atomic():
        Price.objects.create(model="free", **(values | {"input_per_million": "-1"}))
    assert str(Price.objects.get()) == "small"
