"""Run a module like `python -m`, and end it when the process that started it is gone.

    python -m agentgym_site.tethered uvicorn agentgym_site.asgi:application

The starter holds the other end of our standard input. When it dies, however hard, that end closes,
and we ask ourselves to stop: no web server or worker outlives a killed supervisor.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def _watch() -> None:
    # os.read, not sys.stdin: no lock is held at interpreter exit.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Start watching, then become the module named by the first argument."""
    threading.Thread(target=_watch, name="tether", daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
