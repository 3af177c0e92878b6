"""A scripted AutoGen model client in the place of an LLM."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from autogen_core import FunctionCall
from autogen_core.models import CreateResult, RequestUsage

from models_registry.adapters import autogen
from models_registry.adapters._core import Core
from models_registry.tests.scripted import Scripted


class ClientStandIn(autogen.PolicyClient):
    """Gives its answers one by one, and uses tokens."""

    def __init__(self, *answers: str | tuple[str, dict[str, Any]]) -> None:
        super().__init__(Core.of(Scripted()))
        self.answers = list(answers)
        self.asked: list[Sequence[Any]] = []
        self.closed = False

    async def create(self, messages: Any, **given: Any) -> CreateResult:
        self.asked.append(messages)
        answer = self.answers.pop(0)
        content: Any = answer
        if not isinstance(answer, str):
            content = [FunctionCall(id="1", name=answer[0], arguments=json.dumps(answer[1]))]
        usage = RequestUsage(prompt_tokens=7, completion_tokens=4)
        reason: Any = "stop" if isinstance(answer, str) else "function_calls"
        return CreateResult(finish_reason=reason, content=content, usage=usage, cached=False)

    async def close(self) -> None:
        self.closed = True
