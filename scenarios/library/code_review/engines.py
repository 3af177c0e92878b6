"""The engines that really look at code: ruff, pyflakes, bandit, and checks of our own. The code is never run.

Answers are remembered by content. ruff is a program of its own and costs about 10 ms to start, so it is asked about
many texts at once where they are known before (`prime`). Suppressing comments are not obeyed here: whether one is
justified is for the reviewer to say.
"""

from __future__ import annotations

import ast
import io
import json
import logging
import os
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pyflakes import checker, messages
from ruff import find_ruff_bin

from scenarios.library.code_review import checks
from scenarios.library.code_review.rules import BY_CODE, RULES, Engine, codes

KEPT = 60_000
"""Texts whose answers are remembered."""
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder below it is made by tempfile
_SCRATCH = _MEMORY if os.access(_MEMORY, os.W_OK) else None
"""Where texts are put for ruff: in memory where the system has such a place; thousands of small files are slow elsewhere."""

_PYFLAKES: dict[type[messages.Message], str] = {
    messages.IsLiteral: "F632",
    messages.AssertTuple: "F631",
    messages.RaiseNotImplemented: "F901",
    messages.UndefinedName: "F821",
    messages.UnusedVariable: "F841",
    messages.StringDotFormatMissingArgument: "F524",
    messages.RedefinedWhileUnused: "F811",
}


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A rule broken on a line (from 1) of a text. about: a name that the message quotes. fixed: ruff's repair."""

    line: int
    rule: str
    about: str = ""
    fixed: str = ""


_ruff: dict[str, tuple[Found, ...]] = {}


def prime(texts: Iterable[str]) -> None:
    """Ask ruff about all of these that it was not asked about before, in one go."""
    new = [text for text in dict.fromkeys(texts) if text not in _ruff]
    if not new:
        return
    if len(_ruff) + len(new) > KEPT:
        _ruff.clear()
    with tempfile.TemporaryDirectory(prefix="review-", dir=_SCRATCH) as folder:
        for number, text in enumerate(new):
            (Path(folder) / f"m{number}.py").write_text(text, encoding="utf-8")
        answers = _run_ruff(folder)
    for number, text in enumerate(new):
        _ruff[text] = tuple(sorted(_ruff_found(text, a) for a in answers.get(f"m{number}.py", ())))


def _run_ruff(folder: str) -> dict[str, list[Any]]:
    """ruff's answers by file name. Raises `RuntimeError` where it could not do its work."""
    command = [find_ruff_bin(), "check", "--isolated", "--no-cache", "--preview", "--ignore-noqa", "--quiet"]  # fmt: skip
    command += ["--target-version", "py311", "--output-format", "json", "--unsafe-fixes"]
    command += [
        "--config",
        "lint.explicit-preview-rules=true",
        "--config",
        "lint.mccabe.max-complexity=7",
        "--select",
        ",".join(codes("ruff")),
    ]
    done = subprocess.run([*command, folder], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"ruff failed: {done.stderr.strip()[:200]}")
    answers: dict[str, list[Any]] = {}
    for answer in json.loads(done.stdout):
        if answer["code"] in BY_CODE:  # not a syntax error
            answers.setdefault(Path(answer["filename"]).name, []).append(answer)
    return answers


def _ruff_found(text: str, answer: Any) -> Found:
    quoted = answer["message"].removeprefix("`for` ").split("`")
    fixed = _apply(text, answer["fix"]["edits"]) if answer["fix"] else ""
    about = quoted[1] if len(quoted) > 1 else ""
    return Found(answer["location"]["row"], BY_CODE[answer["code"]].name, about, fixed)


def _apply(text: str, edits: list[Any]) -> str:
    """A text with ruff's edits made, the last one first."""
    offsets = [0]
    for line in text.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))

    def place(at: Any) -> int:
        return int(offsets[at["row"] - 1] + at["column"] - 1)

    for edit in sorted(edits, key=lambda edit: -place(edit["location"])):
        start, end = place(edit["location"]), place(edit["end_location"])
        text = text[:start] + edit["content"] + text[end:]
    return text


def ruff(text: str) -> tuple[Found, ...]:
    if text not in _ruff:
        prime((text,))
    return _ruff[text]


@lru_cache(maxsize=KEPT)
def pyflakes(text: str) -> tuple[Found, ...]:
    found = (m for m in checker.Checker(ast.parse(text)).messages if type(m) in _PYFLAKES)
    return tuple(
        sorted(
            Found(m.lineno, BY_CODE[_PYFLAKES[type(m)]].name, str((*m.message_args, "")[0]))
            for m in found
        )
    )


@lru_cache(maxsize=KEPT)
def bandit(text: str) -> tuple[Found, ...]:
    tests, visitor, metrics = _bandit()
    data = text.encode()
    counted = metrics.Metrics()
    counted.begin("review.py")
    look = visitor.BanditNodeVisitor(
        "./review.py", io.BytesIO(data), _NoMeta(), tests, False, {}, counted
    )
    look.process(data)
    known = ((r.lineno, BY_CODE.get(r.test_id)) for r in look.tester.results)
    return tuple(sorted({Found(line, rule.name) for line, rule in known if rule is not None}))


class _NoMeta:
    """bandit keeps notes on every node for a later report; nobody reads them here."""

    def add_node(self, *_: Any) -> None:
        return None


@lru_cache(maxsize=1)
def _bandit() -> tuple[Any, Any, Any]:
    """bandit's rules and parts; loaded at first use, because it takes a third of a second."""
    with warnings.catch_warnings():
        # Its loader of plug-ins passes an argument that the loader's library is about to drop.
        warnings.simplefilter("ignore", DeprecationWarning)
        from bandit.core import config, metrics, node_visitor, test_set  # noqa: PLC0415

        logging.getLogger("bandit").setLevel(logging.ERROR)
        wanted = {"include": list(codes("bandit"))}
        return test_set.BanditTestSet(config.BanditConfig(), wanted), node_visitor, metrics


@lru_cache(maxsize=KEPT)
def own(text: str) -> tuple[Found, ...]:
    return tuple(sorted(Found(line, BY_CODE[code].name) for line, code in checks.check(text)))


_ENGINES: dict[Engine, Callable[[str], tuple[Found, ...]]] = {
    "ruff": ruff,
    "pyflakes": pyflakes,
    "bandit": bandit,
    "own": own,
}
_OF_TOOL = {
    tool: tuple(
        e for e in _ENGINES if any(r.tool == tool and r.engine == e for r in RULES.values())
    )
    for tool in dict.fromkeys(rule.tool for rule in RULES.values())
}
TOOLS: tuple[str, ...] = tuple(_OF_TOOL)
"""Tools that find something, in the order of the catalogue."""


def look(tool: str, text: str) -> tuple[Found, ...]:
    """What a tool finds in a text, in the order of its lines."""
    found = [f for engine in _OF_TOOL[tool] for f in _ENGINES[engine](text)]
    return tuple(sorted(f for f in found if RULES[f.rule].tool == tool))
