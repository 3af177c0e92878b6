"""The command line: `agentgym`. Django and torch are imported by the commands that need them, never before."""

from __future__ import annotations

import sys

from agentgym_site import __version__


def main() -> None:
    """Entry point of `agentgym`; always ends in `SystemExit`."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"agentgym {__version__}\n")
        sys.exit(0)
    from agentgym_site.cli.app import app  # noqa: PLC0415  (typer costs more than the version needs)

    app()
