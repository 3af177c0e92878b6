"""What killing costs a run: `python -m benchmarks.kill --kills 20`.

A site of its own in a temporary folder, with two Celery workers and a beat. One run is left alone; further runs with
the same settings lose their training process to SIGKILL at random moments, from its start to the middle of the final
test; every fifth time its worker is killed with it, so that nobody is left to report the loss. The line printed at the
end says how many of the killed runs ended with the same weights, metric points, sampled episodes and evidence, bit for
bit apart from measured times, and how many points were lost or written twice. Ends with 1 where anything differs.

A run that loses three processes in a row without a new checkpoint is given up on purpose, so after two such losses the
next kill waits for a checkpoint.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.models import Run

ROOT = Path(__file__).resolve().parent.parent
MEASURED = {"steps_per_second"}
TIMED = {"decision_seconds", "response_seconds", "cost_per_success", "cost", "criteria"}
SETTINGS: dict[str, Any] = {
    "scenario": "customer_support", "episodes": 3_000, "checkpoint_interval": 300, "curriculum": "on",
    "environments": 32, "evaluation_tasks": 100, "evaluation_attempts": 2,
}  # fmt: skip
CELERY = [sys.executable, "-m", "celery", "--app", "agentgym_site", "--quiet"]
WORKER = [*CELERY, "worker", "--pool", "threads", "--concurrency", "1", "--loglevel", "ERROR"]
BEAT = [*CELERY, "beat", "--loglevel", "ERROR", "--pidfile="]
PATIENCE = 180.0


@dataclass(slots=True)
class Site:
    """The processes that work on runs."""

    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    log: Path = Path(os.devnull)

    def start(self, command: list[str]) -> None:
        """Start one more, with a name of its own."""
        named = ["--hostname", f"w{time.monotonic_ns()}@%h"] if "worker" in command else []
        with self.log.open("ab") as log:
            self.processes.append(
                subprocess.Popen([*command, *named], cwd=ROOT, stdout=log, stderr=log)
            )

    def kill_worker(self, process_id: int) -> None:
        """SIGKILL a worker, and put another one in its place, as the supervisor does."""
        for process in self.processes:
            if process.pid == process_id:
                process.kill()
                process.wait()
                self.processes.remove(process)
                self.start(WORKER)
                return

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


def start_run() -> Run:
    from django.contrib.auth.models import User

    from training import services, tasks

    owner, _ = User.objects.get_or_create(username="benchmark")
    run = services.create_run(owner=owner, values=SETTINGS)
    tasks.launch(run)
    return run


def wait_for(run: Run, what: Callable[[Run], bool]) -> None:
    """Look at the row until it is so, or the run has ended."""
    until = time.monotonic() + PATIENCE
    while True:
        run.refresh_from_db()
        if what(run) or run.is_finished:
            return
        if time.monotonic() > until:
            raise SystemExit(f"Run {run.pk} is stuck: {run.status}, attempt {run.attempt}.")
        time.sleep(0.02)


def process_of(run: Run) -> int | None:
    """The training process that holds the run."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"training.process" in words and run.lease_owner.encode() in words:
                return int(folder.name)
    return None


def disturb(site: Site, kills: int, longest: float, chance: random.Random) -> tuple[Run, int]:
    """A run to its end, its process killed up to so many times; how often it was."""
    run, done = start_run(), 0
    while done < kills:
        attempt = run.attempt
        wait_for(run, lambda r, a=attempt: r.attempt > a and bool(r.lease_owner))  # type: ignore[misc]
        if run.losses >= 2:
            wait_for(run, lambda r: r.losses == 0)
        time.sleep(chance.uniform(0, longest))
        run.refresh_from_db()
        process_id = process_of(run) if run.lease_owner else None
        if run.is_finished or process_id is None:
            break
        if done % 5 == 4:
            site.kill_worker(int(run.lease_owner.split(":")[1]))
        with suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)
            done += 1
            print(
                f"run {run.pk}: kill {done} in attempt {run.attempt}, {run.phase}, "
                f"{run.episodes_done} episodes",
                file=sys.stderr,
                flush=True,
            )
    wait_for(run, lambda r: r.is_finished)
    if run.failure:
        detail = run.events.filter(kind="failed").values_list("detail", flat=True).last()
        print(f"run {run.pk} failed: {run.failure} {detail}", file=sys.stderr, flush=True)
    return run, done


