"""The decision endpoint under load: `python -m benchmarks.serve`.

`agentgym serve` runs as a process of its own; so many clients each keep one connection and send a request as soon as the
last one is answered. One JSON line per address and number of clients, with requests per second and latency in
milliseconds. Load is bounded: it ends by itself after `--requests` in all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from models_registry.artifacts.bundle import save_bundle
from models_registry.policies.architecture import ARCHITECTURE, initial_weights
from scenarios.core.episode import Episode
from scenarios.core.stage import Stage
from scenarios.library import library


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def bundle(folder: Path, scenario_key: str) -> None:
    """An untrained version: how long a decision takes does not depend on what was learned."""
    scenario = library.get(scenario_key)()
    tools = [tool.as_json() for tool in scenario.tools]
    save_bundle(
        folder,
        initial_weights(0),
        {"architecture": ARCHITECTURE, "scenario": scenario_key, "tools": tools},
    )


def body(scenario_key: str, seed: int) -> bytes:
    scenario = library.get(scenario_key)()
    episode = Episode(scenario, "test", Stage("medium"), seed)
    messages = [{"role": "user", "content": episode.turns[0].content}]
    tools = [{"type": "function", "function": tool.as_json()} for tool in scenario.tools]
    return json.dumps({"model": "policy", "messages": messages, "tools": tools}).encode()


async def client(port: int, path: str, bodies: list[bytes], spent: list[float]) -> None:
    """Send every body over one connection, one after another."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for sent in bodies:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(sent)}\r\n\r\n"
        )
        began = time.perf_counter()
        writer.write(head.encode() + sent)
        status = await reader.readline()
        if b" 200 " not in status:
            raise RuntimeError(status.decode())
        length = 0
        while (line := await reader.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        await reader.readexactly(length)
        spent.append(time.perf_counter() - began)
    writer.close()


async def load(port: int, path: str, clients: int, requests: int, bodies: list[bytes]) -> Any:
    spent: list[float] = []
    each = max(1, requests // clients)
    began = time.perf_counter()
    plans = [[bodies[(c + n) % len(bodies)] for n in range(each)] for c in range(clients)]
    await asyncio.gather(*(client(port, path, plan, spent) for plan in plans))
    return np.array(spent), time.perf_counter() - began


def ready(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server did not start")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="?", default="customer_support")
    parser.add_argument("--requests", type=int, default=6_000)
    options = parser.parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        bundle(Path(folder) / "policy", options.scenario)
        command = [sys.executable, "-m", "agentgym_site.cli", "serve", f"{folder}/policy"]
        server = subprocess.Popen(
            [*command, "--port", str(port)], stdout=subprocess.DEVNULL, env=dict(os.environ)
        )
        try:
            ready(port)
            bodies = [body(options.scenario, seed) for seed in range(40)]
            for path in ("/decide", "/v1/chat/completions"):
                for clients in (1, 10, 100):
                    asyncio.run(load(port, path, clients, 200, bodies))  # warms up
                    spent, whole = asyncio.run(load(port, path, clients, options.requests, bodies))
                    p50, p95, p99 = np.percentile(spent * 1e3, (50, 95, 99))
                    line = {
                        "path": path,
                        "clients": clients,
                        "requests": len(spent),
                        "tools": len(library.get(options.scenario)().tools),
                        "per_second": round(len(spent) / whole),
                        "p50_ms": round(float(p50), 2),
                        "p95_ms": round(float(p95), 2),
                        "p99_ms": round(float(p99), 2),
                    }
                    print(json.dumps(line), flush=True)
        finally:
            server.terminate()
            server.wait(10)
    return 0


if __name__ == "__main__":
    sys.exit(main())
