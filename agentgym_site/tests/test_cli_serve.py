"""`agentgym serve` and `agentgym record`, as processes of their own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from models_registry.artifacts.bundle import save_bundle
from models_registry.policies.architecture import ARCHITECTURE, initial_weights
from scenarios.library import library

ROOT = Path(__file__).resolve().parents[2]
HELLO = {"messages": [{"role": "user", "content": "Please shout pine."}]}

AGENT = '''
from models_registry.adapters.langchain import wrap_agent


def whisper(word: str) -> dict:
    """Say a word in a low voice."""
    return {"said": word}


def shout(word: str) -> dict:
    """Say a word in a loud voice."""
    return {"said": word.upper()}


def make():
    return wrap_agent("bundle", [whisper, shout], max_steps=2)


def none():
    return 3
'''


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    tools = [tool.as_json() for tool in library.get("echo")().tools]
    manifest = {"architecture": ARCHITECTURE, "scenario": "echo", "tools": tools}
    save_bundle(tmp_path / "bundle", initial_weights(0), manifest)
    return tmp_path / "bundle"


def agentgym(*arguments: str, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agentgym_site.cli", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def serving(bundle: Path, *options: str, **env: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "agentgym_site.cli", "serve", str(bundle), "--port", str(port)]
    process = subprocess.Popen([*command, *options], env={**os.environ, **env}, cwd=ROOT)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                httpx.get(f"{address}/healthz").raise_for_status()
            except httpx.HTTPError:
                assert process.poll() is None
                time.sleep(0.1)
            else:
                break
        yield address
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.slow
def test_a_version_is_served_with_a_key_from_the_environment(bundle: Path) -> None:
    with serving(bundle, "--key-env", "AGENT_KEY", AGENT_KEY="s3cret") as address:
        assert httpx.post(f"{address}/v1/chat/completions", json=HELLO).status_code == 401
        headers = {"Authorization": "Bearer s3cret"}
        answer = httpx.post(f"{address}/v1/chat/completions", json=HELLO, headers=headers)
        assert answer.json()["object"] == "chat.completion"
        usage = httpx.get(f"{address}/usage", headers=headers).json()
        assert usage["decided"] == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--min-confidence", "2"], "--min-confidence: must be 0 to 1"),
        (["--upstream", "ftp://x"], "--upstream: must be an address"),
        (["--upstream", "http://x"], "--upstream-model: say which"),
        (["--host", "0.0.0.0"], "--key-env: a server that others can reach"),
        (["--key-env", "NOT_SET_HERE"], "NOT_SET_HERE is not set"),
        (["--shadow"], "--shadow: needs an --upstream"),
        (["--role", "boss"], "no team"),
    ],
)
def test_bad_options_name_the_fix(bundle: Path, options: list[str], words: str) -> None:
    done = agentgym("serve", str(bundle), *options)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.slow
def test_a_users_own_agent_is_recorded_from_its_own_folder(bundle: Path) -> None:
    folder = bundle.parent
    (folder / "my_agent.py").write_text(AGENT)
    (folder / "requests.txt").write_text("Please shout pine.\n\nWhisper oak.\n")
    command = ("record", "my_agent:make", "--requests", "requests.txt", "--json")
    done = agentgym(*command, cwd=folder)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["recorded"], said["framework"]) == (2, "langchain")
    rows = [json.loads(line) for line in (folder / "traces.jsonl").read_text().splitlines()]
    assert rows[0]["messages"][0] == {"role": "user", "content": "Please shout pine."}
    assert [tool["function"]["name"] for tool in rows[0]["tools"]] == ["whisper", "shout"]
    assert "is there already" in agentgym(*command, cwd=folder).stderr


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("my_agent", "must look like module:factory"),
        ("no_such_module:make", "No module named"),
        ("my_agent:nobody", "has no 'nobody'"),
        ("my_agent:AGENT_NAME", "must be a function"),
        ("my_agent:none", "is no agent of"),
    ],
)
def test_what_cannot_be_recorded_is_explained(bundle: Path, target: str, words: str) -> None:
    (bundle.parent / "my_agent.py").write_text(AGENT + "\nAGENT_NAME = 'x'\n")
    (bundle.parent / "requests.txt").write_text("a\n")
    done = agentgym("record", target, "--requests", "requests.txt", cwd=bundle.parent)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
