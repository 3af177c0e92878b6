"""Redaction: named values are gone everywhere, and what was equal stays equal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scenarios.sources.base import SourceError
from scenarios.sources.traces import document, read_traces
from scenarios.sources.traces.redaction import Pseudonyms, rules_of


def row(email: str, phone: str) -> dict[str, Any]:
    arguments = json.dumps({"email": email})
    made = {"id": "1", "function": {"name": "find_customer", "arguments": arguments}}
    found = {
        "customers": [{"name": "Ada Koenig", "phone": phone, "id": 4711}],
        "note": f"call {phone}",
    }
    return {
        "messages": [
            {"role": "user", "content": f"I am {email.upper()}, or {email}; call {phone}."},
            {"role": "assistant", "tool_calls": [made]},
            {"role": "tool", "tool_call_id": "1", "content": json.dumps(found)},
            {"role": "assistant", "content": f"Ada Koenig, I shall call {phone}."},
        ]
    }


def read(*rules: str) -> Any:
    rows = [row("ada.k@shop.example", "+49 30 123456"), row("bo@shop.example", "+49 30 99887")]
    data = "\n".join(map(json.dumps, rows)).encode()
    return read_traces(data, "openai_chat", redact=rules)


def test_a_named_value_is_gone_from_the_whole_document_and_stays_pointable() -> None:
    reading = read("arguments.email", "result.*.phone", "result.customers.name")
    text = json.dumps(document(reading, "shop", split="none"))
    for private in ("ada", "shop.example", "123456", "Koenig", "99887"):
        assert private.lower() not in text.lower()
    assert reading.redacted == 5
    first = reading.conversations[0]
    made = first.calls[0].turn
    assert made.call is not None
    email = made.call.arguments["email"]
    assert email.endswith("@example.com")
    request = first.turns[0].content
    assert request.count(email) == 2
    phone = made.content["customers"][0]["phone"]
    assert phone.startswith("+")
    assert f"call {phone}" in request
    assert made.content["note"] == f"call {phone}"
    assert made.content["customers"][0]["id"] == 4711
    assert reading.statistics.coverage == 1.0


def test_a_file_gives_the_same_pseudonyms_each_time() -> None:
    assert read("user:email").conversations == read("user:email").conversations


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ann@x.example", "email"),
        ("+49 (0)30 1234567", "phone"),
        ("4111 1111 1111 1111", "card"),
        ("DE89 3704 0044 0532 0130 00", "iban"),
        ("10.0.0.17", "ip"),
    ],
)
def test_patterns_find_what_users_write(text: str, kind: str) -> None:
    rows = row("q@q.example", "1")
    rows["messages"][0]["content"] = f"Mine is {text}, yes"
    reading = read_traces(json.dumps(rows).encode(), "openai_chat", redact=[f"user:{kind}"])
    assert text not in reading.conversations[0].turns[0].content
    assert reading.redacted == 1


def test_numbers_stay_numbers_and_whole_words_whole() -> None:
    names = Pseudonyms.of(["4711", "Ann", "4711"])
    assert len(names) == 2
    made = names.value(4711)
    assert isinstance(made, int)
    assert names.value("4711") == str(made)
    assert names.text("Annabel owes Ann 4711, not 14711") == (
        f"Annabel owes {names.known['ann']} {made}, not 14711"
    )
    assert names.value(True) is True


def test_rules_that_are_none_are_all_named() -> None:
    with pytest.raises(SourceError) as caught:
        rules_of(["arguments.email", "user:shoe", "result", "result.*.*.*.*.x"])
    assert [line.partition(":")[0] for line in caught.value.mistakes] == [
        "redact[1]", "redact[2]", "redact[3]",
    ]  # fmt: skip
