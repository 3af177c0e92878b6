"""Planting defects in a file, and computing what could repair one. A patch replaces one line by another."""

from __future__ import annotations

import ast
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from scenarios.library.collaborative_coding import checks
from scenarios.library.collaborative_coding.functions.function import Function

Lines = tuple[str, ...]
SHOWN = 4
"""Patches that a suggestion lists."""

_SWAPS: tuple[tuple[str, str], ...] = (
    (" > ", " >= "),
    (" >= ", " > "),
    (" < ", " <= "),
    (" <= ", " < "),
    (" and ", " or "),
    (" or ", " and "),
    (" + ", " - "),
    (" - ", " + "),
    (" * ", " + "),
    (" + ", " * "),
    (" == 0", " == 1"),
    (" == 1", " == 0"),
    ("[0]", "[-1]"),
    ("[-1]", "[0]"),
    ("[1]", "[0]"),
    ("[0]", "[1]"),
    (" != ", " == "),
    (" == ", " != "),
    ("return 0", "return 1"),
    ("return 1", "return 0"),
    ("return -1", "return 1"),
    ("return 1", "return -1"),
    (" < len(", " > len("),
    (" > len(", " < len("),
)
"""Small slips: what a line says, and what it could say instead."""
_STYLE: tuple[tuple[str, str], ...] = (
    (" is None", " == None"),
    ("except ValueError:", "except:"),
    ("except ZeroDivisionError:", "except:"),
)
_TYPE = re.compile(r"isinstance\((\w+), (\w+)\)")
_TYPE_BACK = re.compile(r"type\((\w+)\) == (\w+)")
_LOOP = re.compile(r"^( +for \w+ in )(\w+):$")
_LOOP_BACK = re.compile(r"^( +for \w+ in )list\((\w+)\):$")


@dataclass(frozen=True, slots=True)
class Patch:
    """Line (from 1) and its new text."""

    line: int
    text: str

    @property
    def id(self) -> str:
        """The same patch always has the same name."""
        return f"R-{zlib.crc32(f'{self.line}:{self.text}'.encode()) % 900_000 + 100_000}"

    def apply(self, lines: Lines) -> Lines:
        return (*lines[: self.line - 1], self.text, *lines[self.line :])


def slips(lines: Lines) -> Iterator[Patch]:
    """Every small slip that could be made somewhere."""
    for number, line in enumerate(lines, 1):
        if not line.startswith(("def ", "import ")):
            for old, new in _SWAPS:
                for at in _places(line, old):
                    yield Patch(number, line[:at] + new + line[at + len(old) :])


def _places(line: str, part: str) -> Iterator[int]:
    at = line.find(part)
    while at >= 0:
        yield at
        at = line.find(part, at + 1)


def style_faults(lines: Lines) -> Iterator[Patch]:
    """Every way to write a line worse that changes no result."""
    for number, line in enumerate(lines, 1):
        for old, new in _STYLE:
            if old in line:
                yield Patch(number, line.replace(old, new, 1))
        if _TYPE.search(line):
            yield Patch(number, _TYPE.sub(r"type(\1) == \2", line, count=1))
        if _LOOP.search(line):
            yield Patch(number, _LOOP.sub(r"\1list(\2):", line))


def repairs(lines: Lines, at: int) -> list[Patch]:
    """What could repair the line `at`, or where a function begins there, any line of it."""
    if not 1 <= at <= len(lines):
        return []
    if lines[at - 1].startswith("def "):
        end = next((n for n in range(at, len(lines)) if not lines[n]), len(lines))
        inside = [p for p in slips(lines) if at < p.line <= end]
        return [patch for patch in inside if _parses(patch.apply(lines))]
    line = lines[at - 1]
    found = [Patch(at, "")]
    for old, new in _STYLE:
        if new in line and old not in line:
            found.append(Patch(at, line.replace(new, old, 1)))
    if _TYPE_BACK.search(line):
        found.append(Patch(at, _TYPE_BACK.sub(r"isinstance(\1, \2)", line, count=1)))
    if _LOOP_BACK.search(line):
        found.append(Patch(at, _LOOP_BACK.sub(r"\1\2:", line)))
    found += [patch for patch in slips(lines) if patch.line == at]
    return [patch for patch in dict.fromkeys(found) if _parses(patch.apply(lines))]


def _parses(lines: Lines) -> bool:
    try:
        ast.parse("\n".join(lines))
    except SyntaxError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A patch with what trying it out has shown: `fewer`, `same` or `more` findings and failing tests."""

    patch: Patch
    findings: str
    failing: str

    @property
    def good(self) -> bool:
        """Something is mended, and nothing else is worse."""
        both = {self.findings, self.failing}
        return "fewer" in both and "more" not in both


@lru_cache(maxsize=20_000)
def suggested(
    lines: Lines, original: Lines, functions: tuple[Function, ...], at: int
) -> tuple[Suggestion, ...]:
    """At most `SHOWN` patches of the line or function `at`, each tried out, good ones among them, in no telling order."""
    source = "\n".join(original)
    before = problems(lines)
    failed = set(checks.failing("\n".join(lines), source, functions))
    found = []
    for patch in repairs(lines, at):
        after = patch.apply(lines)
        now = set(checks.failing("\n".join(after), source, functions))
        tests = "same" if now == failed else "fewer" if now < failed else "more"
        found.append(Suggestion(patch, _word(problems(after) - before), tests))
    ranked = sorted(found, key=lambda each: not each.good)
    return tuple(sorted(ranked[:SHOWN], key=lambda each: each.patch.id))


def _word(difference: int) -> str:
    return "same" if not difference else "fewer" if difference < 0 else "more"


def problems(lines: Lines) -> int:
    """How many findings a file has."""
    source = "\n".join(lines)
    return len(checks.lint(source)) + len(checks.inspect(source))
