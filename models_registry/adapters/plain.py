"""No framework.

A trained policy in a plain Python loop: the smallest agent that there is, and the measure that the other adapters are
held against.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from models_registry.adapters._core import Core, Reply
from models_registry.adapters._livetools import LiveTool, function_tool
from models_registry.adapters.base import DEFAULT_MAX_STEPS, Adapter, Policy, unknown_tool
from scenarios.core.types import ToolCall, ToolResult, Turn


class Cancelled(Exception):
    """The caller stopped the run; the conversation so far is in `turns`."""

    def __init__(self, turns: list[Turn]) -> None:
        super().__init__("the run was cancelled")
        self.turns = turns


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation up to the agent's latest words, and the decision behind them."""

    turns: list[Turn]
    reply: Reply

    @property
    def text(self) -> str:
        return self.reply.decision.text

    @property
    def calls(self) -> list[ToolCall]:
        """The calls that were made, unknown tools included."""
        return [t.call for t in self.turns if t.role == "tool" and t.call is not None]


class PlainAgent:
    """Decides and calls until it has something to say. Holds no conversation: one agent serves any number at once."""

    def __init__(self, core: Core, tools: Sequence[LiveTool]) -> None:
        self.core = core
        self.tools = {tool.spec.name: tool for tool in tools}

    def run(
        self,
        request: str,
        history: Sequence[Turn] = (),
        *,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Talk:
        """Answer a message of the user. history: the turns of an earlier `Talk`. Raises `Cancelled`."""
        turns = [*history, Turn("user", request)]
        specs = [tool.spec for tool in self.tools.values()]
        while True:
            if cancelled():
                raise Cancelled(turns)
            reply = self.core.decide(turns, specs)
            if reply.decision.call is None:
                return Talk([*turns, Turn("assistant", reply.decision.text)], reply)
            turns += self._called(reply.decision.call)

    def _called(self, call: ToolCall) -> list[Turn]:
        tool = self.tools.get(call.name)
        if tool is None:
            result = ToolResult(unknown_tool(call.name), is_error=True)
        else:
            result = tool.call(call.arguments)
        return [
            Turn("assistant", call=call),
            Turn("tool", result.content, call=call, is_error=result.is_error),
        ]


class Plain(Adapter):
    """A loop of our own."""

    kinds: ClassVar[tuple[str, ...]] = ("loop",)

    def wrap_agent(
        self,
        policy: Policy | Path | str | Core,
        tools: Sequence[Any],
        *,
        max_steps: int = DEFAULT_MAX_STEPS,
        **options: Any,
    ) -> PlainAgent:
        """tools: live tools or Python functions. options: further settings of `Core`."""
        return PlainAgent(Core.of(policy, max_steps=max_steps, **options), self.live_tools(tools))

    def live_tools(self, agent: Any) -> list[LiveTool]:
        if isinstance(agent, PlainAgent):
            return list(agent.tools.values())
        if isinstance(agent, Sequence) and not isinstance(agent, str):
            return [tool if isinstance(tool, LiveTool) else function_tool(tool) for tool in agent]
        raise TypeError(f"tools come from a PlainAgent or a list, not {type(agent).__name__}")

    def turns(self, record: Any) -> list[Turn]:
        """Of a `Talk`, or of a list of turns."""
        return list(getattr(record, "turns", record))
