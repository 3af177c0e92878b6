"""Studies in real processes: through Celery's tasks, and from the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

from training import studies, studies_messages, studies_tasks, tasks
from training.models import Run
from training.studies_local import Workshop, places
from training.studies_models import Study
from training.tests.studying import new_study, searched

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
SMALL = {
    "episodes": 48, "environments": 8, "rollout_steps": 4, "batch_size": 32, "evaluation_tasks": 4,
    "evaluation_attempts": 1, "checkpoint_interval": 16, "collectors": 1,
}  # fmt: skip
SPACE = {"learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Run ids that workers were told about."""
    found: list[int] = []
    monkeypatch.setattr(tasks, "_send", found.append)
    return found


def test_a_worker_that_looks_at_a_study_launches_its_trials(alice: User, sent: list[int]) -> None:
    study = new_study(alice, jobs=2)
    studies_tasks.advance_study(study.pk)
    assert sent == list(studies.runs_of(study).order_by("pk").values_list("pk", flat=True))
    assert len(sent) == 2
    studies_tasks.wake_studies()
    studies_tasks.advance_study(study.pk + 1)
    assert len(sent) == 2


def test_the_beat_and_the_worker_know_the_tasks() -> None:
    app = import_string("agentgym_site.celery.app")
    app.loader.import_default_modules()
    assert studies_messages.TASK in app.tasks
    entries = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert entries <= set(app.tasks)
    assert "training.studies_tasks.wake_studies" in entries


def test_a_message_that_cannot_be_sent_costs_nothing(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from celery import current_app

    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("no Redis")

    monkeypatch.setattr(current_app, "send_task", away)
    studies_messages.tell_workers(new_study(alice).pk)


@pytest.fixture
def real(process_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Training processes find this test's database."""
    monkeypatch.setenv("DATABASE_URL", process_env["DATABASE_URL"])
    return process_env


@pytest.mark.slow
def test_a_study_of_real_trainings_ends_with_a_verdict(alice: User, real: dict[str, str]) -> None:
    study = new_study(
        alice, settings=SMALL, space=SPACE, trials=2, score_tasks=8, confirm_seeds=1, jobs=2
    )
    with Workshop(study, places(study)) as workshop:
        over = list(workshop.work())
    study.refresh_from_db()
    assert [trial.status for trial in over] == ["complete"] * 4
    assert study.status == "succeeded"
    assert study.verdict is not None
    runs = studies.runs_of(study)
    assert set(runs.values_list("status", flat=True)) == {"succeeded"}
    confirmed = runs.filter(trial_run__trial__number=None)
    assert [run.evidence["split"] for run in confirmed if run.evidence] == ["test", "test"]
    version = studies.register(study=study, actor=alice)
    assert version.evidence is not None
    assert version.sha256 == version.evidence["weights_sha256"]


@pytest.mark.slow
def test_a_killed_trial_is_taken_up_again(alice: User, real: dict[str, str]) -> None:
    study = new_study(
        alice,
        settings={**SMALL, "episodes": 400},
        space=SPACE,
        trials=1,
        score_tasks=8,
        confirm_top=0,
    )
    killed: list[int] = []
    with Workshop(study, 1) as workshop:
        work = workshop.work()
        start = workshop._start

        def start_and_kill() -> None:
            start()
            held = studies.runs_of(study).filter(status="running").exclude(lease_owner="").first()
            if held is not None and held.episodes_done and not killed:
                process, _ = workshop._children[held.pk]
                killed.append(process.pid)
                os.kill(process.pid, signal.SIGKILL)

        workshop._start = start_and_kill  # type: ignore[method-assign]
        list(work)
    assert killed
    [trial] = searched(study)
    assert trial.status == "complete"
    run = trial.runs.get().run
    assert (run.status, run.attempt) == ("succeeded", 2)


def optimize(env: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "agentgym_site.cli", "optimize", *arguments],
        env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


QUICK = [f"--set={name}={value}" for name, value in SMALL.items() if name != "episodes"]


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "space.yaml"
    path.write_text("learning_rate: {low: 1e-4, high: 1e-2, log: true}\n")
    return path


@pytest.mark.slow
def test_the_command_line_from_space_to_model(real: dict[str, str], space: Path) -> None:
    process = optimize(
        real, "echo", "--space", str(space), "--trials", "2", "--jobs", "2", "--set", "episodes=48",
        "--confirm-top", "1", "--confirm-seeds", "1", "--score-tasks", "8", "--register-best", "--json", *QUICK,
    )  # fmt: skip
    out, err = process.communicate(timeout=150)
    assert process.returncode == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["type"] for line in lines] == ["trial"] * 4 + ["result"]
    assert lines[-1]["status"] == "succeeded"
    assert lines[-1]["verdict"]["winner"] in (0, 1)
    study = Study.objects.get()
    assert study.version_id == lines[-1]["model_id"]


@pytest.mark.slow
def test_ctrl_c_pauses_and_resume_goes_on(real: dict[str, str], space: Path) -> None:
    process = optimize(
        real, "echo", "--space", str(space), "--trials", "2", "--set", "episodes=800", "--confirm-top", "0",
        "--score-tasks", "8", *QUICK,
    )  # fmt: skip
    until = time.monotonic() + 90
    while not Run.objects.filter(status="running", episodes_done__gt=0).exists():
        assert time.monotonic() < until
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    study = Study.objects.get()
    assert study.status == "paused"
    assert f"--resume {study.pk}" in out
    assert studies.runs_of(study).get().status in ("paused", "succeeded")
    study.trials.filter(number=0).update(status="running")
    process = optimize(real, "--resume", str(study.pk), "--json")
    out, err = process.communicate(timeout=150)
    assert process.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["status"] == "succeeded"
    assert studies.runs_of(study).order_by("pk")[0].checkpoints.count() == 0


def _said(env: dict[str, str], *arguments: str) -> Iterator[str]:
    process = optimize(env, *arguments)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    yield from err.splitlines()


def test_the_command_line_names_every_bad_option(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("learning_rate: {low: 1, high: 0.1}\nbach_size: [8]\n")
    said = "\n".join(
        _said(dict(os.environ), "echo", "--space", str(bad), "--trials", "0", "--set", "episodes")
    )
    assert "--set: must look like NAME=VALUE" in said
    said = "\n".join(
        _said(dict(os.environ), "echo", "--space", str(bad), "--trials", "0", "--sampler", "x")
    )
    for part in ("--space learning_rate: low 1 is above", "--space bach_size: unknown", "--trials: must", "--sampler: must"):  # fmt: skip
        assert part in said
    bad.write_text("[")
    assert "cannot be read" in "\n".join(_said(dict(os.environ), "echo", "--space", str(bad)))
    gone = str(tmp_path / "gone.yaml")
    assert "No such file" in "\n".join(_said(dict(os.environ), "echo", "--space", gone))
