"""CrewAI without its habits: no telemetry, no traces, and its files in a folder of their own.

Import CrewAI through `load()` only. At import it writes below $HOME (and fails where it may not), asks for telemetry
servers, and takes over signal handlers where telemetry is on.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import shutil
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from types import ModuleType

QUIET = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "CREWAI_DISABLE_VERSION_CHECK": "true",
    "CREWAI_TESTING": "true",  # no question about traces, no .crewai folder
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # no price list from the network
}
"""What every process that runs CrewAI gets, unless its environment says otherwise."""

STORAGE = "CREWAI_STORAGE_DIR"
_lock = threading.Lock()


def load() -> ModuleType:
    """The `crewai` module. Its storage is $CREWAI_STORAGE_DIR, or a temporary folder that goes with the process."""
    with _lock:
        if "crewai" not in sys.modules:
            for name, value in QUIET.items():
                os.environ.setdefault(name, value)
            if STORAGE not in os.environ:
                os.environ[STORAGE] = _temporary()
            _import_at(Path(os.environ[STORAGE]))
        return importlib.import_module("crewai")


def _import_at(home: Path) -> None:
    """Import with $HOME in the storage folder: what is written at import goes there, wherever the user's home is."""
    home.mkdir(parents=True, exist_ok=True)
    before = os.environ.get("HOME")
    os.environ["HOME"] = str(home)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of its dependencies; nothing that a user of ours could do about
            importlib.import_module("crewai")
    finally:
        if before is None:
            del os.environ["HOME"]
        else:
            os.environ["HOME"] = before
    # One line per call about estimated token counts, which a policy does not have.
    logging.getLogger("crewai.llms.base_llm").setLevel(logging.ERROR)


def _temporary() -> str:
    folder = tempfile.mkdtemp(prefix="agentgym-crewai-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
