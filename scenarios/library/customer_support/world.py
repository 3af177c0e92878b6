"""The world of one attempt: runs the tools on the desk, writes the user's messages, serves stale reads, grades."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scenarios.core.draws import Draws
from scenarios.core.tasks import Task
from scenarios.core.types import Difficulty, Json, Tool, ToolCall, ToolResult
from scenarios.core.world import World, error
from scenarios.library.customer_support import letters, reads, writes
from scenarios.library.customer_support.desk import Desk, NotFound
from scenarios.library.customer_support.request import Request
from scenarios.library.customer_support.stale import outdated
from scenarios.library.customer_support.tools import LATENCY

STALE_RATE: Mapping[Difficulty, float] = {"easy": 0.0, "medium": 0.0, "hard": 0.08}
"""Chance that a first read of customer data comes from an outdated copy."""

_RUN: Mapping[str, Callable[[Desk, Mapping[str, Json]], dict[str, Json]]] = {
    name: getattr(reads if hasattr(reads, name) else writes, name) for name in LATENCY
}
_CACHED = frozenset({"lookup_user", "check_payment", "check_logs"})


class SupportWorld(World):
    """One attempt: the records are the task's, the wording, the latencies, the faults and the stale reads its own."""

    def __init__(
        self, task: Task, attempt: int, tools: tuple[Tool, ...], fault_rate: float
    ) -> None:
        super().__init__(task, attempt, tools, fault_rate)
        self.request: Request = task.payload
        self.desk = Desk.of(self.request)
        self.breaches = self.desk.breaches
        self._draws = Draws(self.rng)
        self._stale_rate = STALE_RATE[task.difficulty]
        self._read: set[str] = set()
        self._opening = letters.opening(self.request, task.split, self._draws)

    def opening(self) -> str:
        return self._opening

    def reply(self, question: str) -> str:
        return letters.reply(self.request, self.task.split, self._draws)

    def run(self, call: ToolCall) -> ToolResult:
        seconds = LATENCY[call.name] * (0.6 + 0.8 * self._draws.unit())
        try:
            content = _RUN[call.name](self.desk, call.arguments)
        except NotFound as missing:
            return error("not_found", str(missing), seconds=seconds)
        return ToolResult(content, "error" in content, seconds)

    def goals_hold(self) -> bool:
        """Every wanted change is there, and no other record differs."""
        changed, wanted = self.desk.state.diff(), self.request.wanted
        return changed.keys() == wanted.keys() and all(
            after in wanted[place] for place, (_, after) in changed.items()
        )

    def _execute(self, call: ToolCall) -> tuple[ToolResult | None, bool]:
        result, faulted = super()._execute(call)
        if result is not None or call.name not in _CACHED or call.name in self._read:
            return result, faulted
        self._read.add(call.name)
        if self._draws.unit() >= self._stale_rate:
            return result, faulted
        # Like a transient fault: not the agent's doing, and only the repeated read counts.
        fresh = self.run(call)
        return ToolResult(
            outdated(fresh.content), fresh.is_error, fresh.seconds
        ), not fresh.is_error
