"""`agentgym optimize`: a study, worked on by children of this process; the portal's workers may help."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from agentgym_site.cli.exits import FAILED, INTERRUPTED, OK, USAGE, CommandError, bad_option
from agentgym_site.cli.site import open_site, owner
from agentgym_site.cli.watching import write_json
from training.rl.config import ConfigError
from training.tuning.config import parse_study

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from training.studies_models import Study

_OPTIONS = {"objectives": "--objective", "space": "--space"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command was asked for. resume: the id of a study to go on with; None: a new one."""

    values: dict[str, Any]
    name: str
    resume: int | None
    register_best: bool
    as_json: bool
    verbose: bool


def study_values(
    given: Mapping[str, Any], space: Path | None, assignments: Iterable[str]
) -> dict[str, Any]:
    """The study of these options (None: not given). Raises `CommandError` naming every bad one."""
    values = {name: value for name, value in given.items() if value is not None}
    settings: dict[str, Any] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise bad_option("--set", f"must look like NAME=VALUE, not {text!r}")
        settings[name.strip().replace("-", "_")] = value.strip()
    values["settings"] = settings
    if space is not None:
        values["space"] = read_space(space)
    try:
        parse_study(values)
    except ConfigError as problem:
        raise _refused(problem) from problem
    return values


def read_space(path: Path) -> Any:
    """A space from a YAML or JSON file. Raises `CommandError`."""
    from training.tuning.text import read_text  # noqa: PLC0415 (loads a YAML parser)

    try:
        return read_text(path.expanduser().read_text())
    except OSError as problem:
        raise bad_option("--space", f"{path}: {problem.strerror}") from problem
    except ValueError as problem:
        raise bad_option("--space", f"{path} {problem}") from problem


def _refused(problem: ConfigError) -> CommandError:
    errors = {_option(name): text for name, text in problem.errors.items()}
    return CommandError(
        "\n       ".join(f"{name}: {text}" for name, text in errors.items()), USAGE, errors
    )


def _option(field: str) -> str:
    kind, _, name = field.partition(".")
    if kind == "settings" and name:
        return f"--set {name}"
    if kind == "space" and name:
        return f"--space {name}"
    return kind if kind == "scenario" else _OPTIONS.get(kind, f"--{kind.replace('_', '-')}")


def optimize(wanted: Wanted) -> int:
    """Work on the study to its end, or until Ctrl-C pauses it; returns the exit code."""
    if not wanted.verbose:
        # Trials are processes of their own, whose warnings would stand among the results.
        os.environ.setdefault("LOG_LEVEL", "ERROR")
    open_site(verbose=wanted.verbose)
    from training import studies  # noqa: PLC0415
    from training.studies_local import Workshop, places  # noqa: PLC0415

    user = owner()
    study = _study(wanted, user)
    say = _sayer(wanted)
    jobs = places(study)
    say(f"Study {study.pk}: {study.scenario.key}, {study.config['sampler']}, up to "
        f"{study.config['trials']} trials, {jobs} at a time.")  # fmt: skip
    with Workshop(study, jobs) as workshop, _pause_on_interrupt(study, user, say) as pressed:
        for trial in workshop.work():
            _show(study, trial, wanted, say)
    study.refresh_from_db()
    if wanted.register_best and study.verdict:
        studies.register(study=study, actor=user)
    return _report(study, wanted, say, interrupted=pressed.is_set())


def _study(wanted: Wanted, user: User) -> Study:
    from training import services, studies  # noqa: PLC0415
    from training.studies_models import Study  # noqa: PLC0415

    if wanted.resume is None:
        try:
            return studies.create_study(owner=user, values=wanted.values, name=wanted.name)
        except ConfigError as problem:
            raise _refused(problem) from problem
    study = Study.objects.visible_to(user).filter(pk=wanted.resume).first()
    if study is None:
        raise bad_option("--resume", f"there is no study {wanted.resume}")
    changes = ("trials", "timeout", "max_cost", "jobs")
    changed = {name: value for name, value in wanted.values.items() if name in changes}
    try:
        if changed:
            studies.extend(study=study, actor=user, values=changed)
        if study.can_resume:
            studies.request_resume(study=study, actor=user)
    except ConfigError as problem:
        raise _refused(problem) from problem
    except services.InvalidTransition as problem:
        raise CommandError(str(problem)) from problem
    return study


def _sayer(wanted: Wanted) -> Any:
    stream = sys.stderr if wanted.as_json else sys.stdout

    def say(text: str) -> None:
        stream.write(f"{text}\n")
        stream.flush()

    return say


def _show(study: Study, trial: Any, wanted: Wanted, say: Any) -> None:
    from training.studies_report import trial_line, trial_values  # noqa: PLC0415

    objectives = study.config["objectives"]
    if wanted.as_json:
        write_json({"type": "trial", **trial_values(trial, objectives)})
    else:
        say(trial_line(trial, objectives))


@contextmanager
def _pause_on_interrupt(study: Study, user: User, say: Any) -> Iterator[threading.Event]:
    """The first Ctrl-C pauses the study, with a checkpoint of every run; the second one ends the command at once."""
    pressed = threading.Event()

    def pause() -> None:
        from django.db import connection  # noqa: PLC0415

        from training import services, studies  # noqa: PLC0415

        say("Pausing, with a checkpoint of every run. Press Ctrl-C again to end at once.")
        try:
            studies.request_pause(study=type(study).objects.get(pk=study.pk), actor=user)
        except services.InvalidTransition:
            pass  # it ended by itself in this very moment
        finally:
            connection.close()

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        pressed.set()
        # A thread of its own: the main one may be in the middle of a statement.
        threading.Thread(target=pause, daemon=True).start()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN if pressed.is_set() else before)


def _report(study: Study, wanted: Wanted, say: Any, *, interrupted: bool) -> int:
    from training.studies_report import as_document, ending_lines  # noqa: PLC0415

    study.refresh_from_db()
    if wanted.as_json:
        write_json({"type": "result", **as_document(study)})
    for line in ending_lines(study) if not wanted.as_json else ():
        say(line)
    if study.version is not None:
        say(f"Model {study.version.model.name}:{study.version.number} (version {study.version.pk})")
    elif study.verdict and study.verdict["winner"] is not None:
        say(f"  make it a model: agentgym optimize --resume {study.pk} --register-best")
    if study.status == "paused":
        say(f"Study {study.pk} is paused; go on with: agentgym optimize --resume {study.pk}")
        return INTERRUPTED if interrupted else OK
    return OK if study.status == "succeeded" else INTERRUPTED if interrupted else FAILED