def timeless(value: Any) -> Any:
    """Evidence without what a clock has measured."""
    if isinstance(value, dict):
        return {name: timeless(item) for name, item in value.items() if name not in TIMED}
    if isinstance(value, list):
        return [timeless(item) for item in value]
    return value


def outcome(run: Run) -> dict[str, Any]:
    """All that must be the same in a run that was killed."""
    points = [
        {**point, "values": {k: v for k, v in point["values"].items() if k not in MEASURED}}
        for point in run.points.order_by("seq").values("seq", "episodes", "env_steps", "values", "marks")
    ]  # fmt: skip
    episodes = run.episodes.order_by("seq").values("seq", "task_id", "reason", "total_reward", "steps", "episodes_done")  # fmt: skip
    return {
        "status": run.status,
        "weights": run.version.sha256 if run.version else None,
        "points": points,
        "episodes": list(episodes),
        "evidence": timeless(run.evidence),
    }


def compare(whole: dict[str, Any], broken: dict[str, Any]) -> dict[str, Any]:
    """Which parts are equal, and how many points are lost or there twice."""
    keys = [[point["env_steps"] for point in one["points"]] for one in (whole, broken)]
    return {
        **{name: whole[name] == broken[name] for name in whole},
        "lost": len(set(keys[0]) - set(keys[1])),
        "duplicate": len(keys[1]) - len(set(keys[1])) + len(set(keys[1]) - set(keys[0])),
    }


def measure(site: Site, kills: int, chance: random.Random) -> bool:
    """Print the verdict on so many kills; whether nothing differs."""
    began = time.monotonic()
    alone = start_run()
    wait_for(alone, lambda run: run.is_finished)
    longest = (time.monotonic() - began) / 2
    expected = outcome(alone)
    if alone.status != alone.Status.SUCCEEDED:
        raise SystemExit(f"The unbroken run failed: {alone.failure}")
    verdicts: list[dict[str, Any]] = []
    done = runs = 0
    while done < kills:
        run, killed = disturb(site, kills - done, longest, chance)
        done, runs = done + killed, runs + 1
        if not killed:
            continue
        verdict = compare(expected, outcome(run)) | {"run": run.pk, "kills": killed}
        print(json.dumps(verdict), file=sys.stderr, flush=True)
        verdicts.append(verdict)
    parts = ("status", "weights", "points", "episodes", "evidence")
    line = {
        "kills": done,
        "collectors": SETTINGS["collectors"],
        "runs": len(verdicts),
        "identical": sum(all(verdict[part] for part in parts) for verdict in verdicts),
        **{f"identical_{part}": sum(verdict[part] for verdict in verdicts) for part in parts[1:]},
        "lost_points": sum(verdict["lost"] for verdict in verdicts),
        "duplicate_points": sum(verdict["duplicate"] for verdict in verdicts),
        "points_per_run": len(expected["points"]),
        "seconds": round(time.monotonic() - began),
    }
    print(json.dumps(line), flush=True)
    return bool(line["identical"] == line["runs"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--collectors", type=int, default=2, help="processes of each run")
    arguments = parser.parse_args()
    SETTINGS["collectors"] = arguments.collectors
    folder = tempfile.mkdtemp(prefix="agentgym-kill-")
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
    site = Site(log=Path(folder) / "workers.log")
    try:
        for command in (WORKER, WORKER, BEAT):
            site.start(command)
        return 0 if measure(site, arguments.kills, random.Random(arguments.seed)) else 1
    finally:
        site.stop()
        from django.db import connections

        connections.close_all()
        release()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
