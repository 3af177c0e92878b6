"""An AssistantAgent whose model is a trained policy, and the group chats that such agents work in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, TypeVar

from autogen_agentchat.agents import AssistantAgent, UserProxyAgent
from autogen_agentchat.base import ChatAgent, Response, TerminationCondition
from autogen_agentchat.conditions import FunctionalTermination, MaxMessageTermination
from autogen_agentchat.messages import BaseAgentEvent, BaseChatMessage, HandoffMessage, TextMessage
from autogen_agentchat.teams import RoundRobinGroupChat, SelectorGroupChat, Swarm
from autogen_core import CancellationToken
from autogen_core.models import ChatCompletionClient

from models_registry.adapters._autogen_client import PolicyClient
from models_registry.adapters._core import Core, Reply
from scenarios.core.types import Tool, ToolCall, Turn

T = TypeVar("T")

Member = Callable[[], ChatAgent]
"""Makes a fresh member of a group chat; `PolicyAssistant.fresh` is one."""

ENDINGS = frozenset({"final", "hand_over"})
MOST_TURNS = 30
"""Turns of a group chat, unless the caller says otherwise."""
MOST_MESSAGES = 400


class PolicyAssistant(AssistantAgent):
    """An AssistantAgent that a policy drives. Its texts carry `metadata["decision"]` and `metadata["confidence"]`.

    It keeps its conversation, as every AssistantAgent does, and holds one at a time: two runs at once on one AssistantAgent
    mix their conversations and answer wrongly, so here the second one is refused. `fresh()` gives another like it.
    """

    def __init__(
        self,
        name: str,
        core: Core,
        tools: Sequence[Any],
        *,
        fallback: ChatCompletionClient | None = None,
        person: str = "user",
        **options: Any,
    ) -> None:
        self._recipe = {"fallback": fallback, "person": person, **options}
        self._tools_given = tuple(tools)
        self.core, self._busy = core, False
        self.client = PolicyClient(core, fallback=fallback, person=person)
        options.setdefault("max_tool_iterations", core.max_steps + 1)
        super().__init__(name, self.client, tools=list(tools), **options)

    def fresh(self) -> PolicyAssistant:
        """A new agent of the same make, with no conversation."""
        return type(self)(self.name, self.core, self._tools_given, **self._recipe)

    async def on_messages_stream(
        self, messages: Sequence[BaseChatMessage], cancellation_token: CancellationToken
    ) -> AsyncGenerator[BaseAgentEvent | BaseChatMessage | Response, None]:
        if self._busy:
            raise RuntimeError(
                f"the agent {self.name!r} is already at work; use agent.fresh() for every run of its own"
            )
        self._busy = True
        try:
            stream = super().on_messages_stream(messages, cancellation_token)
            async for item in cancellable(stream, cancellation_token):
                if isinstance(item, Response):
                    note(item.chat_message, self.client.last_reply)
                    self._busy = False  # its reader leaves here, and the generator stays suspended
                yield item
        finally:
            self._busy = False


async def cancellable(
    stream: AsyncGenerator[T, None], token: CancellationToken
) -> AsyncGenerator[T, None]:
    """The items of a stream until the token is cancelled; then `CancelledError`.

    An AssistantAgent whose tool is cancelled waits for ever for the tool's end (autogen-agentchat 0.7.5).
    """
    while True:
        following = asyncio.ensure_future(anext(stream, _END))
        token.link_future(following)
        item = await following
        if item is _END:
            return
        yield item  # type: ignore[misc]  # what is not the end is an item


_END = object()


def note(message: BaseChatMessage, reply: Reply | None) -> None:
    """Write on a text or a hand-off which decision of the policy it came from."""
    if reply is None or not isinstance(message, TextMessage | HandoffMessage):
        return
    by_policy = not reply.deferred
    message.metadata |= {
        "source": "policy" if by_policy else "llm",
        "decision": reply.decision.kind if by_policy else "final",
        "confidence": f"{reply.decision.confidence:.4f}",
    }


def until_ended(
    agents: Sequence[ChatAgent], termination: TerminationCondition | None
) -> TerminationCondition:
    """The end of a group chat: a policy ended it, or asks and nobody here can answer, or what the caller says."""
    answered = any(isinstance(agent, UserProxyAgent) for agent in agents)
    endings = ENDINGS if answered else ENDINGS | {"ask"}

    def ended(messages: Sequence[BaseAgentEvent | BaseChatMessage]) -> bool:
        return any(
            isinstance(m, TextMessage) and m.metadata.get("decision") in endings for m in messages
        )

    end: TerminationCondition = FunctionalTermination(ended) | MaxMessageTermination(MOST_MESSAGES)
    return end | termination if termination is not None else end


def round_robin(
    members: Sequence[Member],
    *,
    max_turns: int = MOST_TURNS,
    termination: Callable[[], TerminationCondition] | None = None,
) -> RoundRobinGroupChat:
    """A fresh chat in which fresh members speak in turn until a policy ends it."""
    agents: list[Any] = [make() for make in members]
    end = until_ended(agents, termination() if termination else None)
    return RoundRobinGroupChat(agents, termination_condition=end, max_turns=max_turns)


def swarm(
    members: Sequence[Member],
    *,
    max_turns: int = MOST_TURNS,
    termination: Callable[[], TerminationCondition] | None = None,
) -> Swarm:
    """A fresh swarm of fresh members: who is handed to speaks next; the first member begins."""
    agents: list[Any] = [make() for make in members]
    end = until_ended(agents, termination() if termination else None)
    return Swarm(agents, termination_condition=end, max_turns=max_turns)


class PolicySelector:
    """A policy that chooses who speaks next. A member is a tool without parameters; what it says is its result.

    Not sure enough, it leaves the choice to the group chat's LLM (`select` gives None), where there is one.
    """

    def __init__(self, core: Core, members: Sequence[ChatAgent], *, has_llm: bool) -> None:
        self.core, self.has_llm = core, has_llm
        self.names = {member.name for member in members}
        self.tools = [Tool(m.name, m.description, _NO_PARAMETERS) for m in members]
        self.turns: list[Turn] = []
        self.replies: list[Reply] = []

    def finished(self, new: Sequence[BaseAgentEvent | BaseChatMessage]) -> bool:
        """Take in what was said, decide what comes next, and tell whether that is the end."""
        for message in new:
            if not isinstance(message, BaseChatMessage):
                continue
            if message.source in self.names:
                call = ToolCall(message.source)
                text = message.to_model_text()
                self.turns += [Turn("assistant", call=call), Turn("tool", text, call=call)]
            else:
                self.turns.append(Turn("user", message.to_model_text()))
        reply = self.core.decide(self.turns, self.tools, has_fallback=self.has_llm)
        self.replies.append(reply)
        return reply.decision.call is None and not reply.deferred

    def select(self, thread: Sequence[BaseAgentEvent | BaseChatMessage]) -> str | None:
        """The member that the latest decision chose; None where it was deferred."""
        reply = self.replies[-1]
        return None if reply.deferred or reply.decision.call is None else reply.decision.call.name


_NO_PARAMETERS = {"type": "object", "properties": {}}


def selector(
    core: Core,
    members: Sequence[Member],
    *,
    llm: ChatCompletionClient | None = None,
    max_turns: int = MOST_TURNS,
) -> SelectorGroupChat:
    """A fresh chat of fresh members in which a policy chooses who speaks, and `llm` where the policy is unsure.

    AutoGen wants two members at least (`ValueError`).
    """
    agents: list[Any] = [make() for make in members]
    chooser = PolicySelector(core, agents, has_llm=llm is not None)
    return SelectorGroupChat(
        agents,
        # Without an LLM the policy's choice always stands, and its client is never asked.
        model_client=llm or PolicyClient(core),
        selector_func=chooser.select,
        allow_repeated_speaker=True,
        termination_condition=FunctionalTermination(chooser.finished)
        | MaxMessageTermination(MOST_MESSAGES),
        max_turns=max_turns,
    )
