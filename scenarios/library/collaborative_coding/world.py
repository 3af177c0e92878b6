"""The shared file, and what the three do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scenarios.core.tasks import Task
from scenarios.core.team import TeamScenario, TeamWorld
from scenarios.core.types import Json, ToolCall, ToolResult
from scenarios.core.world import error
from scenarios.library.collaborative_coding import checks
from scenarios.library.collaborative_coding.defects import Lines, Patch, suggested
from scenarios.library.collaborative_coding.tasks import File
from scenarios.library.collaborative_coding.wording import REQUESTS

LATENCY = {"run_tests": 4.0, "run_linter": 1.5, "inspect_code": 2.0, "suggest_repairs": 3.0}
USUAL_LATENCY = 0.4


class CodingWorld(TeamWorld):
    """One file on its way to the main branch."""

    def __init__(self, task: Task, attempt: int, scenario: TeamScenario) -> None:
        super().__init__(task, attempt, scenario)
        self.file: File = task.payload
        self.lines = self.file.start
        self.approved: dict[str, Lines] = {}
        """Who has approved which content."""
        self.merged = False
        self._offered: dict[str, Patch] = {}

    def opening(self) -> str:
        pool = REQUESTS[self.task.split]
        return pool[int(self.rng.integers(len(pool)))].format(module=self.file.module)

    def reply(self, question: str) -> str:
        return "That is for your team to find out."

    def message(self, sender: str, receiver: str, call: ToolCall) -> str:
        given = call.arguments
        match call.name:
            case "request_checks":
                return f"please check {self.file.module}.py"
            case "report_finding":
                return f"{given['rule'].replace('_', ' ')} in line {given['line']}"
            case "report_failure":
                line = checks.line_of("\n".join(self.lines), given["function"])
                return f"the tests of {given['function']} fail, it begins in line {line}"
            case _:
                self.approved[sender] = self.lines
                return "approved"

    def work(self, call: ToolCall) -> ToolResult:
        act: Callable[[Mapping[str, Json]], Json] = getattr(self, f"_{call.name}")
        try:
            content = act(call.arguments)
        except KeyError as problem:
            return error("not_possible", str(problem.args[0]))
        return ToolResult(content, seconds=LATENCY.get(call.name, USUAL_LATENCY))

    def goals_hold(self) -> bool:
        """Merged; no finding, no failing test, and no line changed but those with a planted defect."""
        source = "\n".join(self.lines)
        clean = not (checks.lint(source) or checks.inspect(source) or self._failing())
        pairs = enumerate(zip(self.lines, self.file.original, strict=True), 1)
        changed = {number for number, (now, then) in pairs if now != then}
        return self.merged and clean and changed <= set(self.file.planted)

    def _failing(self) -> tuple[str, ...]:
        original = "\n".join(self.file.original)
        return checks.failing("\n".join(self.lines), original, self.file.functions)

    # --- the tools

    def _run_linter(self, given: Mapping[str, Json]) -> Json:
        return _shown(checks.lint("\n".join(self.lines)))

    def _inspect_code(self, given: Mapping[str, Json]) -> Json:
        return _shown(checks.inspect("\n".join(self.lines)))

    def _run_tests(self, given: Mapping[str, Json]) -> Json:
        failed = self._failing()
        return {"passed": not failed, "failed": [{"function": name} for name in failed]}

    def _suggest_repairs(self, given: Mapping[str, Json]) -> Json:
        file = self.file
        found = suggested(self.lines, file.original, file.functions, int(given["line"]))
        if not found:
            raise KeyError("there is nothing to repair in that line")
        self._offered |= {each.patch.id: each.patch for each in found}
        return {
            "repairs": [
                {
                    "repair_id": each.patch.id,
                    "text": each.patch.text.strip() or "(line removed)",
                    "findings": each.findings,
                    "failing_tests": each.failing,
                }
                for each in found
            ]
        }

    def _apply_repair(self, given: Mapping[str, Json]) -> Json:
        patch = self._offered.get(given["repair_id"])
        if patch is None:
            raise KeyError("that repair was not suggested")
        self.lines = patch.apply(self.lines)
        return {"applied": patch.id, "line": patch.line}

    def _merge(self, given: Mapping[str, Json]) -> Json:
        missing = [n for n in ("reviewer", "tester") if self.approved.get(n) != self.lines]
        if missing:
            raise KeyError(f"no approval of this content by {', '.join(missing)}")
        self.merged = True
        return {"merged": True}


def _shown(findings: tuple[checks.Finding, ...]) -> Json:
    return {
        "clean": not findings,
        "findings": [{"rule": finding.rule, "line": finding.line} for finding in findings],
    }
