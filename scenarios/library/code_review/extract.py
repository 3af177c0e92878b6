"""Extract a compound statement of a long function into a function of its own: the repair for complex shapes."""

from __future__ import annotations

import ast
import builtins

from scenarios.library.code_review.engines import Found, look, prime
from scenarios.library.code_review.rules import RULES

_COMPOUND = ast.For | ast.While | ast.If
_BUILTINS = frozenset(dir(builtins))


def extracted(text: str, found: Found) -> str:
    """The text with the largest statement moved out that makes the finding go; the old text where none does."""
    function = next(
        (n for n in ast.walk(ast.parse(text))
         if isinstance(n, ast.FunctionDef) and n.lineno == found.line), None
    )  # fmt: skip
    if function is None:
        return text
    inner = [n for n in ast.walk(function) if isinstance(n, _COMPOUND) and _may_move(n)]
    largest = sorted(inner, key=lambda n: n.lineno - (n.end_lineno or n.lineno))
    tried = [_moved(text, function, statement) for statement in largest]
    prime(tried)
    rule = found.rule
    helpful = (new for new in tried if rule not in {f.rule for f in look(RULES[rule].tool, new)})
    return next(helpful, text)


def _may_move(statement: ast.stmt) -> bool:
    """Whether control does not leave it by the side door."""
    leaving = ast.Return | ast.Break | ast.Continue | ast.Yield | ast.YieldFrom | ast.Await
    return not any(isinstance(n, leaving) for n in ast.walk(statement))


def _moved(text: str, function: ast.FunctionDef, statement: ast.stmt) -> str:
    lines = text.split("\n")
    first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
    names = [n for n in ast.walk(statement) if isinstance(n, ast.Name)]
    stored = {n.id for n in names if isinstance(n.ctx, ast.Store)}
    inside = set(map(id, names))
    outside = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and id(n) not in inside}
    bound = {a.arg for a in function.args.args} | outside
    given = sorted({n.id for n in names} & bound - _BUILTINS)
    back = sorted(stored & outside)
    name = f"_{function.name}_part"
    call = f"{name}({', '.join(given)})"
    space = " " * statement.col_offset
    line = f"{space}{', '.join(back)} = {call}" if back else f"{space}{call}"
    body = [f"    {kept[statement.col_offset :]}" for kept in lines[first:last]]
    end = function.end_lineno or last
    part = [
        "",
        "",
        f"def {name}({', '.join(given)}):",
        '    """One step of the function above."""',
        *body,
    ]
    if back:
        part.append(f"    return {', '.join(back)}")
    return "\n".join((*lines[:first], line, *lines[last:end], *part, *lines[end:]))
