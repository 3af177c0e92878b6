"""`agentgym list`, `info` and `evaluate` on a registry with something in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from agentgym_site.cli.app import app
from agentgym_site.cli.site import find_owner, owner
from models_registry.artifacts.bundle import save_bundle
from models_registry.policies.architecture import initial_weights
from models_registry.services import register_version
from scenarios.library import library
from scenarios.models import Scenario
from training import services
from training.rl.config import parse_config

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from typer.testing import Result

    from models_registry.models import Version


def manifest() -> dict[str, Any]:
    """Of an untrained `echo` bundle."""
    scenario = library.get("echo")()
    return {
        "scenario": "echo",
        "tools": [tool.as_json() for tool in scenario.tools],
        "config": parse_config({"scenario": "echo"}).as_json(),
    }


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AGENTGYM_ROLE": "cli",
        "LOG_LEVEL": "WARNING",
        "OMP_NUM_THREADS": "1",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def version(alice: User) -> Version:
    """An untrained version of alice's, with evidence."""
    rate = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 10}
    return register_version(
        owner=alice,
        name="talker",
        scenario=Scenario.objects.get(key="echo"),
        weights=initial_weights(0),
        manifest=manifest(),
        evidence={"agents": {"trained": {"tool_reliability": rate, "success": rate}}},
    )


def agentgym(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def read(*arguments: str) -> Any:
    done = agentgym(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_an_empty_installation_lists_its_scenarios(db: None) -> None:
    done = agentgym("list")
    assert done.exit_code == 0, done.output
    assert "customer_support" in done.stdout
    assert done.stdout.count("none yet") == 2


def test_runs_and_models_are_listed_newest_first(alice: User, version: Version) -> None:
    runs = [
        services.create_run(owner=alice, values={"scenario": "echo", "seed": n}) for n in (1, 2)
    ]
    found = read("list")
    assert [run["id"] for run in found["runs"]] == [runs[1].pk, runs[0].pk]
    assert found["runs"][0]["status"] == "queued"
    assert found["models"][0]["name"] == "talker:1"
    assert found["models"][0]["tool_reliability"] == 0.5
    assert len(read("list", "runs", "--limit", "1")["runs"]) == 1
    assert set(read("list", "models")) == {"models"}


def test_details_hold_what_a_table_has_no_room_for(alice: User, version: Version) -> None:
    services.create_run(owner=alice, values={"scenario": "echo", "seed": 7})
    found = read("list", "--detailed")
    assert found["runs"][0]["config"]["seed"] == 7
    assert found["runs"][0]["owner"] == "alice"
    assert found["models"][0]["sha256"] == version.sha256
    assert Path(found["models"][0]["directory"]) == version.path
    echo = next(s for s in found["scenarios"] if s["key"] == "echo")
    assert echo["tool_names"] == ["whisper", "shout"]
    text = agentgym("list", "--detailed").stdout
    assert str(version.path) in text
    assert "50.0 %" in text


def test_info_says_what_is_there_and_who_owns_runs(admin: User, version: Version) -> None:
    facts = read("info")
    assert facts["versions"]["torch"].startswith("2.")
    assert facts["servers"]["database"]["state"] == "running"
    assert facts["contents"]["versions"] == 1
    assert facts["contents"]["runs from here belong to"] == "admin"
    assert "torch" in agentgym("info").stdout


def test_without_a_superuser_a_local_account_owns_what_is_made(alice: User) -> None:
    assert find_owner() is None
    assert "made when needed" in read("info")["contents"]["runs from here belong to"]
    made = owner()
    assert made.get_username() == "cli"
    assert owner() == made


@pytest.mark.parametrize("name", ["id", "talker:1", "talker"])
def test_a_version_is_found_by_id_and_by_name(version: Version, name: str) -> None:
    text = str(version.pk) if name == "id" else name
    done = agentgym("evaluate", text, "--episodes", "4", "--attempts", "2")
    assert done.exit_code == 0, done.output
    assert "talker:1" in done.stdout
    assert "2 test tasks, 2 attempts each" in done.stdout
    assert "Oracle" in done.stdout


def test_a_bundle_is_evaluated_from_its_folder(tmp_path: Path) -> None:
    save_bundle(tmp_path / "bundle", initial_weights(1), manifest())
    arguments = ("evaluate", str(tmp_path / "bundle"), "--split", "validation", "--episodes", "10")
    done = agentgym(*arguments, "--attempts", "1", "--json")
    assert done.exit_code == 0, done.output
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert said[0]["type"] == "progress"
    assert said[-1]["evidence"]["split"] == "validation"
    assert said[-1]["evidence"]["tasks"] == 10


def test_a_damaged_bundle_is_refused(tmp_path: Path) -> None:
    save_bundle(tmp_path / "bundle", initial_weights(1), manifest())
    (tmp_path / "bundle" / "policy.safetensors").write_bytes(b"other")
    done = agentgym("evaluate", str(tmp_path / "bundle"))
    assert done.exit_code == 2
    assert "sha256" in done.stderr


@pytest.mark.parametrize("name", ["99", "9" * 30, "nobody", "nobody:1", "talker:9", "a\0b"])
def test_an_unknown_version_names_the_ones_that_exist(version: Version, name: str) -> None:
    done = agentgym("evaluate", name)
    assert done.exit_code == 2
    assert f"talker:1 (id {version.pk})" in done.stderr


def test_a_run_that_a_worker_took_is_followed_to_its_end(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agentgym_site.cli.train import _execute
    from agentgym_site.cli.watching import PlainLines
    from training import first_run, runner

    run = services.create_run(owner=alice, values={"scenario": "echo"})
    assert services.claim(run.pk, lease_owner="a worker") is not None
    followed = []
    monkeypatch.setattr(runner, "execute", lambda *_, **__: None)
    monkeypatch.setattr(first_run, "follow", lambda pk, echo: followed.append(pk))
    _execute(run, PlainLines(0.95))
    assert followed == [run.pk]
