"""What really looks at the shared file: pyflakes, a few checks of our own over the syntax tree, and the tests.

The code comes from `modules` and `defects` only, never from a user; it runs with a handful of builtins and nothing else.
Results are remembered by content: the same file gives the same answer, and training looks at it thousands of times.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import FrameType
from typing import Any

from pyflakes import checker, messages

from scenarios.library.collaborative_coding.functions.function import Function

_ALLOWED = ("len", "sum", "min", "max", "int", "str", "float", "bool", "list", "range", "isinstance", "type",
            "ValueError", "ZeroDivisionError", "abs", "sorted")  # fmt: skip
_BUILTINS = {name: getattr(builtins, name) for name in _ALLOWED}
_RULES: dict[type[messages.Message], str] = {
    messages.UnusedImport: "unused_import",
    messages.UnusedVariable: "unused_variable",
    messages.FStringMissingPlaceholders: "empty_fstring",
    messages.UndefinedName: "undefined_name",
}
RULES = (
    *_RULES.values(),
    "compare_none",
    "bare_except",
    "compare_type",
    "shadowed_builtin",
    "hardcoded_password",
    "needless_copy",
)
_SHADOWED = frozenset(dir(builtins))
_SECRETS = ("password", "secret", "token")
STEPS = 2_000
"""Lines that one call may execute; what the files hold here needs less than a hundred."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken on a line (from 1)."""

    rule: str
    line: int


@lru_cache(maxsize=20_000)
def lint(source: str) -> tuple[Finding, ...]:
    """What pyflakes finds, in the order of the lines."""
    found = checker.Checker(ast.parse(source)).messages
    return tuple(
        Finding(_RULES.get(type(message), "other"), message.lineno)
        for message in sorted(found, key=lambda message: message.lineno)
    )


@lru_cache(maxsize=20_000)
def inspect(source: str) -> tuple[Finding, ...]:
    """What our own checks find, in the order of the lines."""
    found = [f for node in ast.walk(ast.parse(source)) for f in _look(node)]
    return tuple(sorted(found, key=lambda finding: finding.line))


def _look(node: ast.AST) -> list[Finding]:
    if isinstance(node, ast.ExceptHandler) and node.type is None:
        return [Finding("bare_except", node.lineno)]
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in _SHADOWED:
        return [Finding("shadowed_builtin", node.lineno)]
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
        return _look_at_comparison(node)
    if isinstance(node, ast.For) and _calls(node.iter, "list"):
        return [Finding("needless_copy", node.lineno)]
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if isinstance(node.value.value, str) and any(name in _SECRETS for name in names):
            return [Finding("hardcoded_password", node.lineno)]
    return []


def _look_at_comparison(node: ast.Compare) -> list[Finding]:
    right = node.comparators[0]
    if isinstance(right, ast.Constant) and right.value is None:
        return [Finding("compare_none", node.lineno)]
    return [Finding("compare_type", node.lineno)] if _calls(node.left, "type") else []


def _calls(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == name


@lru_cache(maxsize=20_000)
def _results(source: str, functions: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """(function, what its calls gave, as text) for every function. functions: name and calls, as text."""
    space: dict[str, Any] = {"__builtins__": _BUILTINS}
    try:
        # Our own generated code, see above; imports at its head stay out of the way.
        lines = [line for line in source.split("\n") if not line.startswith("import ")]
        exec(compile("\n".join(lines), "<shared>", "exec"), space)  # noqa: S102
    except Exception as problem:
        return tuple((name, type(problem).__name__) for name, _ in functions)
    return tuple((name, _called(space, name, calls)) for name, calls in functions)


def _called(space: dict[str, Any], name: str, calls: str) -> str:
    given = []
    for arguments in ast.literal_eval(calls):
        try:
            given.append(repr(_limited(space[name], arguments)))
        except Exception as problem:
            given.append(type(problem).__name__)
    return ", ".join(given)


def _limited(function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    """What a call gives. Raises `TimeoutError` after `STEPS` lines."""
    left = STEPS

    def count(frame: FrameType, event: str, given: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise TimeoutError
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        return function(*arguments)
    finally:
        sys.settrace(before)


def failing(source: str, original: str, functions: tuple[Function, ...]) -> tuple[str, ...]:
    """Names of the functions that no longer give what the original file's gave."""
    named = tuple((function.name, function.calls) for function in functions)
    pairs = zip(_results(source, named), _results(original, named), strict=True)
    return tuple(name for (name, now), (_, then) in pairs if now != then)


@lru_cache(maxsize=20_000)
def line_of(source: str, name: str) -> int:
    """The line (from 1) on which a function begins; 0 where there is none."""
    found = (
        node.lineno
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    )
    return next(found, 0)
