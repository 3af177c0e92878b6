"""OpenAI's protocol: what is read, what is answered, and the clients that people have for it, over real HTTP."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from models_registry.adapters._core import Core
from models_registry.adapters._gateway import Gateway, Upstream
from models_registry.adapters._livetools import world_tools
from models_registry.adapters._openai_chat import BadRequest, completion, events, read
from models_registry.tests.adapters.harness import run_in, whisper
from models_registry.tests.adapters.over_http import CLIENTS, KEY, listening, serving, spec_of
from models_registry.tests.scripted import Obedient, Repeating, Scripted, calls
from scenarios.core.types import Decision, ToolCall
from scenarios.library import library

DONE = Decision("final", text="Done.", confidence=0.8)
HELLO = {"role": "user", "content": "hello"}
AUTH = {"Authorization": f"Bearer {KEY}"}


def ask(url: str, body: Any, path: str = "chat/completions", **more: Any) -> httpx.Response:
    return httpx.post(f"{url}/{path}", json=body, headers=AUTH, timeout=20, **more)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_trained_policy_does_the_same_over_http(
    client: str, seed: int, echo_bundle: Path
) -> None:
    def attempt(where: str) -> tuple[str, list[ToolCall], bool]:
        scenario = library.get("echo")()
        world = scenario.world(scenario.task("test", "easy", seed))
        made: list[ToolCall] = []

        def noted(reply: Any) -> None:
            made.extend([reply.decision.call] if reply.decision.call else [])

        core = Core.of(echo_bundle, on_reply=noted)
        start = CLIENTS.get(where)
        tools = world_tools(world)
        text = (
            start(core, tools, world.opening())
            if start
            else run_in("plain", core, tools, world.opening()).text
        )
        return text, made, world.goals_hold()

    text, made, reached = attempt(client)
    plain_text, _, plain_reached = attempt("plain")
    assert (text, reached) == (plain_text, plain_reached)
    assert reached
    assert len(made) == 1


def test_a_conversation_is_read_in_canonical_turns() -> None:
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "whisper", "arguments": '{"word": "x"}'},
    }
    chat = read(
        {
            "model": "policy",
            "messages": [
                {"role": "system", "content": "be kind"},
                {"role": "user", "content": [{"type": "text", "text": "say "}, {"type": "text", "text": "x"}]},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c1", "content": '{"said": "x"}'},
                {"role": "tool", "tool_call_id": "zz", "content": '{"error": "timeout", "message": "m"}'},
                {"role": "assistant", "content": "Done."},
            ],
            "tools": [spec_of(whisper)],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    )  # fmt: skip
    roles = [(turn.role, turn.content) for turn in chat.turns]
    assert roles == [
        ("user", "say x"),
        ("assistant", ""),
        ("tool", {"said": "x"}),
        ("assistant", ""),
        ("tool", {"error": "timeout", "message": "m"}),
        ("assistant", "Done."),
    ]
    assert chat.turns[2].call == ToolCall("whisper", {"word": "x"})
    assert chat.turns[4].is_error
    assert chat.tools == (whisper.spec,)
    assert chat.stream
    assert chat.with_usage


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [HELLO] * 501}, "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0]"),
        ({"messages": [3]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "a\0"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "a" * 200_001}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content"),
        ({"messages": [{"role": "assistant", "tool_calls": 3}]}, "messages[0].tool_calls"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "messages[0].tool_calls"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "a", "arguments": "{"}}]}]}, "messages[0].tool_calls"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "a", "arguments": "[1]"}}]}]}, "messages[0].tool_calls"),
        ({"tools": {}}, "tools"),
        ({"tools": [3]}, "tools[0]"),
        ({"tools": [{"function": {"name": "a", "parameters": []}}] * 201}, "tools"),
        ({"tools": [{"function": {"name": "a", "parameters": [1]}}]}, "tools[0].parameters"),
        ({"n": 2}, "n"),
        ({"model": 3}, "model"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_refused_by_name(change: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read({"messages": [HELLO], **change})
    assert caught.value.param == param


def test_the_wire_says_what_is_wrong() -> None:
    with serving(Core.of(Repeating(DONE))) as (url, _):
        answer = ask(url, {"messages": []})
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "messages"
        broken = httpx.post(f"{url}/chat/completions", content=b"{", headers=AUTH)
        assert broken.status_code == 400
        assert "no JSON" in broken.json()["error"]["message"]
        listed = httpx.post(f"{url}/chat/completions", content=b"[]", headers=AUTH)
        assert listed.json()["error"]["param"] == "body"
        large = httpx.post(f"{url}/chat/completions", content=b" " * 4_000_001, headers=AUTH)
        assert large.status_code == 413


def test_only_who_has_the_key_is_served() -> None:
    with serving(Core.of(Repeating(DONE))) as (url, _):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": KEY}):
            for path, method in (("chat/completions", "POST"), ("models", "GET")):
                answer = httpx.request(method, f"{url}/{path}", headers=headers)
                assert answer.status_code == 401
        assert httpx.get(url.removesuffix("/v1") + "/healthz").status_code == 200
        names = httpx.get(f"{url}/models", headers=AUTH).json()["data"]
        assert [entry["id"] for entry in names] == ["policy"]


def test_an_answer_carries_confidence_and_costs_no_tokens() -> None:
    with serving(Core.of(Repeating(calls("whisper", 0.75, word="x")))) as (url, gateway):
        found = ask(url, {"messages": [HELLO], "tools": [spec_of(whisper)]}).json()
    [choice] = found["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"]) == {"word": "x"}
    assert found["usage"]["total_tokens"] == 0
    assert found["agentgym"]["confidence"] == 0.75
    assert gateway.ledger.as_json()["decided"] == 1


def test_a_stream_says_the_same_as_an_answer() -> None:
    reply = Core.of(Repeating(calls("whisper", 0.75, word="x"))).decide([], [whisper.spec])
    whole = completion(reply, "policy")
    lines = list(events(whole, with_usage=True))
    assert lines[-1] == "data: [DONE]\n\n"
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    [first] = chunks[0]["choices"]
    assert (
        first["delta"]["tool_calls"][0]["function"]
        == whole["choices"][0]["message"]["tool_calls"][0]["function"]
    )
    assert chunks[1]["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks[2]["usage"] == whole["usage"]


def test_the_sdk_reads_a_stream() -> None:
    from openai import OpenAI

    with (
        serving(Core.of(Repeating(DONE))) as (url, _),
        OpenAI(base_url=url, api_key=KEY, max_retries=0) as client,
    ):
        stream = client.chat.completions.create(
            model="policy", messages=[{"role": "user", "content": "hello"}], stream=True
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert text == "Done."


def test_a_demanded_call_is_made_or_refused() -> None:
    body = {"messages": [HELLO], "tools": [spec_of(whisper)], "tool_choice": "required"}
    with serving(Core.of(Obedient())) as (url, _):
        assert ask(url, body).json()["choices"][0]["finish_reason"] == "tool_calls"
        odd = ask(url, {**body, "tool_choice": {"type": "function", "function": {"name": "shout"}}})
        assert odd.status_code == 400
        assert odd.json()["error"]["param"] == "tool_choice"
    with serving(Core.of(Scripted(DONE))) as (url, _):
        assert ask(url, body).status_code == 400


def test_the_decision_endpoint_shows_alternatives_and_mask(echo_bundle: Path) -> None:
    scenario = library.get("echo")()
    specs = [{"type": "function", "function": tool.as_json()} for tool in scenario.tools]
    opening = scenario.world(scenario.task("test", "easy", 1)).opening()
    with serving(Core.of(echo_bundle)) as (url, _):
        body = {"messages": [{"role": "user", "content": opening}], "tools": specs}
        found = ask(url.removesuffix("/v1"), body, "decide").json()
    assert found["kind"] == "tool"
    assert found["tool"] in ("whisper", "shout")
    assert 0 < found["confidence"] <= 1
    assert found["alternatives"][0]["decision"] == found["tool"]
    assert (
        {"whisper", "shout", "final", "ask", "hand_over"} >= set(found["mask"]) >= {found["tool"]}
    )


def llm(*, status: int = 200, body: Any = None) -> tuple[Starlette, list[dict[str, Any]]]:
    """An upstream that answers one thing, and what it was asked."""
    asked: list[dict[str, Any]] = []
    said = body or {
        "id": "u1", "object": "chat.completion", "created": 1, "model": "big",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "from the LLM"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42},
    }  # fmt: skip

    async def chat(request: Request) -> JSONResponse:
        asked.append({**await request.json(), "key": request.headers.get("authorization")})
        return JSONResponse(said, status)

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])]), asked


UNSURE = calls("whisper", 0.3, word="x")


@pytest.mark.parametrize("stream", [True, False])
def test_what_the_policy_is_unsure_of_goes_to_the_upstream(stream: bool) -> None:
    app, asked = llm()
    with listening(app) as address:
        upstream = Upstream(f"{address}/v1", "big", "secret", 2.0, 10.0)
        with serving(Core.of(Repeating(UNSURE), min_confidence=0.5), upstream) as (url, gateway):
            answer = ask(
                url,
                {
                    "model": "policy",
                    "messages": [HELLO],
                    "tools": [spec_of(whisper)],
                    "stream": stream,
                },
            )
            assert "from the LLM" in answer.text
    [request] = asked
    assert request["model"] == "big"
    assert request["messages"] == [HELLO]
    assert request["key"] == "Bearer secret"
    assert "stream" not in request
    ledger = gateway.ledger.as_json()
    assert (ledger["forwarded"], ledger["decided"]) == (1, 0)
    assert (ledger["prompt_tokens"], ledger["completion_tokens"]) == (30, 12)
    assert ledger["usd"] == pytest.approx((30 * 2 + 12 * 10) / 1e6)


@pytest.mark.parametrize(
    ("decision", "agreed"),
    [(calls("whisper", 0.9, word="x"), 1), (calls("whisper", 0.9, word="y"), 0), (DONE, 0)],
)
def test_in_shadow_the_upstream_answers_and_agreement_is_counted(
    decision: Decision, agreed: int
) -> None:
    function = {"name": "whisper", "arguments": '{"word": "x"}'}
    call = {"id": "c", "type": "function", "function": function}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    app, asked = llm(
        body={"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    )
    with listening(app) as address:
        core, upstream = Core.of(Repeating(decision)), Upstream(f"{address}/v1", "big")
        gateway = Gateway(core, "policy", upstream, shadow=True)
        body = {"messages": [HELLO], "tools": [spec_of(whisper)]}
        found = gateway.answer(read(body), body)
    assert found["choices"][0]["message"] == message
    assert len(asked) == 1
    assert (gateway.ledger.shadowed, gateway.ledger.agreed) == (1, agreed)


def test_what_the_policy_is_sure_of_never_leaves() -> None:
    app, asked = llm()
    with listening(app) as address:
        upstream = Upstream(f"{address}/v1", "big")
        with serving(
            Core.of(Repeating(calls("whisper", 0.9, word="x")), min_confidence=0.5), upstream
        ) as (url, gateway):
            ask(url, {"messages": [HELLO], "tools": [spec_of(whisper)]})
    assert asked == []
    assert gateway.ledger.as_json()["share_decided"] == 1


@pytest.mark.parametrize(
    ("app", "status", "words"),
    [
        (llm(status=500)[0], 502, "answered 500"),
        (llm(status=429)[0], 429, "answered 429"),
        (llm(body={"choices": []})[0], 502, "no chat completion"),
        (None, 502, "cannot be used"),
    ],
)
def test_an_upstream_that_fails_is_told(app: Any, status: int, words: str) -> None:
    core = Core.of(Repeating(UNSURE), min_confidence=0.5)
    body = {"messages": [HELLO], "tools": [spec_of(whisper)]}
    if app is None:
        with serving(core, Upstream("http://127.0.0.1:9/v1", "big")) as (url, _):
            answer = ask(url, body)
    else:
        with listening(app) as address, serving(core, Upstream(f"{address}/v1", "big")) as (url, _):
            answer = ask(url, body)
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]


def test_fifty_clients_at_once_get_their_own_answers(echo_bundle: Path) -> None:
    scenario = library.get("echo")()
    specs = [{"type": "function", "function": tool.as_json()} for tool in scenario.tools]
    core = Core.of(echo_bundle)

    def body(seed: int) -> dict[str, Any]:
        opening = scenario.world(scenario.task("test", "easy", seed)).opening()
        return {"messages": [{"role": "user", "content": opening}], "tools": specs}

    with serving(core) as (url, _), ThreadPoolExecutor(50) as pool:
        alone = [ask(url, body(seed)).json()["choices"][0]["message"] for seed in range(50)]
        together = list(
            pool.map(lambda seed: ask(url, body(seed)).json()["choices"][0]["message"], range(50))
        )
    without = [{**m, "tool_calls": [c["function"] for c in m.get("tool_calls", [])]} for m in alone]
    same = [{**m, "tool_calls": [c["function"] for c in m.get("tool_calls", [])]} for m in together]
    assert without == same
