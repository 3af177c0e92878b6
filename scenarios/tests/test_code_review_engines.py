"""The engines behind the review: what they find in every unit, what surrounds it, and repairs that really help."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from scenarios.core.types import SPLITS, Split
from scenarios.library.code_review import CodeReview, engines, explain, wording
from scenarios.library.code_review.context import fact, mark
from scenarios.library.code_review.explain import Step
from scenarios.library.code_review.findings import (
    Finding,
    defect_cases,
    explanations,
    findings,
    is_defect,
    warm,
)
from scenarios.library.code_review.rules import KINDS, NOTES, RULES
from scenarios.library.code_review.source import Piece, Source, module
from scenarios.library.code_review.units import CLEAN, DEFECTS, DOUBLES, Unit

CATEGORY = re.compile(r"[a-z][a-z_ /-]{0,27}")
"""Texts that a policy takes for one of a few, and not for free text."""


@pytest.fixture(autouse=True, scope="module")
def _warm() -> None:
    warm("train", tuple(wording.book("train")["names"]))


def alone(unit: Unit, noun: str = "orders") -> tuple[Source, list[Finding]]:
    """A file with nothing but this unit, and all findings in it."""
    source = Source("a/b.py", unit.where[0], "A file.", (unit.piece(noun),))
    return source, [finding for told in findings(source).values() for finding in told]


def named(unit: Unit) -> str:
    return f"{unit.rule}-{DEFECTS.index(unit) if unit.defect else DOUBLES.index(unit)}"


@pytest.mark.parametrize("unit", DEFECTS, ids=named)
def test_a_planted_defect_is_found_once_and_its_repair_removes_it(unit: Unit) -> None:
    source, told = alone(unit)
    (found,) = [f for f in told if f.rule == unit.rule]
    assert is_defect(found)
    tried = explanations(source, found)
    assert explain.CLEAN in [outcome for _, outcome in tried]
    full = next(text for text, outcome in tried if outcome == explain.CLEAN)
    assert explain.complete(source, full, found.rule, found.line)
    assert explain.complete(source, found.explanation, found.rule, found.line) == (not found.lacks)


@pytest.mark.parametrize("unit", DOUBLES, ids=named)
def test_a_double_is_found_and_is_no_defect(unit: Unit) -> None:
    _, told = alone(unit)
    assert [f.rule for f in told].count(unit.rule) == 1
    assert not [f for f in told if is_defect(f)]


@pytest.mark.parametrize("split", SPLITS)
def test_there_is_nothing_to_find_in_clean_units(split: Split) -> None:
    for unit in CLEAN[split]:
        assert {f.rule for f in alone(unit)[1]} <= NOTES


def test_there_are_enough_kinds_of_defects_in_every_category() -> None:
    kinds = Counter(RULES[rule].kind for rule in {unit.rule for unit in DEFECTS})
    assert sum(kinds.values()) >= 90
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 15
    assert {unit.rule for unit in (*DEFECTS, *DOUBLES)} <= set(RULES)


def test_units_define_different_names_so_that_they_can_share_a_file() -> None:
    heads = Counter(unit.source for unit in (*DEFECTS, *DOUBLES, *CLEAN["train"]))
    assert max(heads.values()) == 1


def test_no_unit_has_a_defect_beside_its_own() -> None:
    for unit in DEFECTS:
        for kind in unit.where:
            source = Source("a/b.py", kind, "A file.", (unit.piece("orders"),))
            told = [f for found in findings(source).values() for f in found]
            assert [f.rule for f in told if is_defect(f)] == [unit.rule]


def test_cases_are_short_enough_to_be_seen_as_categories() -> None:
    cases = {f.case for unit in (*DEFECTS, *DOUBLES) for f in alone(unit)[1]}
    assert defect_cases() <= cases | {case for case in defect_cases() if case.endswith("in test")}
    assert not [case for case in cases if not CATEGORY.fullmatch(case)]
    assert not [name for name in RULES if not CATEGORY.fullmatch(name)]


@pytest.mark.parametrize("split", SPLITS)
def test_a_whole_file_gives_what_its_pieces_give(split: Split) -> None:
    scenario = CodeReview()
    for seed in range(25):
        source = scenario.task(split, "hard", seed).payload.source
        if source is None:
            continue
        for tool, told in findings(source).items():
            whole = {(f.line, f.rule) for f in engines.look(tool, source.text)}
            assert whole == {(f.line, f.rule) for f in told}, (seed, tool)


def test_the_repair_of_a_file_helps_in_the_whole_file_too() -> None:
    scenario = CodeReview()
    for seed in range(12):
        task = scenario.task("test", "hard", seed)
        for finding in task.payload.wanted:
            source: Source = task.payload.source
            text = next(t for t, o in explanations(source, finding) if o == explain.CLEAN)
            lines: list[str] = list(source.lines)
            for step in sorted(explain.read(text), key=lambda s: -s.first):
                at = step.first or 3
                lines[at - 1 : step.last if step.first else 2] = step.new
            tool = RULES[finding.rule].tool
            before = Counter(f.rule for f in engines.look(tool, source.text))
            after = Counter(f.rule for f in engines.look(tool, "\n".join(lines) + "\n"))
            assert after[finding.rule] == before[finding.rule] - 1


def test_code_under_review_is_never_run(tmp_path: Path) -> None:
    target = tmp_path / "ran"
    text = f'open({str(target)!r}, "w").close()\nraise SystemExit(1)\n'
    for tool in engines.TOOLS:
        engines.look(tool, text)
    assert not target.exists()


def test_ruff_is_asked_once_about_many_texts() -> None:
    texts = [f"def f{i}(x):\n    return x == None\n" for i in range(5)]
    engines.prime(texts)
    assert [[f.rule for f in engines.ruff(text)] for text in texts] == [
        ["no-docstring", "none-comparison"]
    ] * 5


def test_a_silencing_comment_does_not_hide_a_finding() -> None:
    text = "def f(x, y=[]):  # noqa\n    eval(x)  # nosec\n    return y\n"
    assert "mutable-default" in [f.rule for f in engines.look("detect_bugs", text)]
    assert "eval-used" in [f.rule for f in engines.look("check_security", text)]


@pytest.mark.parametrize(
    ("line", "marked"),
    [
        ("x = 1", "none"),
        ("x = 1  # noqa", "without reason"),
        ("x = 1  # noqa: B006", "without reason"),
        ("x = 1  # nosec B101, B102", "without reason"),
        ("x = 1  # noqa: B006 - shared on purpose", "with reason"),
        ("x = 1  # nosec B307 - our own text", "with reason"),
        ("x = 1  # just a remark", "none"),
    ],
)
def test_a_comment_excuses_only_with_a_reason(line: str, marked: str) -> None:
    assert mark(line + "\n", 1) == marked


@pytest.mark.parametrize(
    ("rule", "text", "line", "told"),
    [
        ("weak-hash", "def make_token(x):\n    return hashlib.md5(x)\n", 2, "secret"),
        ("weak-hash", "def shard(x):\n    return hashlib.md5(x)\n", 2, "checksum"),
        ("weak-hash", "def f(x):\n    return hashlib.md5(x)\n", 2, "unknown use"),
        ("weak-random", "def backoff():\n    return random.random()\n", 2, "delay"),
        ("assert-check", "assert x is not None\n", 1, "narrows a type"),
        ("assert-check", "assert isinstance(x, int)\n", 1, "narrows a type"),
        ("assert-check", "assert x > 1\n", 1, "checks input"),
        ("sql-injection", 'c.execute(f"SELECT {TABLE}")\n', 1, "from a value"),
        ("sql-injection", 'cursor.execute(f"SELECT {TABLE}")\n', 1, "from constant"),
        ("loop-mutation", "for a in b:\n    b.remove(a)\n", 1, "goes on"),
        ("loop-mutation", "for a in b:\n    b.remove(a)\n    break\n", 1, "then leaves"),
        ("manual-list", "for a in (1, 2):\n    b.append(a)\n", 2, "few values"),
        ("shell-injection", 'run("ls", shell=True)\n', 1, "fixed text"),
        ("shell-injection", "run(x, shell=True)\n", 1, "variable"),
    ],
)
def test_facts_are_read_from_the_code(rule: str, text: str, line: int, told: str) -> None:
    assert fact(rule, text, line, "module") == told


def test_in_a_test_other_things_are_fine() -> None:
    assert fact("assert-check", "assert x > 1\n", 1, "test") == "in test"
    assert fact("hardcoded-password", 'password = "x9"\n', 1, "test") == "in test"


STEPS = (
    Step(7, 7, ("x = 1",)),
    Step(7, 8, ("x = 1", "    y = 2")),
    Step(7, 7, ()),
    Step(7, 9, ()),
    Step(8, 7, ("new",)),
    Step(0, 0, ("import os",)),
)


@pytest.mark.parametrize("step", STEPS)
def test_a_repair_is_read_as_it_was_written(step: Step) -> None:
    assert explain.read(explain.text("weak-hash", 7, (step,))) == (step,)
    assert explain.read(explain.text("weak-hash", 7, STEPS)) == STEPS


def weak() -> Source:
    body = ("def f(x):", '    """Hash."""', "    return hashlib.md5(x)")
    imports = ("import hashlib",)
    return Source("a.py", "module", "T.", (Piece(imports, body, module(imports, body)),))


@pytest.mark.parametrize(
    ("new", "outcome"),
    [
        ("    return hashlib.sha256(x)", explain.CLEAN),
        ("    return hashlib.sha1(x)", explain.STILL),
        ("    return eval(x)", explain.OTHER),
        ("    return (", explain.BROKEN),
    ],
)
def test_a_repair_is_carried_out_and_looked_at_again(new: str, outcome: str) -> None:
    source = weak()
    (found,) = findings(source)["check_security"]
    text = explain.text("weak-hash", found.line, (Step(found.line, found.line, (new,)),))
    assert explain.outcome(source, text, "weak-hash", found.line) == outcome
    assert explain.complete(source, text, "weak-hash", found.line) == (outcome == explain.CLEAN)


def test_an_explanation_has_to_name_line_rule_and_consequence() -> None:
    source = weak()
    (found,) = findings(source)["check_security"]
    steps = (Step(found.line, found.line, ("    return hashlib.sha256(x)",)),)
    full = explain.text("weak-hash", found.line, steps)
    assert explain.complete(source, full, "weak-hash", found.line)
    for broken in (
        full.replace(f"Line {found.line}", f"Line {found.line + 1}"),
        full.replace("B324", "B000"),
        full.replace(RULES["weak-hash"].why, ""),
        full.partition(" Fix:")[0],
        explain.text("weak-hash", found.line, steps, reason=False),
        explain.text("weak-hash", found.line, ()),
        explain.text("weak-hash", found.line, (Step(900, 900, ("x",)),)),
    ):
        assert not explain.complete(source, broken, "weak-hash", found.line)
