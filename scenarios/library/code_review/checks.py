"""Checks of our own over the syntax tree, for what the other engines do not look at. Codes: AG1 bugs, AG3 speed, AG4 shape."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from itertools import pairwise

Hit = tuple[int, str]
"""Line and code."""

Loop = ast.For | ast.While | ast.AsyncFor
Function = ast.FunctionDef | ast.AsyncFunctionDef

_PURE_METHODS = frozenset({"strip", "lower", "upper", "replace", "title", "lstrip", "rstrip"})
_PURE_FUNCTIONS = frozenset({"sorted", "reversed", "max", "min", "len"})
_NESTED = 5
"""Levels of blocks in a function from which on it counts as deeply nested."""


def check(text: str) -> Iterator[Hit]:
    """All hits in a text."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for look in _CHECKS:
            yield from look(node)


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _method(node: ast.AST) -> str:
    """`execute` of `cursor.execute(...)`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr
    return ""


def _called(node: ast.AST) -> str:
    return _name(node.func) if isinstance(node, ast.Call) else ""


def _inside(loop: Loop) -> Iterator[ast.AST]:
    """All nodes of a loop's body."""
    for statement in loop.body:
        yield from ast.walk(statement)


def _loop_mutation(node: ast.AST) -> Iterator[Hit]:
    if isinstance(node, ast.For) and (name := _name(node.iter)):
        for inner in _inside(node):
            if _method(inner) in ("remove", "pop", "insert") and isinstance(inner, ast.Call):
                target = inner.func.value if isinstance(inner.func, ast.Attribute) else inner
                if _name(target) == name:
                    yield node.lineno, "AG101"


def _range_too_long(node: ast.AST) -> Iterator[Hit]:
    if _called(node) == "range" and isinstance(node, ast.Call):
        end = node.args[min(1, len(node.args) - 1)]
        if (
            isinstance(end, ast.BinOp)
            and isinstance(end.op, ast.Add)
            and _called(end.left) == "len"
        ):
            yield node.lineno, "AG102"


def _float_equality(node: ast.AST) -> Iterator[Hit]:
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
        other = node.comparators[0]
        if isinstance(other, ast.Constant) and isinstance(other.value, float):
            yield node.lineno, "AG103"


def _unreachable(node: ast.AST) -> Iterator[Hit]:
    for block in (getattr(node, "body", None), getattr(node, "orelse", None)):
        if isinstance(block, list):
            for first, second in pairwise(block):
                if isinstance(first, ast.Return | ast.Raise | ast.Break | ast.Continue):
                    yield second.lineno, "AG104"


def _dropped_result(node: ast.AST) -> Iterator[Hit]:
    if isinstance(node, ast.Expr) and (
        _method(node.value) in _PURE_METHODS or _called(node.value) in _PURE_FUNCTIONS
    ):
        yield node.lineno, "AG105"


def _swallowed(node: ast.AST) -> Iterator[Hit]:
    if not isinstance(node, ast.ExceptHandler) or not isinstance(node.body[0], ast.Pass):
        return
    if node.type is None or _name(node.type) in ("Exception", "BaseException"):
        yield node.lineno, "AG106"


def _string_building(node: ast.AST) -> Iterator[Hit]:
    if not isinstance(node, Function):
        return
    texts = {
        _name(a.targets[0])
        for a in ast.walk(node)
        if isinstance(a, ast.Assign) and isinstance(a.value, ast.Constant) and a.value.value == ""
    }
    for loop in ast.walk(node):
        if isinstance(loop, Loop):
            for inner in _inside(loop):
                if isinstance(inner, ast.AugAssign) and _name(inner.target) in texts:
                    yield inner.lineno, "AG301"


def _list_membership(node: ast.AST) -> Iterator[Hit]:
    if not isinstance(node, Function):
        return
    lists = {
        _name(a.targets[0])
        for a in ast.walk(node)
        if isinstance(a, ast.Assign) and isinstance(a.value, ast.List | ast.ListComp)
    }
    for inner in ast.walk(node):
        if isinstance(inner, ast.GeneratorExp | ast.ListComp):
            for test in (n for n in ast.walk(inner) if isinstance(n, ast.Compare)):
                member = isinstance(test.ops[0], ast.In | ast.NotIn)
                if member and _name(test.comparators[0]) in lists:
                    yield test.lineno, "AG302"


_IN_LOOPS: dict[str, str] = {
    "compile": "AG303",
    "execute": "AG304",
    "executemany": "AG304",
    "deepcopy": "AG305",
}


def _pops_front(node: ast.AST) -> bool:
    if _method(node) != "pop" or not isinstance(node, ast.Call) or not node.args:
        return False
    return isinstance(node.args[0], ast.Constant) and node.args[0].value == 0


def _in_loop(node: ast.AST) -> Iterator[Hit]:
    if not isinstance(node, Loop):
        return
    for inner in _inside(node):
        if code := _IN_LOOPS.get(_method(inner)):
            yield inner.lineno, code  # type: ignore[attr-defined]  # calls have a line
        elif _called(inner) == "sorted":
            yield inner.lineno, "AG307"  # type: ignore[attr-defined]
        elif _pops_front(inner):
            yield inner.lineno, "AG306"  # type: ignore[attr-defined]


def _count_by_list(node: ast.AST) -> Iterator[Hit]:
    counted = isinstance(node, ast.Call) and _called(node) == "len"
    if counted and isinstance(node.args[0], ast.ListComp):  # type: ignore[attr-defined]
        yield node.lineno, "AG308"  # type: ignore[attr-defined]


def _deep_nesting(node: ast.AST) -> Iterator[Hit]:
    if isinstance(node, Function) and _depth(node) >= _NESTED:
        yield node.lineno, "AG401"


def _depth(node: ast.AST) -> int:
    """Levels of blocks below a node."""
    blocks = ast.For | ast.While | ast.If | ast.With | ast.Try
    inner = (_depth(c) + isinstance(c, blocks) for c in ast.iter_child_nodes(node))
    return max(inner, default=0)


_CHECKS: tuple[Callable[[ast.AST], Iterator[Hit]], ...] = (
    _loop_mutation,
    _range_too_long,
    _float_equality,
    _unreachable,
    _dropped_result,
    _swallowed,
    _string_building,
    _list_membership,
    _in_loop,
    _count_by_list,
    _deep_nesting,
)
