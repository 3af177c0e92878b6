"""What surrounds a finding, in one short fact: what a hash is for, whether a loop goes on after an error, and so on.

The facts are read from the code (names, literals, the statement's neighbours, a comment that gives a reason) and from
the kind of file. They say nothing of what is right; that is the reviewer's to learn.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from scenarios.library.code_review.source import FileKind

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_MARK = re.compile(r"#\s*(?:noqa|nosec)\b[:\s]*[A-Z0-9, ]*(?:-\s*(?P<reason>\w.*))?")
_TESTED = frozenset({"no-encoding", "hardcoded-password", "tmp-path", "assert-check", "no-docstring"})  # fmt: skip
"""Rules for which it matters whether the code is a test's."""

_PURPOSES: Mapping[str, frozenset[str]] = {
    "secret": frozenset({"password", "secret", "sign", "signature", "token", "session", "reset"}),
    "checksum": frozenset({"etag", "cache", "checksum", "shard"}),
    "delay": frozenset({"delay", "jitter", "retry", "backoff"}),
    "sample": frozenset({"sample", "shuffle", "demo"}),
}
_STORING = frozenset({"stamp", "stored", "created", "updated", "saved", "expires"})
_CLOSING = frozenset({"close", "cleanup", "shutdown", "exit"})
_FRAMEWORK = re.compile(r"(visit_[A-Z]|do_[A-Z]+$|setUp|tearDown|depart_)")
_STARTERS = frozenset({"run", "call", "check_output", "Popen", "urlopen"})
_LOUD = frozenset({"error", "exception", "critical", "warning"})


@dataclass(frozen=True, slots=True)
class Spot:
    """A line of a text: the nodes that begin on it, what they stand in from the outside in, the kind of file."""

    text: str
    nodes: tuple[ast.AST, ...]
    above: tuple[ast.AST, ...]
    kind: FileKind

    @property
    def function(self) -> str:
        heads = [n.name for n in (*self.above, *self.nodes) if isinstance(n, ast.FunctionDef)]
        return heads[-1] if heads else ""

    def words(self) -> frozenset[str]:
        """Words of the names on the line and of the functions around it."""
        return frozenset(w.lower() for w in _WORDS.findall(f"{self.function} {self.text}"))

    def calls(self) -> list[ast.Call]:
        return [n for n in self.nodes if isinstance(n, ast.Call)]

    def loop(self) -> ast.For | None:
        """The innermost for loop around the line, or on it."""
        loops = [n for n in (*self.above, *self.nodes) if isinstance(n, ast.For)]
        return loops[-1] if loops else None


@lru_cache(maxsize=4096)
def _tree(text: str) -> tuple[ast.Module, dict[ast.AST, ast.AST]]:
    tree = ast.parse(text)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    return tree, parents


def spot(text: str, line: int, kind: FileKind) -> Spot:
    """The spot on a line (from 1) of a text."""
    tree, parents = _tree(text)
    nodes = tuple(n for n in ast.walk(tree) if getattr(n, "lineno", 0) == line)
    above: list[ast.AST] = []
    node: ast.AST | None = parents.get(nodes[0]) if nodes else None
    while node is not None:
        above.insert(0, node)
        node = parents.get(node)
    return Spot(text.split("\n")[line - 1], nodes, tuple(above), kind)


@lru_cache(maxsize=60_000)
def mark(text: str, line: int) -> str:
    """Whether a comment suppresses the finding: `none`, `without reason`, `with reason`."""
    found = _MARK.search(text.split("\n")[line - 1])
    if found is None:
        return "none"
    return "with reason" if found["reason"] else "without reason"


@lru_cache(maxsize=60_000)
def fact(rule: str, text: str, line: int, kind: FileKind) -> str:
    """The fact that a reviewer would want to know of this rule's finding here; empty where there is none."""
    if rule in _TESTED and kind == "test":
        return "in test"
    describe = _FACTS.get(rule)
    return describe(spot(text, line, kind)) if describe else ""


def _purpose(at: Spot) -> str:
    words = at.words()
    return next((name for name, signs in _PURPOSES.items() if words & signs), "unknown use")


def _literal_loop(at: Spot) -> str:
    loop = at.loop()
    over = [loop.iter] if loop else [g.iter for n in at.nodes for g in getattr(n, "generators", ())]
    return "few values" if any(isinstance(n, ast.Tuple | ast.List) for n in over) else ""


