"""`agentgym scenario new | check | add`: a scenario as a YAML file, from its first line to the catalogue."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

from agentgym_site.cli.exits import FAILED, USAGE, CommandError, bad_option
from agentgym_site.cli.site import open_site, owner
from agentgym_site.cli.watching import write_json
from scenarios.core.check import ScenarioError, check_scenario
from scenarios.core.scenario import Scenario
from scenarios.sources.base import SourceError
from scenarios.sources.catalogue import compiled
from scenarios.sources.names import is_key
from scenarios.sources.spec import start
from scenarios.sources.yaml_text import Text, read_yaml


def new(name: str, output: Path | None) -> None:
    """Write a commented start."""
    text = start(checked_name("NAME", name))
    path = write_new(text, output or Path(f"{name}.yaml"))
    sys.stdout.write(
        f"Wrote {path}. Next:\n  agentgym scenario check {path}\n  agentgym scenario add {path}\n"
        f"  agentgym train {name}\n"
    )


def checked_name(option: str, name: str) -> str:
    if not is_key(name):
        raise bad_option(
            option, "must be 2 to 60 lower-case letters, digits, - and _, beginning with a letter"
        )
    return name


def write_new(text: str, path: Path) -> Path:
    """Write a file that is not there yet."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CommandError(
            f"{path} is there already; name another file with --output.", USAGE
        ) from None
    return path


def read(path: Path) -> tuple[Text, str]:
    """A YAML file's value and its text. Raises `CommandError` with the line of the mistake."""
    if not path.is_file():
        raise CommandError(f"There is no file {path}.", USAGE)
    raw = path.read_bytes()
    try:
        return read_yaml(raw), raw.decode("utf-8-sig")
    except SourceError as problem:
        raise told(path, problem, None) from problem


def told(path: Path, problem: SourceError, text: Text | None) -> CommandError:
    """All mistakes of a file, one line each."""
    lines = [text.located(mistake) if text else mistake for mistake in problem.mistakes]
    many = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    errors = {str(number): line for number, line in enumerate(lines, 1)}
    return CommandError("\n  ".join([f"{path}: {many}:", *lines]), USAGE, errors)


def opened(path: Path) -> tuple[Scenario, Text, str]:
    """The scenario of a file. Raises `CommandError` with every mistake and its line."""
    text, raw = read(path)
    if not isinstance(text.value, dict):
        raise CommandError(
            f"{path}: line 1: must be a mapping that begins with `kind: spec`", USAGE
        )
    try:
        return compiled(text.value), text, raw
    except SourceError as problem:
        raise told(path, problem, text) from problem


def check(path: Path, *, tasks: int, as_json: bool) -> None:
    """Print what was proven about a file. Raises `CommandError` with every mistake, or with the broken rule."""
    scenario, _, _ = opened(path)
    try:
        report = check_scenario(scenario, tasks)
    except ScenarioError as broken:
        raise CommandError(f"{path} breaks a rule: {broken}") from broken
    from training.rl.pointing import out_of_reach  # noqa: PLC0415

    missing = out_of_reach(scenario, min(tasks, 20))
    if as_json:
        write_json({"type": "result", **asdict(report), "out_of_reach": missing})
    else:
        sys.stdout.write(
            f"{scenario.key} can be played: {report.tasks} tasks, the oracle succeeds on {report.oracle_success:.0%}, "
            f"doing nothing on {report.nothing_success:.0%}, random calls on {report.random_success:.1%}.\n"
        )
    if missing:
        listed = "\n  ".join(missing)
        raise CommandError(
            "An agent cannot point at these arguments: they stand neither in the user's words (as a name, number, id, "
            f"date, quoted text or whole sentence) nor in an earlier result, nor in the schema:\n  {listed}",
            FAILED,
        )


def add(path: Path, *, as_json: bool) -> None:
    """Bring a file into the catalogue. Raises `CommandError` with every mistake."""
    scenario, text, raw = opened(path)
    open_site()
    from scenarios import services  # noqa: PLC0415

    try:
        row, new = services.save_scenario(owner=owner(), document=text.value, source=raw)
    except services.ScenarioTaken as taken:
        raise CommandError(f"key: {taken}", USAGE) from taken
    if as_json:
        said = {"name": row.key, "content_hash": row.content_hash, "new": new}
        write_json({"type": "result", **said})
        return
    what = "Added" if new else "Renewed"
    sys.stdout.write(f"{what} {scenario.key}. Next: agentgym train {scenario.key}\n")
