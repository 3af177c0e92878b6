"""A trained team as an AutoGen group chat: one member per role, who reads only what its role read in training."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any

from autogen_agentchat.agents import UserProxyAgent
from autogen_agentchat.base import Response
from autogen_agentchat.conditions import FunctionalTermination, MaxMessageTermination
from autogen_agentchat.messages import (
    BaseAgentEvent,
    BaseChatMessage,
    HandoffMessage,
    TextMessage,
    ToolCallSummaryMessage,
)
from autogen_agentchat.teams import SelectorGroupChat
from autogen_core import CancellationToken

from models_registry.adapters._autogen_agent import MOST_MESSAGES, MOST_TURNS, PolicyAssistant
from models_registry.adapters._autogen_client import PolicyClient
from models_registry.adapters._autogen_tools import native
from models_registry.adapters._autogen_turns import arguments_of
from models_registry.adapters._core import Core
from models_registry.adapters._floor import Floor, role_names
from models_registry.adapters.base import DEFAULT_MAX_STEPS, Policy
from scenarios.core.types import ToolCall

_TO = "to:"
"""A hand-off's message carries what each receiver reads under `to:<role>`."""


class TeamMember(PolicyAssistant):
    """One role of a trained team. It makes one decision a turn; then the floor says who is next, as in training."""

    def __init__(
        self, name: str, core: Core, tools: Sequence[Any], floor: Floor, **options: Any
    ) -> None:
        super().__init__(name, core, tools, **options, max_tool_iterations=1)
        self.floor = floor

    async def on_messages_stream(
        self, messages: Sequence[BaseChatMessage], cancellation_token: CancellationToken
    ) -> AsyncGenerator[BaseAgentEvent | BaseChatMessage | Response, None]:
        mine = [found for message in messages if (found := self._meant(message)) is not None]
        self.floor.begins(self.name)
        async for item in super().on_messages_stream(mine, cancellation_token):
            yield self._passed_on(item) if isinstance(item, Response) else item

    def _meant(self, message: BaseChatMessage) -> BaseChatMessage | None:
        """The message as this role reads it; None where it is not meant for it."""
        if isinstance(message, HandoffMessage):
            text = message.metadata.get(_TO + self.name)
            if text is None:
                return None
            return TextMessage(content=f"{message.source}: {text}", source=message.source)
        if message.source in self.floor.roles:
            return None
        return message if self.floor.reads(self.name, message.id) else None

    def _passed_on(self, response: Response) -> Response:
        """Tell the floor what was done; a hand-off that succeeded becomes AutoGen's own hand-off message."""
        message, reply = response.chat_message, self.client.last_reply
        if isinstance(message, TextMessage) and reply is not None:
            self.floor.spoke(self.name, reply.decision)
        if not isinstance(message, ToolCallSummaryMessage) or not message.tool_calls:
            return response
        made, result = message.tool_calls[0], message.results[0]
        if made.name not in self.floor.handoffs or result.is_error:
            return response
        texts = self.floor.passed(self.name, ToolCall(made.name, arguments_of(made.arguments)))
        told = HandoffMessage(
            source=self.name,
            target=next(iter(texts)),
            content="\n".join(dict.fromkeys(texts.values())),
            metadata={_TO + name: text for name, text in texts.items()},
        )
        return Response(chat_message=told, inner_messages=response.inner_messages)


def trained_team(
    team: Path | str | Mapping[str, Policy],
    tools: Mapping[str, Sequence[Any]],
    floor: Floor,
    *,
    person: UserProxyAgent | None = None,
    max_steps: int = DEFAULT_MAX_STEPS,
    max_turns: int = MOST_TURNS,
) -> SelectorGroupChat:
    """A fresh group chat of a trained team. team: the bundle's folder, or a policy per role.

    tools: role -> its tools, hand-offs among them. floor: fresh too; it holds what hand-offs tell. person: answers the
    team's questions; without one, a question ends the run, and the next run's task is its answer. Messages to everyone
    are AutoGen's; what a role reads of them is what it read in training.
    Raises `BundleError`, and `ValueError` where roles do not fit.
    """
    role_names(floor.roles, tools)
    members: list[Any] = [
        TeamMember(
            role,
            Core.of(team[role], max_steps=max_steps)
            if isinstance(team, Mapping)
            else Core.of(team, role=role, max_steps=max_steps),
            [native(tool) for tool in tools[role]],
            floor,
        )
        for role in floor.roles
    ]
    floor.person = person.name if person else None

    def waits(new: Sequence[BaseAgentEvent | BaseChatMessage]) -> bool:
        for message in new:
            if isinstance(message, BaseChatMessage) and message.source not in floor.roles:
                floor.heard(message.id)
        return floor.waiting

    return SelectorGroupChat(
        [*members, *([person] if person else [])],
        # The floor always names the next speaker, so this client is never asked.
        model_client=PolicyClient(members[0].core),
        selector_func=lambda thread: floor.next(),
        allow_repeated_speaker=True,
        termination_condition=FunctionalTermination(waits) | MaxMessageTermination(MOST_MESSAGES),
        max_turns=max_turns,
    )