def _few_members(at: Spot) -> str:
    names = {c.comparators[0].id for c in at.nodes
             if isinstance(c, ast.Compare) and isinstance(c.comparators[0], ast.Name)}  # fmt: skip
    for outer in at.above:
        for node in ast.walk(outer):
            if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.List):
                continue
            if names & {t.id for t in node.targets if isinstance(t, ast.Name)}:
                return "few values"
    return ""


def _callee(call: ast.Call) -> str:
    named = call.func
    return named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", "")


def _first_argument(at: Spot, constant: str) -> str:
    outer = [c for c in at.calls() if c.args and _callee(c) in _STARTERS]
    fixed = any(isinstance(c.args[0], ast.Constant) for c in outer)
    return constant if fixed else "variable"


def _sql(at: Spot) -> str:
    names = [n.id for n in at.nodes if isinstance(n, ast.Name) and n.id != "cursor"]
    return "from constant" if names and all(n.isupper() for n in names) else "from a value"


def _password(at: Spot) -> str:
    texts = [n.value for n in at.nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return "a label" if all(t.isalpha() and t.islower() for t in texts) else "real"


def _assert(at: Spot) -> str:
    tests = [n.test for n in at.nodes if isinstance(n, ast.Assert)]
    narrow = (
        any(isinstance(op, ast.Is | ast.IsNot) for op in t.ops)
        if isinstance(t, ast.Compare)
        else isinstance(t, ast.Call) and isinstance(t.func, ast.Name) and t.func.id == "isinstance"
        for t in tests
    )
    return "narrows a type" if all(narrow) else "checks input"


def _mutation(at: Spot) -> str:
    loop = at.loop()
    ends = any(isinstance(n, ast.Break | ast.Return) for n in ast.walk(loop)) if loop else False
    return "then leaves" if ends else "goes on"


def _pattern(at: Spot) -> str:
    loop = at.loop()
    target = loop.target.id if loop and isinstance(loop.target, ast.Name) else ""
    compiled = [c for c in at.calls() if isinstance(c.func, ast.Attribute) and c.func.attr == "compile"]  # fmt: skip
    used = {n.id for c in compiled for a in c.args for n in ast.walk(a) if isinstance(n, ast.Name)}
    return "changing" if target in used else "same"


def _dispatch(at: Spot) -> str:
    functions = [n for n in at.nodes if isinstance(n, ast.FunctionDef)]
    body = functions[0].body[1:] if functions else []
    flat = body and all(isinstance(n, ast.If | ast.Return | ast.Match) for n in body)
    return "a flat dispatch" if flat else ""


_FACTS: Mapping[str, Callable[[Spot], str]] = {
    "self-comparison": lambda at: "nan test" if "nan" in at.words() else "",
    "loop-mutation": _mutation,
    "float-equality": lambda at: "zero" if "== 0.0" in at.text else "a fraction",
    "swallowed-error": lambda at: "when closing" if at.words() & _CLOSING else "at work",
    "naive-datetime": lambda at: "stored" if at.words() & _STORING else "shown",
    "shell-injection": lambda at: _first_argument(at, "fixed text"),
    "url-open": lambda at: _first_argument(at, "fixed address"),
    "pickle-load": lambda at: "own cache" if "cache" in at.words() else "from outside",
    "weak-hash": _purpose,
    "weak-random": _purpose,
    "sql-injection": _sql,
    "hardcoded-password": _password,
    "assert-check": _assert,
    "manual-list": _literal_loop,
    "string-building": _literal_loop,
    "count-by-list": _literal_loop,
    "list-membership": _few_members,
    "compile-in-loop": _pattern,
    "query-in-loop": lambda at: "in batches" if at.words() & {"batch", "batches", "executemany"} else "one by one",
    "eager-log": lambda at: "on failure" if at.words() & _LOUD else "at debug level",
    "none-comparison": lambda at: "in query" if ".filter(" in at.text or ".where(" in at.text else "",
    "true-comparison": lambda at: "in query" if ".filter(" in at.text or ".where(" in at.text else "",
    "type-comparison": lambda at: "in eq" if at.function == "__eq__" else "",
    "unused-import": lambda at: "in package" if at.kind == "package" else "",
    "function-name": lambda at: "framework name" if _FRAMEWORK.match(at.function) else "",
    "print-left": lambda at: "in script" if at.kind == "script" else "",
    "too-many-arguments": lambda at: "in init" if at.function == "__init__" else "",
    "too-complex": _dispatch,
}  # fmt: skip
