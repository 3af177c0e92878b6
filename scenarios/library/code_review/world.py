"""The world of one attempt: words the request, runs the tools on the file under review, keeps the reports, grades."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.core.draws import Draws
from scenarios.core.tasks import Task
from scenarios.core.types import Json, Tool, ToolCall, ToolResult
from scenarios.core.world import World, error
from scenarios.library.code_review import wording
from scenarios.library.code_review.explain import complete
from scenarios.library.code_review.findings import CODE_TOOLS, Finding, explanations, findings
from scenarios.library.code_review.rules import KINDS, RULES, Kind
from scenarios.library.code_review.tasks import SCOPES, Review

SECONDS: Mapping[str, float] = {
    "analyze_code": 2.0,
    "detect_bugs": 4.0,
    "check_security": 6.0,
    "check_performance": 5.0,
    "run_linter": 2.0,
    "check_best_practices": 3.0,
    "suggest_improvements": 5.0,
    "search_documentation": 1.5,
    "report_issue": 0.5,
    "finish_review": 0.5,
}
"""What a call takes on average where files are of the usual size."""
ASIDE, CHATTER = 0.35, 0.4
"""Shares of requests that say what they are not about, and that say something of no interest."""

Report = tuple[int, str]
"""Line and kind."""


class ReviewWorld(World):
    """A file is opened by `analyze_code`, looked at by tools, reported on, and the review is finished once."""

    def __init__(
        self, task: Task, attempt: int, tools: tuple[Tool, ...], fault_rate: float
    ) -> None:
        super().__init__(task, attempt, tools, fault_rate)
        self.review: Review = task.payload
        self.wanted: dict[Report, Finding] = {f.key: f for f in self.review.wanted}
        self.reported: dict[Report, str] = {}
        """Report -> its explanation; the latest one, where it was made more than once."""
        self.ran: dict[str, tuple[Finding, ...]] = {}
        """Tool that looked at the code -> what it told."""
        self.finished = False
        self._draws = Draws(self.rng)
        self._opening = self._worded()

    def _worded(self) -> str:
        words, draws, review = wording.book(self.task.split), self._draws, self.review
        named = draws.pick(words["file" if review.names_file else "nofile"])
        more = [self._scope()]
        outside = [kind for kind in KINDS if kind not in SCOPES[review.scope]]
        if outside and self.task.difficulty != "easy" and draws.chance(ASIDE):
            more.append(self._aside(draws.pick(outside)))
        if review.waived:
            more.append(self._waiver())
        if draws.chance(CHATTER):
            more.append(draws.pick(words["chatter"]))
        return " ".join((named.format(file=review.path), *draws.shuffled(more)))

    def _scope(self) -> str:
        """What the review is about: a phrase, or where the split has them a topic in a frame."""
        words, draws, scope = wording.book(self.task.split), self._draws, self.review.scope
        if "frames" not in words or draws.chance(0.5):
            return str(draws.pick(words["scope"][scope]))
        topics = words["topics"]
        kinds = ("all",) if scope == "all" else draws.shuffled(SCOPES[scope])
        if scope != "all" and len(kinds) == 1 and draws.chance(0.3):
            kinds = (*kinds, *kinds)  # two words for the same
        named = [draws.pick(topics[kind]) for kind in kinds]
        topic = named[0]
        if len(named) > 1:
            topic = draws.pick(words["joins"]).format(a=named[0], b=named[1])
        return str(draws.pick(words["frames"])).format(topic=topic)

    def _aside(self, kind: Kind) -> str:
        words, draws = wording.book(self.task.split), self._draws
        if "unframes" not in words or draws.chance(0.4):
            return str(draws.pick(words["aside"][kind]))
        return str(draws.pick(words["unframes"])).format(topic=draws.pick(words["topics"][kind]))

    def _waiver(self) -> str:
        words, draws, waived = wording.book(self.task.split), self._draws, self.review.waived
        if "accepts" not in words or draws.chance(0.5):
            return str(draws.pick(words["waiver"][waived]))
        return str(draws.pick(words["accepts"])).format(topic=draws.pick(words["accepted"][waived]))

    def opening(self) -> str:
        return self._opening

    def reply(self, question: str) -> str:
        words = wording.book(self.task.split)
        if self.review.names_file or "asked" in self.done:
            return str(self._draws.pick(words["nothing"]))
        return str(self._draws.pick(words["reply_file"])).format(file=self.review.path)

    def run(self, call: ToolCall) -> ToolResult:
        seconds = SECONDS[call.name] * (0.7 + 0.6 * self._draws.unit())
        try:
            content = self._answer(call.name, call.arguments)
        except KeyError as problem:
            return error("not_possible", str(problem.args[0]), seconds=seconds)
        return ToolResult(content, seconds=seconds)

    def _answer(self, name: str, given: Mapping[str, Json]) -> dict[str, Json]:
        if name == "analyze_code":
            return self._analyze_code(given["file"])
        if "analyze_code" not in self.ran:
            raise KeyError("no file is open; analyze_code opens one")
        if self.finished:
            raise KeyError("the review is finished")
        if name in CODE_TOOLS:
            return {"findings": self._look(name)}
        if name == "suggest_improvements":
            return self._suggest(int(given["line"]))
        if name == "search_documentation":
            return self._search(given["rule"])
        if name == "report_issue":
            return self._report(given)
        self.finished = True
        return {"state": "finished", "issues": "some" if self.reported else "none"}

    def _look(self, tool: str) -> list[Json]:
        assert self.review.source is not None
        self.ran[tool] = findings(self.review.source)[tool]
        return [finding.as_json() for finding in self.ran[tool]]

    def _analyze_code(self, path: Json) -> dict[str, Json]:
        review = self.review
        if path != review.path:
            raise KeyError(f"there is no file {path!r}")
        if review.source is None:
            return {"file": review.path, "language": review.language, "reviewable": "no"}
        size = len(review.source.lines)
        return {
            "file": review.path,
            "language": "python",
            "reviewable": "yes",
            "file_kind": review.source.kind,
            "size": "short" if size < 40 else "medium" if size < 80 else "long",
            "findings": self._look("analyze_code"),
        }

    def _seen(self) -> list[Finding]:
        return [finding for told in self.ran.values() for finding in told]

    def _suggest(self, line: int) -> dict[str, Json]:
        assert self.review.source is not None
        found = [f for f in self._seen() if f.line == line]
        if not found:
            raise KeyError(f"no tool has found anything on line {line}")
        return {
            "improvements": [
                {"line": line, "rule": f.rule, "case": f.case, "kind": f.kind, "outcome": outcome,
                 "explanation": text}
                for f in found
                for text, outcome in explanations(self.review.source, f)
            ]
        }  # fmt: skip

    def _search(self, rule: str) -> dict[str, Json]:
        if rule not in RULES:
            raise KeyError(f"there is no rule {rule!r}")
        source = self.review.source
        assert source is not None
        places = [(f, explanations(source, f)) for f in self._seen() if f.rule == rule]
        return {
            "rule": rule,
            "why": RULES[rule].why,
            "places": [
                {"line": f.line, "case": f.case, "kind": f.kind, "explanation": told[0][0]}
                for f, told in places
                if told
            ],
        }

    def _report(self, given: Mapping[str, Json]) -> dict[str, Json]:
        key = (int(given["line"]), str(given["kind"]))
        self.reported[key] = given["explanation"]
        left = [f.case for f in self._seen() if f.key not in self.reported]
        return {"open": [{"case": case} for case in left]}

    def _complete(self, key: Report) -> bool:
        """Whether the explanation of a right report names all it has to, with a repair that works."""
        source, found = self.review.source, self.wanted[key]
        return source is not None and complete(source, self.reported[key], found.rule, found.line)

    def goals_hold(self) -> bool:
        """Every required tool has looked, exactly the wanted findings are reported, fully, and the review is over."""
        if self.review.source is None:
            return "analyze_code" in self.done and not self.reported
        looked = set(self.review.tools) <= set(self.ran)
        told = self.reported.keys() == self.wanted.keys() and all(map(self._complete, self.wanted))
        return looked and told and self.finished

    def measured(self) -> Mapping[str, tuple[float, float]]:
        right = [key for key in self.reported if key in self.wanted]
        explained = sum(map(self._complete, right))
        return {
            "detection": (float(len(right)), float(len(self.wanted))),
            "false_reports": (float(len(self.reported) - len(right)), float(len(self.reported))),
            "explained": (float(explained), float(len(right))),
        }
