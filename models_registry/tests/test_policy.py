"""The policy: what it reads, what it can point at, and that the runtime needs no torch."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

from models_registry.policies import candidates
from models_registry.policies.architecture import initial_weights, shapes
from models_registry.policies.bags import bag, row, text_bag, text_tokens, words
from models_registry.policies.conversation import ASKS_IN_A_ROW, OMIT, Conversation
from models_registry.policies.runtime import Forward, PolicyRuntime, decide
from models_registry.policies.toolset import ToolSet, checker, toolset
from scenarios.core.schema import argument_errors
from scenarios.core.types import Tool, ToolCall, Turn

LOOKUP = Tool(
    "lookup",
    "Find a customer.",
    {
        "type": "object",
        "properties": {"email": {"type": "string", "pattern": "@"}},
        "required": ["email"],
    },
)
REFUND = Tool(
    "refund",
    "Give money back.",
    {
        "type": "object",
        "properties": {
            "payment_id": {"type": "string", "pattern": "^P-"},
            "amount": {"type": "number", "exclusiveMinimum": 0},
            "reason": {"type": "string", "enum": ["duplicate", "goodwill"]},
            "notify": {"type": "boolean"},
        },
        "required": ["payment_id", "amount"],
    },
)
PAYMENTS = {
    "payments": [
        {"payment_id": "P-1", "amount": 49.0, "status": "paid"},
        {"payment_id": "P-2", "amount": 12.5, "status": "failed"},
    ]
}


def conversation(*turns: Turn, tools: tuple[Tool, ...] = (LOOKUP, REFUND)) -> Conversation:
    made = Conversation(ToolSet(tools))
    made.extend(turns)
    return made


def asked(text: str) -> Turn:
    return Turn("user", text)


def answered(name: str, content: object, *, is_error: bool = False, **arguments: object) -> Turn:
    return Turn("tool", content, call=ToolCall(name, arguments), is_error=is_error)


def test_entities_become_markers_and_words_keep_their_pieces() -> None:
    assert words("Mail ann@x.org about T-123, $5.00") == (
        "mail",
        "entemail",
        "about",
        "entid",
        "entmoney",
    )
    tokens = text_tokens("passwords reset")
    assert {"passwords", "#<pas", "#rds>", "passwords reset"} <= set(tokens)


def test_equal_texts_share_a_bag_and_dropout_leaves_words_out_but_not_of_short_texts() -> None:
    assert bag(("a", "b")) is bag(("a", "b"))
    rng = np.random.default_rng(0)
    long = "please send me the invoice of the last payment again today"
    assert len(text_bag(long, dropout=0.9, rng=rng).rows) < len(text_bag(long).rows)
    assert text_bag("not verified", dropout=0.9, rng=rng) is text_bag("not verified")


def test_spans_of_the_request_can_be_pointed_at() -> None:
    found = {
        (c.key, c.value)
        for c in candidates.from_text('I am Ann Lee, ann@x.org, P-77, "blue", 49.00, 123456.', 0)
    }
    assert {
        ("email", "ann@x.org"),
        ("id", "P-77"),
        ("quoted", "blue"),
        ("name", "Ann Lee"),
    } <= found
    assert {("number", 49.0), ("code", "123456"), ("number", 123456)} <= found


def test_a_sum_and_a_code_do_not_look_the_same() -> None:
    text = "My code is 650185. It was $79.00, or €79 at most."
    numbers = [
        c for c in candidates.from_text(text, 0) if c.path == "number" and c.source == "user"
    ]
    bags = {str(c.value): c.bag for c in numbers if not isinstance(c.value, str)}
    assert set(bags) == {"650185", "79.0", "79"}
    shared = set(bags["79.0"].rows) & set(bags["79"].rows)
    assert row("money:True") in shared
    assert row("money:True") not in bags["650185"].rows
    assert row("digits:6") in bags["650185"].rows


def test_leaves_of_results_carry_their_path_and_the_record_beside_them() -> None:
    found = list(candidates.from_result("check", candidates.leaves(PAYMENTS), 3))
    first = next(c for c in found if c.value == "P-1")
    assert (first.key, first.path, first.siblings) == (
        "payment_id",
        "payments[].payment_id",
        ("P-1", 49.0, "paid"),
    )
    assert (
        len(list(candidates.from_result("check", candidates.leaves({"all": list(range(500))}), 0)))
        == candidates.MAX_LEAVES
    )


@pytest.mark.parametrize(
    ("value", "text", "said"),
    [
        (49.0, "it was $49.00 i think", True),
        (49.0, "it was 149.00", False),
        (49.0, "it was 49.005", False),
        ("Pro", "the pro plan", True),
        ("Pro", "a problem", False),
        (True, "true", False),
        ("ab", "ab", False),
    ],
)
def test_a_value_is_mentioned_only_as_a_whole(value: object, text: str, said: bool) -> None:
    assert candidates.is_mentioned(value, text) is said


def test_tools_without_a_candidate_for_a_required_argument_are_masked() -> None:
    empty = conversation(asked("hello there"))
    assert list(empty.observe().mask) == [False, False, True, True, True]
    full = conversation(asked("ann@x.org paid"), answered("lookup", PAYMENTS, email="ann@x.org"))
    assert list(full.observe().mask[:2]) == [True, True]


def test_choices_hold_only_values_that_the_schema_allows() -> None:
    made = conversation(asked("refund 49.00 please, or 12"), answered("lookup", PAYMENTS))
    parameters = {p.name: p for p in made.tools.views[1].parameters}
    values = {
        name: [c.value for c in made.choices(1, p, {}).candidates] for name, p in parameters.items()
    }
    assert values["payment_id"] == ["P-1", "P-2"]
    assert values["reason"] == ["duplicate", "goodwill", OMIT]
    assert values["notify"] == [True, False, OMIT]
    assert all(isinstance(v, int | float) and v > 0 for v in values["amount"])


def test_the_record_that_the_user_means_stands_out() -> None:
    made = conversation(asked("the payment of 12.50 failed"), answered("lookup", PAYMENTS))
    choices = made.choices(1, made.tools.views[1].parameters[0], {})
    assert [bool(row[4]) for row in choices.pair] == [False, True]
    assert made.candidates[-1].overlap >= 0


def test_a_later_word_of_the_user_changes_which_record_is_meant() -> None:
    made = conversation(asked("money back"), answered("lookup", PAYMENTS))
    made.extend([Turn("assistant", "Which?"), asked("The one over 49.00.")])
    choices = made.choices(1, made.tools.views[1].parameters[0], {})
    assert [bool(row[4]) for row in choices.pair] == [True, False]


def test_the_same_call_is_not_offered_for_ever() -> None:
    same = answered("lookup", {"found": False}, email="a@b.c")
    made = conversation(asked("a@b.c"), same, same)
    assert not made.observe().mask[0]
    made.extend([asked("try once more")])
    assert made.observe().mask[0]
    fault = answered("lookup", {"error": "timeout"}, is_error=True, email="a@b.c")
    assert conversation(asked("a@b.c"), fault, fault, fault).observe().mask[0]
    assert not conversation(asked("a@b.c"), fault, fault, fault, fault).observe().mask[0]


def test_asking_over_and_over_is_not_offered() -> None:
    question = [Turn("assistant", "?"), asked("no idea")]
    made = conversation(asked("hi"), *question * ASKS_IN_A_ROW)
    assert not made.observe().mask[made.tools.index["ask"]]


def test_a_tool_turn_must_say_what_it_answers() -> None:
    with pytest.raises(ValueError, match="must carry the call"):
        conversation(Turn("tool", {}))


def test_no_sampled_call_breaks_its_schema() -> None:
    forward, rng = Forward(initial_weights(1)), np.random.default_rng(0)
    made = conversation(asked("refund 49.00 to ann@x.org, see P-9"), answered("lookup", PAYMENTS))
    tools = {tool.name: tool for tool in (LOOKUP, REFUND)}
    calls = [s.decision.call for _ in range(40) for s in decide(forward, [made] * 25, rng)]
    made_calls = [call for call in calls if call is not None]
    assert len(made_calls) > 300
    for call in made_calls:
        assert argument_errors(tools[call.name], call.arguments) == ()


def test_probabilities_add_up_and_the_confidence_is_the_decisions_own() -> None:
    made = conversation(asked("ann@x.org"))
    sample = decide(Forward(initial_weights(2)), [made])[0]
    assert sample.decision.confidence == pytest.approx(np.exp(sample.log_prob))
    assert sample.decision.alternatives[0][0] == sample.decision.label


def test_weights_of_another_shape_are_refused() -> None:
    weights = initial_weights(0)
    weights["table.weight"] = weights["table.weight"][:10]
    with pytest.raises(ValueError, match=r"table\.weight"):
        Forward(weights)
    assert set(initial_weights(0)) == set(shapes())


def test_the_runtime_is_the_same_from_many_threads() -> None:
    runtime = PolicyRuntime(initial_weights(3))
    turns = [asked("please look up ann@x.org")]
    expected = runtime.act(turns, [LOOKUP, REFUND])
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(runtime.act(turns, [LOOKUP, REFUND])))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8


def test_without_tools_there_is_an_answer() -> None:
    assert PolicyRuntime(initial_weights(0)).act([asked("hi")], []).call is None


def test_tool_sets_are_cached_by_identity() -> None:
    tools = (LOOKUP,)
    assert toolset(tools) is toolset(tools)
    assert toolset((LOOKUP,)) is not toolset((REFUND,))


def test_unusual_schemas_fall_back_to_the_full_validator() -> None:
    check = checker({"type": ["string", "null"], "maxLength": 3})
    assert check("abc")
    assert not check("abcd")
    assert checker({"type": "integer", "minimum": 2})(2)
    assert not checker({"type": "integer"})(2.5)
    assert not checker({"type": "number"})(True)
    assert checker({"type": "array"})([1])


def test_the_runtime_does_not_import_torch() -> None:
    code = (
        "import sys, models_registry.policies.runtime, training.rl.evaluation;"
        "sys.exit('torch' in sys.modules or 'django' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
