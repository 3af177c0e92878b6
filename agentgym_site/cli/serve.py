"""`agentgym serve`: a trained version behind OpenAI's chat-completions protocol."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

from agentgym_site.cli.exits import CommandError, bad_option
from agentgym_site.cli.site import calm
from agentgym_site.cli.versions import bundle_directory


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options. key_env, upstream_key_env: environment variables, so that no key stands in a process list."""

    version: str
    role: str
    host: str
    port: int
    key_env: str
    min_confidence: float
    upstream: str
    upstream_model: str
    upstream_key_env: str
    upstream_prices: tuple[float, float]
    shadow: bool


def serve(wanted: Wanted) -> None:
    """Serve until Ctrl-C. Raises `CommandError`, `BundleError`."""
    if not 0 <= wanted.min_confidence <= 1:
        raise bad_option("--min-confidence", f"must be 0 to 1, not {wanted.min_confidence}")
    if wanted.upstream and not wanted.upstream.startswith(("http://", "https://")):
        raise bad_option("--upstream", "must be an address that begins with http:// or https://")
    if wanted.upstream and not wanted.upstream_model:
        raise bad_option("--upstream-model", "say which of the upstream's models to ask")
    if wanted.shadow and not wanted.upstream:
        raise bad_option("--shadow", "needs an --upstream to be compared with")
    key = _secret("--key-env", wanted.key_env)
    if not key and wanted.host not in ("127.0.0.1", "localhost", "::1"):
        raise bad_option("--key-env", "a server that others can reach needs a key")
    calm()
    directory, name = bundle_directory(wanted.version)
    import uvicorn  # noqa: PLC0415

    from models_registry.adapters._core import Core  # noqa: PLC0415
    from models_registry.adapters._gateway import Gateway  # noqa: PLC0415
    from models_registry.adapters._openai_server import application  # noqa: PLC0415

    core = Core.of(directory, role=wanted.role, min_confidence=wanted.min_confidence)
    gateway = Gateway(core, core.policy_id, _upstream(wanted), shadow=wanted.shadow)
    address = f"http://{wanted.host}:{wanted.port}/v1"
    sys.stdout.write(
        f"{name} answers as model {gateway.name!r} at {address} "
        f"({'with a key' if key else 'without a key'}). Ctrl-C ends it.\n"
    )
    sys.stdout.flush()
    config = uvicorn.Config(
        application(gateway, key),
        host=wanted.host,
        port=wanted.port,
        log_level="warning",
        access_log=False,
    )
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        raise CommandError(f"Port {wanted.port} cannot be used; choose another with --port.")


def _upstream(wanted: Wanted) -> Any:
    if not wanted.upstream:
        return None
    from models_registry.adapters._gateway import Upstream  # noqa: PLC0415

    key = _secret("--upstream-key-env", wanted.upstream_key_env)
    return Upstream(wanted.upstream, wanted.upstream_model, key, *wanted.upstream_prices)


def _secret(option: str, name: str) -> str:
    """The value of an environment variable; empty where none is named."""
    if not name:
        return ""
    if not (value := os.environ.get(name, "")):
        raise bad_option(option, f"the environment variable {name} is not set")
    return value
