#!/usr/bin/env python
"""Django's command line, on the same private services as everything else."""

from __future__ import annotations

import sys

from agentgym_site.private_services import ServiceError, prepare_environment

# Commands that never open a database connection must not start one.
WITHOUT_SERVICES = {
    "--help", "--version", "-h", "check", "collectstatic", "compilemessages", "diffsettings",
    "findstatic", "help", "makemessages", "spectacular", "startapp", "version",
}  # fmt: skip


def main() -> None:
    """Run one management command."""
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    try:
        prepare_environment(start=command not in WITHOUT_SERVICES)
    except ServiceError as error:
        sys.exit(f"{error}")
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
