"""Studies on a site of their own: more workers, and what killing and restarting costs. Used by `benchmarks.studies`."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.kill import BEAT, WORKER, Site, process_of

if TYPE_CHECKING:
    from training.models import Run
    from training.studies_models import Study

PATIENCE = 900.0
SETTINGS: dict[str, Any] = {
    "episodes": 600, "rollout_steps": 4, "environments": 16, "collectors": 1, "checkpoint_interval": 100,
    "batch_size": 64,
}  # fmt: skip
PLAN: dict[str, Any] = {
    "scenario": "echo", "settings": SETTINGS, "sampler": "random", "pruner": "none", "confirm_top": 0,
    "space": {"learning_rate": {"low": 1e-5, "high": 1e-2, "log": True},
              "entropy_coefficient": {"low": 1e-4, "high": 0.1, "log": True}},
}  # fmt: skip


@contextmanager
def site(workers: int) -> Iterator[Site]:
    """So many workers and a beat; the servers are those that `servers()` has started."""
    made = Site(log=Path(os.environ["AGENTGYM_VAR"]) / "workers.log")
    try:
        for command in (*[WORKER] * workers, BEAT):
            made.start(command)
        yield made
    finally:
        made.stop()


@contextmanager
def servers() -> Iterator[Path]:
    """A database and a Redis in a temporary folder, and Django on them."""
    folder = tempfile.mkdtemp(prefix="agentgym-studies-")
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ |= {"AGENTGYM_VAR": folder, "AGENTGYM_DURABLE": "0"}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "agentgym_site.settings"}
    from agentgym_site.private_services import prepare_environment, release

    prepare_environment()
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    try:
        yield Path(folder)
    finally:
        from django.db import connections

        connections.close_all()
        release()
        shutil.rmtree(folder, ignore_errors=True)


def begin(**values: Any) -> Study:
    """A study that workers have been told about."""
    from django.contrib.auth.models import User

    from training import studies
    from training.studies_messages import tell_workers

    owner, _ = User.objects.get_or_create(username="benchmark")
    study = studies.create_study(owner=owner, values={**PLAN, **values})
    tell_workers(study.pk)
    return study


def wait(study: Study) -> float:
    """Seconds until it has ended."""
    began = time.monotonic()
    while not study.is_finished:
        if time.monotonic() - began > PATIENCE:
            raise SystemExit(f"{study} is stuck: {study.status}")
        time.sleep(0.1)
        study.refresh_from_db()
    return time.monotonic() - began


def outcome(study: Study) -> dict[int, Any]:
    """What each trial of the search was, and what came of it."""
    rows = study.trials.exclude(number=None).order_by("number")
    return {row.number: (row.params, row.status, row.values) for row in rows}  # type: ignore[misc]


def workers_line(trials: int) -> dict[str, Any]:
    """The same study with one worker and with two."""
    seconds: dict[int, float] = {}
    same = []
    for count in (1, 2):
        with site(count):
            time.sleep(4)  # workers come up
            study = begin(trials=trials, jobs=0)
            seconds[count] = wait(study)
            same.append(outcome(study))
    return {
        "measure": "workers",
        "trials": trials,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "seconds_one": round(seconds[1], 1),
        "seconds_two": round(seconds[2], 1),
        "speed_up": round(seconds[1] / seconds[2], 2),
        "same_trials": same[0] == same[1],
    }


def kill_line(trials: int, kills: int, seed: int) -> dict[str, Any]:
    """A study whose training processes and workers are killed, while Redis and PostgreSQL are restarted once each."""
    with site(2) as made:
        time.sleep(4)
        whole = begin(trials=trials, jobs=2)
        undisturbed = wait(whole)
        broken = begin(trials=trials, jobs=2)
        done = _disturb(made, broken, kills, random.Random(seed))
        disturbed = wait(broken)
    return {
        "measure": "kill",
        "trials": trials,
        **done,
        "status": broken.status,
        **_counts(broken),
        "same_as_undisturbed": outcome(broken) == outcome(whole),
        "seconds_undisturbed": round(undisturbed, 1),
        "seconds_after_last_blow": round(disturbed, 1),
    }


def _counts(study: Study) -> dict[str, Any]:
    from training.models import Run
    from training.studies_storage import opened_search

    with opened_search(study) as search:
        states = [trial.state.name for trial in search.study.get_trials(deepcopy=False)]
    rows = list(study.trials.values_list("number", flat=True))
    runs = Run.objects.filter(trial_run__trial__study=study)
    return {
        "rows": len(rows),
        "twice": len(rows) - len(set(rows)),
        "stuck": states.count("RUNNING") + runs.filter(status__in=Run.ACTIVE).count(),
        "optuna": {name: states.count(name) for name in sorted(set(states))},
        "starts": sum(runs.values_list("attempt", flat=True)),
    }


def _disturb(made: Site, study: Study, kills: int, chance: random.Random) -> dict[str, int]:
    """Blows at random moments; every third takes the worker along."""
    done = {"processes_killed": 0, "workers_killed": 0, "redis_restarts": 0, "database_restarts": 0}
    restarts = {kills // 3: "redis", 2 * kills // 3: "database"}
    while done["processes_killed"] < kills and not study.is_finished:
        what = restarts.pop(done["processes_killed"], "")
        if what:
            _restart(what)
            done[f"{what}_restarts"] += 1
        run = _held(study)
        if run is None:
            study.refresh_from_db()
            time.sleep(0.2)
            continue
        time.sleep(chance.uniform(0, 6))
        process_id = process_of(run)
        if process_id is None:
            continue
        if done["processes_killed"] % 3 == 2:
            made.kill_worker(int(run.lease_owner.split(":")[1]))
            done["workers_killed"] += 1
        with suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)
            done["processes_killed"] += 1
            sys.stderr.write(f"killed run {run.pk} in attempt {run.attempt}\n")
        study.refresh_from_db()
    return done


def _held(study: Study) -> Run | None:
    """A run at work that may lose its process without being given up."""
    from training.models import Run

    held = Run.objects.filter(trial_run__trial__study=study, status="running", losses__lt=2)
    return held.exclude(lease_owner="").order_by("?").first()


def _restart(what: str) -> None:
    from django.db import connections

    from agentgym_site import private_postgres, private_redis
    from agentgym_site.private_paths import Paths

    paths = Paths(Path(os.environ["AGENTGYM_VAR"]))
    server = private_redis if what == "redis" else private_postgres
    connections.close_all()
    server.stop(paths)
    time.sleep(2)
    server.start(paths, durable=False)
    sys.stderr.write(f"restarted {what}\n")
