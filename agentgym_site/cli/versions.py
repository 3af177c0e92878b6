"""Which trained version is meant: a bundle's folder, an id, `name:number`, or `name` for the newest of that name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agentgym_site.cli.exits import USAGE, CommandError
from agentgym_site.cli.site import open_site

if TYPE_CHECKING:
    from models_registry.models import Version


def bundle_directory(text: str) -> tuple[Path, str]:
    """The folder of the version's bundle, and what to call it. Raises `CommandError` with the fix.

    A folder needs no database; everything else is looked up in the registry.
    """
    path = Path(text).expanduser()
    if (path / "manifest.json").is_file():
        return path, str(path)
    if path.is_dir():
        raise CommandError(f"{path} is a folder, but holds no bundle (no manifest.json).", USAGE)
    if "/" in text and not path.exists():
        raise CommandError(f"There is no folder {path}.", USAGE)
    open_site()
    version = _registered(text)
    return version.path, f"{version.model.name}:{version.number} (version {version.pk})"


def provide_scenario(directory: Path) -> None:
    """Let this process find the scenario that a bundle was trained on, as it was then: a brought one lies in the database."""
    from models_registry.artifacts.bundle import load_bundle  # noqa: PLC0415
    from scenarios.library import library  # noqa: PLC0415

    manifest = load_bundle(directory).manifest
    if manifest.get("scenario") not in library.keys():  # noqa: SIM118 (a registry is no mapping)
        open_site()
        from scenarios.services import provide  # noqa: PLC0415

        provide(str(manifest.get("scenario")), str(manifest.get("scenario_hash")))


def newest(scenario: str) -> Version | None:
    """The newest registered version for a scenario. Call `open_site` first."""
    from models_registry.models import Version  # noqa: PLC0415

    kept = Version.objects.filter(deleted_at=None, model__scenario__key=scenario)
    return kept.select_related("model").order_by("-created_at", "-pk").first()


def _registered(text: str) -> Version:
    from models_registry.models import Version  # noqa: PLC0415

    kept = (
        Version.objects.filter(deleted_at=None)
        .select_related("model")
        .order_by("-created_at", "-pk")
    )
    name, colon, number = text.rpartition(":")
    if text.isdecimal():
        found = kept.filter(pk=int(text)).first() if len(text) < 19 else None
    elif colon and number.isdecimal() and len(number) < 10:
        found = kept.filter(model__name=name, number=int(number)).first()
    else:
        found = kept.filter(model__name=text).first() if "\0" not in text else None
    if found is None:
        names = [f"{v.model.name}:{v.number} (id {v.pk})" for v in kept[:5]]
        there = (
            f"The newest are: {', '.join(names)}." if names else "There are none yet; train one."
        )
        raise CommandError(f"There is no version {text!r}. {there}", USAGE)
    return found
