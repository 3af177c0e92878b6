"""The shared file: its defects are real, its tools really look, and only a checked file can be merged."""

from __future__ import annotations

import ast
from collections import Counter
from typing import Any

import pytest

from scenarios.core.team_env import TeamEnv
from scenarios.core.types import DIFFICULTIES, SPLITS, Decision, ToolCall
from scenarios.library import library
from scenarios.library.collaborative_coding import checks
from scenarios.library.collaborative_coding.defects import Patch, repairs, suggested
from scenarios.library.collaborative_coding.functions import FUNCTIONS


def scenario() -> Any:
    return library.get("collaborative_coding")()


def opened(seed: int, difficulty: Any = "medium") -> TeamEnv:
    env = TeamEnv(scenario(), "train", difficulty)
    env.reset(options={"task_seed": seed})
    return env


def call(name: str, **arguments: Any) -> Decision:
    return Decision("tool", ToolCall(name, arguments))


@pytest.mark.parametrize("split", SPLITS)
def test_the_functions_are_clean_and_run(split: Any) -> None:
    for function in FUNCTIONS[split]:
        source = "\n".join(function.lines)
        assert checks.lint(source) == ()
        assert checks.inspect(source) == ()
        [(_, given)] = checks._results(source, ((function.name, function.calls),))
        assert "Error" not in given, function.name


def test_every_rule_is_found_where_it_is_broken() -> None:
    found = {
        "import os\n": "unused_import",
        "x = f'a'\n": "empty_fstring",
        "def f():\n    y = 1\n": "unused_variable",
        "print(nobody)\n": "undefined_name",
    }
    assert {source: checks.lint(source)[0].rule for source in found} == found
    own = {
        "x = 1\nif x == None:\n    x = 2\n": ("compare_none", 2),
        "try:\n    x = 1\nexcept:\n    x = 2\n": ("bare_except", 3),
        "x = 1\ny = type(x) == int\n": ("compare_type", 2),
        "list = 3\n": ("shadowed_builtin", 1),
        "x = 1\ntoken = 'abc'\n": ("hardcoded_password", 2),
        "for x in list((1, 2)):\n    y = x\n": ("needless_copy", 1),
    }
    seen = {source: checks.inspect(source)[0] for source in own}
    assert {source: (f.rule, f.line) for source, f in seen.items()} == own


def test_a_slip_fails_the_tests_of_its_function_only() -> None:
    functions = FUNCTIONS["train"][:2]
    original = "\n".join((*functions[0].lines, "", *functions[1].lines))
    slipped = original.replace("total - total", "total + total")
    assert checks.failing(slipped, original, functions) == (functions[0].name,)
    assert checks.failing(original, original, functions) == ()
    assert checks.failing("def (", original, functions) == tuple(f.name for f in functions)


def test_code_of_a_file_can_reach_nothing_outside() -> None:
    source = "def f(x):\n    return open(x)\n"
    [(_, given)] = checks._results(source, (("f", "(('/etc/hostname',),)"),))
    assert given == "NameError"


def test_a_call_that_does_not_end_is_stopped() -> None:
    source = "def f(x):\n    while True:\n        x = x + 1\n"
    [(_, given)] = checks._results(source, (("f", "((1,),)"),))
    assert given == "TimeoutError"


@pytest.mark.parametrize("split", SPLITS)
def test_no_function_can_run_on_after_a_slip(split: Any) -> None:
    for function in FUNCTIONS[split]:
        tree = list(ast.walk(ast.parse(function.source)))
        assert not any(isinstance(node, ast.While) for node in tree), function.name
        called = {
            node.func.id
            for node in tree
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert function.name not in called


def test_suggestions_are_tried_out_and_one_is_right() -> None:
    function = next(f for f in FUNCTIONS["train"] if f.name == "parse_age")
    original = tuple(function.lines)
    damaged = Patch(4, "    except:").apply(original)
    found = suggested(damaged, original, (function,), 4)
    good = [each.patch for each in found if each.good]
    assert good == [Patch(4, "    except ValueError:")]
    wrong = next(each for each in found if "Zero" in each.patch.text)
    assert (wrong.findings, wrong.failing, wrong.good) == ("fewer", "more", False)
    assert repairs(original, 99) == []


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_task_has_real_defects(difficulty: Any) -> None:
    kinds: Counter[str] = Counter()
    for seed in range(120):
        file = scenario().task("train", difficulty, seed).payload
        source, original = "\n".join(file.start), "\n".join(file.original)
        findings = (*checks.lint(source), *checks.inspect(source))
        failed = checks.failing(source, original, file.functions)
        assert findings or failed
        kinds.update({finding.rule for finding in findings})
        kinds["tests"] += bool(failed)
        changed = [
            n for n, (a, b) in enumerate(zip(file.start, file.original, strict=True), 1) if a != b
        ]
        assert set(changed) == set(file.planted)
    assert {"unused_import", "empty_fstring", "tests"} <= set(kinds)
    assert {"compare_none", "bare_except", "compare_type", "needless_copy"} & set(kinds)
    assert {"shadowed_builtin", "hardcoded_password"} <= set(kinds)


def test_functions_bear_other_names_in_other_modules() -> None:
    files = [scenario().task("train", "easy", seed).payload for seed in range(60)]
    for file in files:
        assert all(function.name.endswith(f"_{file.module}") for function in file.functions)
    assert len({function.name for file in files for function in file.functions}) > 50


@pytest.mark.parametrize("split", SPLITS)
def test_of_what_is_suggested_only_one_repair_is_good(split: Any) -> None:
    """Else the author would have to guess. It has to hold in the middle of the work too."""
    repaired = 0
    for seed in range(60):
        env = TeamEnv(scenario(), split, "hard")
        env.reset(options={"task_seed": seed})
        world: Any = env.world
        while env.agents:
            actions = {role: world.oracle_of(role) for role in world.active()}
            wanted = actions.get("author")
            if wanted is not None and wanted.label == "apply_repair":
                shown = env.views["author"][-1].content
                if isinstance(shown, dict) and "repairs" in shown:
                    good = [r["repair_id"] for r in shown["repairs"] if _good(r)]
                    assert good == [wanted.call.arguments["repair_id"]]
                    repaired += 1
            infos = env.step(actions)[4]
        assert infos["author"]["success"] is True
        assert world.lines == world.file.original
    assert repaired > 100


def _good(repair: Any) -> bool:
    both = {repair["findings"], repair["failing_tests"]}
    return "fewer" in both and "more" not in both


def test_nothing_is_merged_without_both_approvals_of_this_very_content() -> None:
    env = opened(0)
    world: Any = env.world
    result = world.act("author", call("merge")).outcome.turns[-1]
    assert result.is_error
    assert "no approval of this content by reviewer, tester" in str(result.content)
    world.act("author", call("request_checks"))
    assert world.active() == ("reviewer", "tester")
    world.act("reviewer", call("approve_code"))
    world.act("tester", call("approve_tests"))
    assert world.act("author", call("merge")).outcome.turns[-1].is_error is False
    assert world.merged
    assert not world.goals_hold(), "the approvals were given without looking"


def test_a_repair_that_was_not_suggested_is_refused() -> None:
    env = opened(1)
    world: Any = env.world
    before = world.lines
    result = world.act("author", call("apply_repair", repair_id="R-123456")).outcome.turns[-1]
    assert result.is_error
    assert world.lines == before
