"""An ordinary LLM by name, through LangChain's `init_chat_model`, with messages that say what is missing."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel


class ProviderError(RuntimeError):
    """A provider cannot be used here; the message says what to install or to set."""


@dataclass(frozen=True, slots=True)
class _Needs:
    distribution: str
    key: str | None


PROVIDERS = {
    "openai": _Needs("langchain-openai", "OPENAI_API_KEY"),
    "anthropic": _Needs("langchain-anthropic", "ANTHROPIC_API_KEY"),
    "google_genai": _Needs("langchain-google-genai", "GOOGLE_API_KEY"),
    "mistralai": _Needs("langchain-mistralai", "MISTRAL_API_KEY"),
    "groq": _Needs("langchain-groq", "GROQ_API_KEY"),
    "ollama": _Needs("langchain-ollama", None),
}
"""Each provider's package, and the environment variable that holds its key."""


def missing(provider: str, *, api_key: str | None = None) -> str | None:
    """What stands in the way of a provider, or None. Never goes to the network (some providers would, without a key)."""
    if provider not in PROVIDERS:
        return f"unknown provider {provider!r}; known: {', '.join(PROVIDERS)}"
    needs = PROVIDERS[provider]
    if importlib.util.find_spec(needs.distribution.replace("-", "_")) is None:
        return f"{provider} needs a package: pip install {needs.distribution}"
    if needs.key and not (api_key or os.environ.get(needs.key)):
        return f"{provider} needs a key: set {needs.key} in the environment"
    return None


def chat_model(name: str, *, api_key: str | None = None, **settings: Any) -> BaseChatModel:
    """`chat_model("openai:gpt-...")`: an LLM to stand behind a policy. Raises `ProviderError` with what to do."""
    provider, colon, model = name.partition(":")
    if not colon or not model:
        raise ProviderError(
            f"a model is named provider:model, as in openai:gpt-5-mini, not {name!r}"
        )
    if problem := missing(provider, api_key=api_key):
        raise ProviderError(problem)
    from langchain.chat_models import init_chat_model  # noqa: PLC0415

    if api_key:
        settings["api_key"] = api_key
    made: BaseChatModel = init_chat_model(name, **settings)
    return made
