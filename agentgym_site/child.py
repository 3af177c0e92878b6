"""One part of the site as a child process: its log, its end, its restarts."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_IMPORTANT = re.compile(r"\b(ERROR|CRITICAL)\b")
_LOG_LIMIT_BYTES = 5_000_000
# A part that lived this long has recovered; its next end counts as the first again.
_HEALTHY_S = 60.0
MOST_RESTARTS = 5


@dataclass(frozen=True)
class Part:
    """What to run, and how long it may take to stop."""

    name: str
    arguments: tuple[str, ...]
    """A module and its arguments, as after `python -m`."""
    env: dict[str, str] = field(default_factory=dict)
    grace_s: float = 5.0


class Child:
    """A running part. Its output goes to `<log_dir>/<name>.log`; errors are also echoed."""

    def __init__(self, part: Part, log_dir: Path, echo: Callable[[str], None]) -> None:
        self.part = part
        self.log = log_dir / f"{part.name}.log"
        self.echo = echo
        self.restarts = 0
        self.last_lines: deque[str] = deque(maxlen=8)
        self.process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._started_at = 0.0
        self.restart_at = 0.0

    def start(self) -> None:
        """Start the process in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        self._started_at = time.monotonic()
        self.last_lines.clear()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agentgym_site.tethered", *self.part.arguments],
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | self.part.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()

    def check(self) -> bool:
        """Report an end and restart after a pause. False when it ended too often to go on."""
        if self.process is None:
            if time.monotonic() >= self.restart_at:
                self.start()
            return True
        code = self.process.poll()
        if code is None:
            return True
        if time.monotonic() - self._started_at > _HEALTHY_S:
            self.restarts = 0
        self._report(code)
        # What the part had started itself (a training child) must not outlive it.
        self.kill()
        if self.restarts >= MOST_RESTARTS:
            return False
        pause = min(2.0**self.restarts, 30.0)
        self.restarts += 1
        self.restart_at = time.monotonic() + pause
        self.echo(
            f"{self.part.name} starts again in {pause:.0f} s (try {self.restarts} of {MOST_RESTARTS})."
        )
        return True

    def stop(self) -> None:
        """Ask the whole session to end; after the part's grace, kill it."""
        if self.process is None:
            return
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(self.part.grace_s)
        except subprocess.TimeoutExpired:
            self.echo(
                f"{self.part.name} did not stop within {self.part.grace_s:.0f} s and was killed."
            )
        self.kill()

    def kill(self) -> None:
        """End the session at once."""
        if self.process is None:
            return
        self.signal(signal.SIGKILL)
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the part and to everything that it started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def _report(self, code: int) -> None:
        if self._reader is not None:
            self._reader.join(1.0)
        reason = (
            f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        )
        self.echo(f"{self.part.name} {reason}. The last lines of {self.log}:")
        for line in self.last_lines:
            self.echo(f"  {line}")

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        assert process.stdout is not None  # we asked for a pipe
        with self.log.open("ab", buffering=0) as log, process.stdout as output:
            for raw in output:
                log.write(raw)
                line = raw.decode(errors="replace").rstrip()
                self.last_lines.append(line)
                if _IMPORTANT.search(line):
                    self.echo(f"[{self.part.name}] {line}")
