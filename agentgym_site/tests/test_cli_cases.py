"""`agentgym evaluate BUNDLE --cases FILE`: a bundle's folder needs no database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agentgym_site.cli.app import app
from models_registry.artifacts.bundle import save_bundle
from models_registry.policies.architecture import initial_weights

ROWS: tuple[dict[str, Any], ...] = (
    {"messages": [{"role": "user", "content": "Find A-1"}], "expected": {"name": "find", "arguments": {"id": "A-1"}}},
    {"messages": [{"role": "user", "content": "Sing"}], "expected": None},
    {"messages": []},
)  # fmt: skip


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    schema = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
    tool = {"name": "find", "description": "Find.", "parameters": schema}
    save_bundle(tmp_path / "bundle", initial_weights(0), {"tools": [tool]})
    return tmp_path / "bundle"


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    return path


def test_the_report_is_json_for_programs(bundle: Path, cases: Path) -> None:
    done = CliRunner().invoke(app, ["evaluate", str(bundle), "--cases", str(cases), "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["type"], report["cases"]) == ("result", 2)
    assert report["refused"] == [
        {"row": 3, "why": "expected: is missing; give a call, null, final, ask or hand_over"}
    ]
    assert report["tool_accuracy"]["n"] == 1


def test_the_report_is_text_for_people(bundle: Path, cases: Path) -> None:
    done = CliRunner().invoke(app, ["evaluate", str(bundle), "--cases", str(cases)])
    assert done.exit_code == 0, done.output
    for line in (
        "Right tool and arguments",
        "n = 1",
        "By expected tool or decision",
        "row 3: expected: is missing",
    ):
        assert line in done.stdout


def test_a_file_without_a_case_ends_with_what_is_wrong(bundle: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("{}\n", encoding="utf-8")
    for path, why in ((empty, "no case that can be used"), (tmp_path / "none", "there is no file")):
        done = CliRunner().invoke(app, ["evaluate", str(bundle), "--cases", str(path)])
        assert done.exit_code == 2
        assert why in done.stderr
