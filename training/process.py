"""The process of one training: `python -m training.process RUN_ID LEASE_OWNER PARENT_PID`.

It ends when its run ends, when the run is somebody else's, and when its worker is gone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import django


def main(arguments: Sequence[str]) -> int:
    """Train one run; 0 when everything about it is written down."""
    run_id, lease_owner, parent = int(arguments[0]), arguments[1], int(arguments[2])
    django.setup()
    from training.runner import execute  # noqa: PLC0415 (needs Django set up)

    execute(run_id, lease_owner=lease_owner, parent=parent)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
