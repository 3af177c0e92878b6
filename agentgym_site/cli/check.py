"""`agentgym check`: the proofs that a scenario has to pass before anything is trained on it."""

from __future__ import annotations

import sys
from dataclasses import asdict

from agentgym_site.cli.exits import CommandError
from agentgym_site.cli.watching import write_json
from scenarios.core.check import ScenarioError, check_scenario
from scenarios.sources.catalogue import find


def check(key: str, *, tasks: int, as_json: bool) -> None:
    """Print what was proven. Raises `CommandError` with the broken rule, `UnknownKey` for an unknown scenario."""
    scenario = find(key)
    try:
        report = check_scenario(scenario, tasks)
    except ScenarioError as broken:
        raise CommandError(f"{key} breaks a rule: {broken}") from broken
    if as_json:
        write_json({"type": "result", **asdict(report)})
        return
    sys.stdout.write(
        f"{key} keeps the rules on {report.tasks} tasks: the oracle succeeds on {report.oracle_success:.0%}, "
        f"doing nothing on {report.nothing_success:.0%}, random calls on {report.random_success:.1%}.\n"
    )
