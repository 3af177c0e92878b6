"""Starting the process that trains one run (`training.process`), without loading what it loads.

A process of its own, spawned and never forked, so that torch starts fresh, a crash takes nobody along, and memory is
given back.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys

from django.conf import settings

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
"""Spinning threads of two neighbours were measured 42 times slower than one thread each."""


def new_lease_owner() -> str:
    """A name for one process that may hold a run."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"


def spawn(run_id: int, lease_owner: str) -> subprocess.Popen[bytes]:
    """Start the process of one run as a child of this one."""
    return subprocess.Popen(
        [sys.executable, "-m", "training.process", str(run_id), lease_owner, str(os.getpid())],
        env=os.environ | ONE_THREAD,
        cwd=settings.BASE_DIR,
        stdin=subprocess.DEVNULL,
        # A session of its own: a signal to the worker's group must not cut a run off without a word.
        start_new_session=True,
    )
