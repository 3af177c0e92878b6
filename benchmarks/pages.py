"""How fast the portal's pages are in headless Chromium: `python -m benchmarks.pages`.

A site of its own in a temporary folder, filled with runs, points, episodes and models, served by the real web process.
One line per page: the time to the first byte and to the end of loading in milliseconds, each the median over
`--repeat` visits with an empty browser cache, and the kilobytes sent. The last line says whether the web process has
loaded torch. Ends with 1 where a page is over its budget.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

FIRST_BYTE_MS, LOAD_MS = 100.0, 500.0
ROOT = Path(__file__).resolve().parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
TIMES = """() => {
  const page = performance.getEntriesByType("navigation")[0];
  const all = [page, ...performance.getEntriesByType("resource")];
  return {ttfb: page.responseStart - page.requestStart, load: page.loadEventEnd - page.startTime,
          bytes: all.reduce((sum, one) => sum + (one.transferSize || 0), 0)};
}"""


def fill() -> tuple[str, dict[str, str]]:
    """Rows for every page; the session's key, and the pages by name."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    from models_registry.services import register_version
    from training.models import Run
    from training.services import create_run
    from training.tests.portal import add_episode, add_points, change, evidence
    from training.tests.progress import WEIGHTS

    call_command("migrate", verbosity=0)
    user = User.objects.create_user("visitor")
    runs = [create_run(owner=user, values={"scenario": "customer_support"}) for _ in range(200)]
    for run in runs[:-3]:
        change(run, status=Run.Status.SUCCEEDED, evidence=evidence())
    live = change(runs[-1], status=Run.Status.RUNNING, phase="training", episodes_done=5_000)
    add_points(live, 1_500)
    for seq in range(1, 201):
        add_episode(live, seq)
    versions = [
        register_version(
            owner=user, name="support", scenario=live.scenario, weights=WEIGHTS, manifest={}, evidence=evidence()
        )
        for _ in range(30)
    ]  # fmt: skip
    client = Client()
    client.force_login(user)
    return client.cookies["agentgym_session"].value, {
        "home": "/",
        "scenarios": "/scenarios/",
        "scenario": "/scenarios/customer_support/",
        "start": "/runs/new/",
        "runs": "/runs/",
        "run": f"/runs/{live.pk}/",
        "evidence": f"/runs/{runs[0].pk}/evidence/",
        "episodes": f"/runs/{live.pk}/episodes/",
        "episode": f"/runs/{live.pk}/episodes/100/",
        "models": "/models/",
        "model": f"/models/{versions[0].pk}/",
        "tokens": "/tokens/",
    }


def serve() -> tuple[subprocess.Popen[bytes], str]:
    """The web process on a free port, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "agentgym_site.asgi:application", "--host", "127.0.0.1"]  # fmt: skip
    command += ["--port", str(port), "--log-level", "warning", "--no-access-log"]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"AGENTGYM_ROLE": "web"})
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            with urlopen(f"{url}/healthz", timeout=5):
                return process, url
        except (URLError, OSError):
            time.sleep(0.1)
    process.kill()
    raise SystemExit("The web process does not answer.")


def measure(url: str, session: str, pages: dict[str, str], repeat: int) -> bool:
    """Print a line per page; whether all are within their budgets."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        raise SystemExit("Chromium is missing: apt-get install chromium")
    within = True
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for name, address in pages.items():
            # The first visit warms the server (templates, connections), as on any day but the first.
            visits = [_visit(browser, url, session, address) for _ in range(repeat + 1)][1:]
            line = {key: statistics.median(visit[key] for visit in visits) for key in visits[0]}
            fast = line["ttfb"] < FIRST_BYTE_MS and line["load"] < LOAD_MS
            within &= fast
            print(
                json.dumps(
                    {
                        "page": name,
                        "ttfb_ms": round(line["ttfb"], 1),
                        "load_ms": round(line["load"], 1),
                        "worst_load_ms": round(max(visit["load"] for visit in visits), 1),
                        "kilobytes": round(line["bytes"] / 1000, 1),
                        "within_budget": fast,
                    }
                ),
                flush=True,
            )
        browser.close()
    return within


def _visit(browser: Any, url: str, session: str, address: str) -> dict[str, float]:
    context = browser.new_context(base_url=url)
    try:
        cookie = {"name": "agentgym_session", "value": session, "url": url}
        context.add_cookies([cookie])
        page = context.new_page()
        response = page.goto(address, wait_until="load")
        assert response is not None
        assert response.status == 200, f"{address} answered {response.status}"
        page.wait_for_timeout(50)
        times: dict[str, float] = page.evaluate(TIMES)
        return times
    finally:
        context.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="visits per page")
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="agentgym-pages-")
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ |= {"AGENTGYM_VAR": folder, "AGENTGYM_DURABLE": "0"}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "agentgym_site.settings"}
    from agentgym_site.private_services import prepare_environment, release

    prepare_environment()
    import django

    django.setup()
    process = None
    try:
        session, pages = fill()
        process, url = serve()
        within = measure(url, session, pages, arguments.repeat)
        torch = "torch" in Path(f"/proc/{process.pid}/maps").read_text()
        print(json.dumps({"check": "web process has loaded torch", "value": torch}))
        return 0 if within and not torch else 1
    finally:
        if process is not None:
            process.terminate()
            process.wait(timeout=20)
        from django.db import connections

        connections.close_all()
        release()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
