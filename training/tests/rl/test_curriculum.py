"""The curriculum by itself: promotion, demotion, windows, and stages in words."""

from __future__ import annotations

import pytest

from scenarios.core.env import ToolEnv
from scenarios.core.stage import Stage
from scenarios.library import library
from training.rl.config import ConfigError, parse_config
from training.rl.curriculum import Curriculum, curriculum, parse

STAGES = (Stage("easy", window=4), Stage("medium", window=4), Stage("hard", window=4))


def test_success_promotes_failure_demotes_and_every_stage_starts_a_new_window() -> None:
    course = Curriculum(STAGES)
    assert course.add([True, True, True]) is None, "the window is not full"
    change = course.add([True])
    assert change is not None
    assert (change.before, change.after, change.success) == ("easy", "medium", 1.0)
    assert course.add([False, False, True]) is None
    back = course.add([False, False])
    assert back is not None
    assert (back.before, back.after) == ("medium", "easy")


def test_it_stays_at_its_ends() -> None:
    course = Curriculum(STAGES[:1])
    assert course.add([True] * 4) is None
    assert course.add([False] * 4) is None
    assert course.stage.name == "easy"


def test_it_goes_on_from_what_was_taken_down() -> None:
    course = Curriculum(STAGES)
    course.add([True] * 4)
    course.add([True, False])
    other = Curriculum(STAGES)
    other.restore(course.as_json())
    assert other == course


def test_it_ends_at_the_runs_own_difficulty() -> None:
    stages = library.get("customer_support").curriculum
    assert [s.difficulty for s in curriculum("on", stages, "medium").stages] == ["easy", "medium"]
    assert [s.difficulty for s in curriculum("off", stages, "hard").stages] == ["hard"]


def test_stages_in_words() -> None:
    first, second = parse("easy promote=0.9 faults=0.1; hard window=50 steps=6 demote=0.2")
    assert first == Stage("easy", promote_at=0.9, fault_rate=0.1)
    assert second == Stage("hard", demote_below=0.2, window=50, max_steps=6)
    assert second.name == "hard, 6 steps"


@pytest.mark.parametrize("text", ["", "simple", "easy promote=2", "easy pace=3", "hard steps=0"])
def test_bad_stages_are_named(text: str) -> None:
    with pytest.raises(ConfigError, match="curriculum: "):
        parse_config({"curriculum": text})


def test_the_dials_reach_the_world() -> None:
    env = ToolEnv(library.get("echo")(), "train", "medium")
    env.stage = Stage("easy", fault_rate=0.5, max_steps=1)
    env.reset(seed=1)
    assert env.world is not None
    assert env.world.fault_rate == 0.5
    assert env.world.task.difficulty == "easy"
    _, _, _, truncated, _ = env.step(env.world.oracle())
    assert truncated
