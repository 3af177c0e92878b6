"""The tools of a reviewer, as an agent sees them."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.core.types import Json, Tool
from scenarios.library.code_review.rules import KINDS

_LINE: dict[str, Json] = {"type": "integer", "minimum": 1, "maximum": 2000, "description": "Line of the file, from 1."}  # fmt: skip


def _tool(name: str, description: str, **properties: Json) -> Tool:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return Tool(name, description, schema)


TOOLS: tuple[Tool, ...] = (
    _tool(
        "analyze_code",
        "Open a file for review: its kind, size and structure, and functions that are too complex.",
        file={
            "type": "string",
            "pattern": r"^[\w/-]+\.[a-z]+$",
            "description": "Path of the file to review.",
        },
    ),
    _tool("detect_bugs", "Find bugs in the file under review (pyflakes, ruff and own checks)."),
    _tool("check_security", "Find security holes in the file under review (bandit)."),
    _tool("check_performance", "Find slow code in the file under review (ruff and own checks)."),
    _tool("run_linter", "Find style and naming issues in the file under review (ruff)."),
    _tool(
        "check_best_practices",
        "Find breaches of good practice in the file under review: bugs in the making and style.",
    ),
    _tool(
        "suggest_improvements",
        "Ways to repair the finding on a line, each tried out on a copy.",
        line=_LINE,
    ),
    _tool(
        "search_documentation",
        "Why a rule exists, with full explanations of its findings.",
        rule={
            "type": "string",
            "pattern": "^[a-z]+(-[a-z]+)+$",
            "description": "Name of the rule.",
        },
    ),
    _tool(
        "report_issue",
        "Report an issue of the file to its author; a second report of it replaces the first.",
        explanation={
            "type": "string",
            "pattern": r"^Line \d+, ",
            "description": "Line, rule, consequence and a fix that works.",
        },
        line=_LINE,
        kind={"type": "string", "enum": list(KINDS), "description": "Kind of issue."},
    ),
    _tool("finish_review", "Finish the review; everything is reported."),
)

KEYWORD_RULES: Mapping[str, tuple[str, ...]] = {
    "analyze_code": ("review", "check", "look", "file", ".py"),
    "detect_bugs": ("bug", "wrong", "mistake", "correct", "error", "everything"),
    "check_security": ("secur", "attack", "vulnerab", "safe", "everything"),
    "check_performance": ("slow", "speed", "fast", "performance", "everything"),
    "run_linter": ("style", "read", "tidy", "neat", "everything"),
    "check_best_practices": ("convention", "style", "practice", "bug"),
    "report_issue": ("report", "tell me", "find"),
    "finish_review": ("review",),
}

COMPANY_POLICY = """\
1. Open the file with `analyze_code`. What is not Python is handed over.
2. Run the tools that the review is about, all of them and no others: each costs time.
3. Report what was asked for. A bug in a review of style is somebody else's to find.
4. Report every defect, and nothing that is meant so: assertions, passwords and scratch files of tests; hashes and random
   numbers that guard no secret; commands, statements and addresses without values from outside; prints of a script;
   names that a framework gives; loops over a handful of values.
5. A comment that silences a rule excuses the line if it says why. Without a reason it excuses nothing.
6. What the request accepts for its file is not reported.
7. Imports, calls of other programs and long lines that tools remark on are no issues.
8. A report names line, rule and consequence, and a fix that really removes the finding.
"""
