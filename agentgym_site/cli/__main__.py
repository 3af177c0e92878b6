"""`python -m agentgym_site.cli`, where the script is not on the path."""

from __future__ import annotations

from agentgym_site.cli import main

main()
