"""What the linters cannot see: the shape of the whole house."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from agentgym_site.tests.processes import ROOT, evaluate

APPS = ("agentgym_site", "scenarios", "models_registry", "training")
PURE = (
    "scenarios.core",
    "scenarios.library",
    "models_registry.policies",
    "models_registry.artifacts",
    "models_registry.adapters",
    "training.rl",
    "training.tuning",
    "scenarios.sources",
)
HEAVY = (
    "torch",
    "langchain",
    "langchain_core",
    "langchain_classic",
    "autogen_agentchat",
    "autogen_core",
    "crewai",
    "gymnasium",
    "pettingzoo",
)
MOST_LINES, MOST_TEMPLATE_LINES = 400, 150


def _sources() -> Iterator[Path]:
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            if not {"migrations", "data"} & set(path.parts):
                yield path


def test_the_web_process_loads_no_learning_library() -> None:
    imports = (
        "import sys, agentgym_site.asgi\n"
        "from django.urls import get_resolver\n"
        "get_resolver().reverse_dict  # loads every view\n"
    )

    loaded = evaluate(
        f"[name for name in {HEAVY!r} if name in sys.modules]", dict(os.environ), imports
    )

    assert loaded == []


@pytest.mark.parametrize("package", PURE)
def test_pure_folders_run_without_django(package: str) -> None:
    imports = (
        "import sys, pkgutil, importlib\n"
        f"package = importlib.import_module({package!r})\n"
        f"for found in pkgutil.walk_packages(package.__path__, {package + '.'!r}):\n"
        "    if '.tests' not in found.name: importlib.import_module(found.name)\n"
    )
    if not (ROOT / package.replace(".", "/") / "__init__.py").exists():
        pytest.skip("not built yet")

    loaded = evaluate(
        "[n for n in ('django', 'celery', 'channels') if n in sys.modules]",
        dict(os.environ),
        imports,
    )

    assert loaded == []


def test_files_stay_readable() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path in _sources()
        if (lines := len(path.read_text().splitlines())) > MOST_LINES
    ]
    long += [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path in (ROOT / "templates").rglob("*.html")
        if (lines := len(path.read_text().splitlines())) > MOST_TEMPLATE_LINES
    ]

    assert not long, "split these by noun"


@pytest.mark.parametrize("name", settings.MIDDLEWARE)
def test_every_middleware_is_async_capable(name: str) -> None:
    assert import_string(name).async_capable


def test_every_page_forbids_foreign_scripts_and_frames() -> None:
    rules = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]

    assert rules["script-src"] == ["'self'"]
    assert rules["frame-ancestors"] == ["'none'"]
    assert not any("unsafe" in word for words in rules.values() for word in words)


def test_every_address_s_module_imports() -> None:
    for app in ("scenarios", "training", "models_registry"):
        for name in ("urls", "api_urls"):
            assert isinstance(importlib.import_module(f"{app}.{name}").urlpatterns, list)
