"""A real site (uvicorn, and a Celery worker where wanted) and a headless Chromium that is logged in to it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.db import connections
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

ROOT = Path(__file__).resolve().parents[3]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]  # fmt: skip
PASSWORD = "a password for tests"
PATIENCE = 20_000
"""Milliseconds: two cores may be busy with other tests."""

expect.set_options(timeout=PATIENCE)


class Server:
    """The web process, which a test may end and start again on the same port."""

    def __init__(self, env: dict[str, str]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.env = env | {"PORT": str(self.port), "AGENTGYM_ROLE": "web"}
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "uvicorn", "agentgym_site.asgi:application", "--port", str(self.port)]  # fmt: skip
        command += ["--host", "127.0.0.1", "--log-level", "warning"]
        self.process = subprocess.Popen(command, env=self.env, cwd=ROOT)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urlopen(f"{self.url}/accounts/login/", timeout=5):
                    return
            except (URLError, OSError):
                assert self.process.poll() is None, "the web process ended"
                time.sleep(0.1)
        raise AssertionError("the web process does not answer")

    def stop(self) -> None:
        if self.process is not None:
            end(self.process)
            self.process = None


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to leave; kill it where it does not."""
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture
def process_environment(process_env: dict[str, str]) -> dict[str, str]:
    """This test's database and Redis for subprocesses."""
    return process_env | {"REDIS_URL": settings.REDIS_URL}


@pytest.fixture
def server(process_environment: dict[str, str]) -> Iterator[Server]:
    """The site on a free port of 127.0.0.1."""
    site = Server(process_environment)
    try:
        site.start()
        yield site
    finally:
        site.stop()


@pytest.fixture
def worker(process_environment: dict[str, str], redis_server: object) -> Iterator[None]:
    """A Celery worker with room for two runs."""
    env = process_environment | {"AGENTGYM_ROLE": "worker"}
    command = [sys.executable, "-m", "celery", "--app", "agentgym_site", "--quiet", "worker"]
    command += ["--pool", "threads", "--concurrency", "2", "--loglevel", "WARNING"]
    process = subprocess.Popen(command, env=env, cwd=ROOT)
    try:
        yield
    finally:
        end(process)


@pytest.fixture
def person(transactional_db: None) -> User:
    """Alice, with a password that another process can check too."""
    password = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1000)
    return User.objects.create(username="alice", password=password)


@pytest.fixture
def chromium(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """Headless Chromium; missing, it is skipped on a laptop and an error in CI."""
    path = (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing: apt-get install chromium")
        pytest.skip("Chromium is not installed")
    # Playwright keeps an event loop in this thread; the test's own queries are still ordinary ones.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
            # Under Playwright's loop Django keeps connections of its own, which nobody else would close.
            connections.close_all()


@pytest.fixture
def open_page(chromium: Browser, server: Server, person: User) -> Iterator[Callable[..., Page]]:
    """`open_page(color_scheme="dark")`: a window in which alice has logged in by the form.

    At the end no page may have had an error in its console (a blocked script or style would be one).
    """
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # A server that a test has ended, and a form that is refused, are told in the console too.
        wanted = ("ERR_CONNECTION", "WebSocket", "status of 422")
        if message.type == "error" and not any(words in message.text for words in wanted):
            problems.append(f"{message.location.get('url')}: {message.text}")

    def make(**options: object) -> Page:
        context = chromium.new_context(base_url=server.url, **options)  # type: ignore[arg-type]  # its own options
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", note)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto("/runs/")
        page.get_by_label("User name").fill("alice")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/runs/")
        return page

    yield make
    for context in contexts:
        context.close()
    assert not problems
