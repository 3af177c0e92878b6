"""Real processes for the tests, in a var folder of their own; each test ends what it started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_OURS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SITE_URL", "PORT", "DEBUG", "AGENTGYM_ROLE")


def clean_env(var: Path, **extra: str) -> dict[str, str]:
    """The environment of somebody who set nothing but the var folder (and `extra`)."""
    kept = {name: value for name, value in os.environ.items() if name not in _OURS}
    return kept | {"AGENTGYM_VAR": str(var), "AGENTGYM_DURABLE": "0"} | extra


def python(code: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a few lines in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def evaluate(expression: str, env: dict[str, str], imports: str = "") -> Any:
    """The value of an expression in a fresh interpreter, by way of JSON."""
    done = python(f"import json\n{imports}\nprint(json.dumps({expression}))", env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def eventually(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether the condition became true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()
