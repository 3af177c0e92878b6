"""The pulse of a run: a thread that renews the lease, hears what people ask, and notices when its worker is gone."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Literal

from django.db import InterfaceError, OperationalError, connection

from training import services
from training.models import Run
from training.rl.stopping import StopTraining

logger = logging.getLogger(__name__)

Order = Literal["stop", "lost", "leave"]
HEARTBEAT_SECONDS = 5.0
LISTEN_SECONDS = 0.4
PATIENCE_SECONDS = 0.8
"""How long the trainer may take to come back by itself before it is interrupted."""


class Pulse:
    """Beats beside the training, also while the trainer computes.

    `order` is None while all is well, else: `stop` (somebody asked), `lost` (the lease is somebody else's), `leave`
    (the worker ends). `pausing` and `changes` (some wait) need no hurry: the next update is soon enough. parent: process id of the worker whose death ends the run here; None: nobody's.
    """

    def __init__(self, run: Run, *, parent: int | None = None) -> None:
        self.run, self.parent = run, parent
        self.order: Order | None = None
        self.pausing = self.changes = False
        self._ended = threading.Event()
        self._interruptible = False
        self._thread = threading.Thread(
            target=self._beat, name=f"pulse of run {run.pk}", daemon=True
        )
        self._on_main = threading.current_thread() is threading.main_thread()
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Pulse:
        if self._on_main:
            for number, handler in (
                (signal.SIGUSR1, self._interrupt),
                (signal.SIGINT, self._stop_softly),
                (signal.SIGTERM, self._leave_softly),
            ):
                # The command line hears Ctrl-C itself, and asks for the stop as the portal does.
                if (
                    number != signal.SIGINT
                    or signal.getsignal(number) is signal.default_int_handler
                ):
                    self._previous[number] = signal.signal(number, handler)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=10)
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Mark the code (the trainer's) that may be left in the middle; database writes never are."""
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._interruptible:
            self._interruptible = False
            raise StopTraining

    def _stop_softly(self, number: int, frame: FrameType | None) -> None:
        """First Ctrl-C: stop and keep what was learned. Second one: now."""
        if self.order is not None:
            raise KeyboardInterrupt
        self.order = "stop"

    def _leave_softly(self, number: int, frame: FrameType | None) -> None:
        self.order = self.order or "leave"

    def _beat(self) -> None:
        next_heartbeat = 0.0
        try:
            while not self._ended.wait(LISTEN_SECONDS):
                try:
                    next_heartbeat = self._listen(next_heartbeat)
                except services.LeaseLost:
                    self.order = "lost"
                except (OperationalError, InterfaceError) as error:
                    # PostgreSQL may come back before the lease ends; if not, the reaper decides.
                    logger.warning(
                        "Run %s: no heartbeat, PostgreSQL is away (%s)", self.run.pk, error
                    )
                    connection.close()
                if self.order is not None:
                    self._press()
                    return
        finally:
            connection.close()

    def _listen(self, next_heartbeat: float) -> float:
        """Renew and ask; returns when to renew next."""
        if self.parent is not None and os.getppid() != self.parent:
            self.order = self.order or "leave"
        if time.monotonic() >= next_heartbeat:
            services.heartbeat(self.run)
            next_heartbeat = time.monotonic() + HEARTBEAT_SECONDS
        asked = services.orders(self.run)
        self.pausing, self.changes = asked.pause, asked.changes
        if asked.stop:
            self.order = self.order or "stop"
        return next_heartbeat

    def _press(self) -> None:
        """Wait for the trainer to come back, then interrupt it; keep the lease alive until the run is closed."""
        started = last = time.monotonic()
        while not self._ended.wait(0.1):
            now = time.monotonic()
            if self._on_main and self._interruptible and now - started > PATIENCE_SECONDS:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
            if now - last > HEARTBEAT_SECONDS and self.order != "lost":
                last = now
                self._renew()

    def _renew(self) -> None:
        try:
            services.heartbeat(self.run)
        except services.LeaseLost:
            self.order = "lost"
        except (OperationalError, InterfaceError):
            connection.close()
