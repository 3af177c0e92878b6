"""Built-in scenarios as rows."""

from __future__ import annotations

from typing import Any

import pytest

from scenarios import apps as signals
from scenarios import services
from scenarios.core.scenario import Scenario as ScenarioCode
from scenarios.library import library
from scenarios.models import Scenario

pytestmark = pytest.mark.django_db


def test_every_scenario_of_the_library_has_a_row_after_migration() -> None:
    rows = {row.key: row for row in Scenario.objects.all()}
    assert set(rows) == set(library.keys())
    echo = rows["echo"]
    assert (echo.title, echo.builtin) == ("Echo", True)
    assert echo.description.startswith(
        "The smallest scenario that can be learned.\n\nThe user names a word"
    )
    assert echo.content_hash == library.get("echo")().content_hash()
    assert [tool["name"] for tool in echo.tools] == ["whisper", "shout"]


def test_a_change_of_the_code_changes_the_row_and_not_its_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = Scenario.objects.get(key="echo")
    monkeypatch.setattr(library.get("echo"), "version", "2")
    services.sync_builtin_scenarios()
    after = Scenario.objects.get(key="echo")
    assert (after.pk, after.version) == (before.pk, "2")


def test_a_scenario_whose_code_is_gone_stays_but_is_not_built_in() -> None:
    Scenario.objects.create(key="old", title="Old", version="1", content_hash="0", builtin=True)
    services.sync_builtin_scenarios()
    assert not Scenario.objects.get(key="old").builtin
    assert Scenario.objects.get(key="echo").builtin


def test_without_its_table_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    class Empty:
        def get_model(self, *_: Any) -> None:
            raise LookupError

    monkeypatch.setattr(services, "library", None)
    signals.write_builtin_scenarios(apps=Empty())


def test_scenario_code_is_a_scenario() -> None:
    assert issubclass(library.get("echo"), ScenarioCode)
    assert str(Scenario.objects.get(key="echo")) == "Echo"
