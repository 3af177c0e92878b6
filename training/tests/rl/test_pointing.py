"""Whether a brought scenario can be learned: every argument of its reference path has to stand where the policy looks."""

from __future__ import annotations

from scenarios.library import library
from scenarios.sources.catalogue import compiled
from scenarios.sources.tool_lists import from_openai, start_of
from scenarios.sources.yaml_text import read_yaml
from scenarios.tests.own import document
from training.rl.pointing import out_of_reach


def test_every_step_of_the_start_can_be_pointed_at() -> None:
    assert out_of_reach(compiled(document()), 10) == []


def test_every_step_of_a_start_from_tools_can_be_pointed_at() -> None:
    tools = from_openai([tool.as_json() for tool in library.get("customer_support")().tools])
    text = start_of(tools, key="mine", title="Mine")
    assert out_of_reach(compiled(read_yaml(text).value), 5) == []


def test_a_value_that_nobody_says_is_out_of_reach() -> None:
    silent = document(('"{member.number} here. I want to read', '"I want to read'))
    found = out_of_reach(compiled(silent), 30)
    assert any("find_member" in line or "lend_book" in line for line in found)
