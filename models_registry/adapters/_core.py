"""The neutral core: one decision from a conversation and the tools on offer, the same whatever the framework.

An adapter turns its framework's messages into turns, asks `Core.decide`, and words the answer for its framework.
Everything between (names and schemas of tools, a demanded tool, the step limit, low confidence) is decided here once.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from models_registry.adapters._matching import Offer, match_tools
from models_registry.adapters.base import (
    DEFAULT_MAX_STEPS,
    CallingPolicy,
    Policy,
    load_policy,
    manifest_of,
    stored_tools,
)
from models_registry.policies.conversation import Conversation
from models_registry.policies.toolset import toolset
from scenarios.core.types import Decision, Tool, Turn

NO_TOOLS = "I have no tool for this and hand it over to a person."
MOST_OFFERS = 64
UNSURE = "I am not sure enough about this and hand it over to a person."

Writer = Callable[[Decision, Sequence[Turn]], str]
"""Words the text of a decision that is no call; see `models_registry.adapters._prose`."""


class ToolChoiceError(ValueError):
    """The caller demands a tool call that the policy cannot make; the message says why."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A decision in the framework's names. problems: what the called tool's schema has against the arguments.

    deferred: the policy was not sure enough and something else shall decide; `decision` is what it would have done.
    """

    decision: Decision
    problems: tuple[str, ...] = ()
    deferred: bool = False

    def metadata(self, policy_id: str) -> dict[str, Any]:
        """What a message may carry about the decision behind it."""
        found = {
            "model_name": policy_id,
            "source": "policy",
            "decision": self.decision.kind,
            "confidence": self.decision.confidence,
            "alternatives": [list(pair) for pair in self.decision.alternatives],
        }
        return found | ({"schema_errors": list(self.problems)} if self.problems else {})


@dataclass(frozen=True)
class Core:
    """A policy as every adapter drives it. Holds no conversation, so any number of agents may share one.

    known: the tools that the policy was trained with. max_steps: tool calls in answer to one message of the user, then
    the conversation is handed over. min_confidence: below it a decision is deferred to a fallback, or handed over where
    there is none. write: words the texts. on_reply: sees every decision, from whichever thread it was made in.
    """

    policy: Policy
    policy_id: str = "policy"
    known: tuple[Tool, ...] = ()
    max_steps: int = DEFAULT_MAX_STEPS
    min_confidence: float = 0.0
    write: Writer | None = None
    on_reply: Callable[[Reply], None] | None = None
    _offers: dict[int, Offer] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, source: Policy | Path | str | Core, *, role: str = "", **settings: Any) -> Self:
        """The core of a policy, or of the bundle in a folder (`role`: which member of a team's). Raises `BundleError`."""
        if isinstance(source, cls):
            return replace(source, **settings)
        policy = load_policy(source, role)  # type: ignore[arg-type]  # a core is none of the other three
        return cls(policy, name_of(policy, role), stored_tools(policy), **settings)

    def decide(
        self,
        turns: Sequence[Turn],
        tools: Sequence[Tool],
        choice: Any = None,
        *,
        has_fallback: bool = False,
    ) -> Reply:
        """The next decision. turns and tools: in the framework's names. choice: as OpenAI's `tool_choice`.

        Raises `ToolChoiceError`.
        """
        allowed, must_call = narrowed(tools, choice)
        offer = self._offer(allowed)
        known_turns = [replace(t, call=offer.known(t.call)) if t.call else t for t in turns]
        decision = self._asked(known_turns, offer, must_call=must_call)
        reply = self._limited(decision, offer, known_turns)
        if not must_call and reply.decision.confidence < self.min_confidence:
            reply = replace(reply, deferred=True) if has_fallback else Reply(handed_over(UNSURE))
        if self.write and reply.decision.call is None and not reply.deferred:
            text = self.write(reply.decision, known_turns)
            reply = replace(reply, decision=replace(reply.decision, text=text))
        if self.on_reply:
            self.on_reply(reply)
        return reply

    def fillable(self, turns: Sequence[Turn], tools: Sequence[Tool]) -> list[str]:
        """Names of the tools (the caller's) whose required parameters have a candidate here, and of the other decisions."""
        offer = self._offer(tools)
        conversation = Conversation(toolset(offer.tools))
        conversation.extend([replace(t, call=offer.known(t.call)) if t.call else t for t in turns])
        mask = conversation.observe().mask
        names = [tool.name for tool in offer.real]
        found = [*names, *(view.name for view in conversation.tools.views[len(names) :])]
        return [name for name, allowed in zip(found, mask, strict=True) if allowed]

    def _offer(self, tools: Sequence[Tool]) -> Offer:
        """The tools as the policy knows them; what was found for this very tuple is kept, because it is met again."""
        if not isinstance(tools, tuple):
            return match_tools(tools, self.known)
        kept = self._offers.get(id(tools))
        if kept is None or kept.real is not tools:
            if len(self._offers) >= MOST_OFFERS:
                self._offers.clear()
            kept = self._offers[id(tools)] = match_tools(tools, self.known)
        return kept

    def _limited(self, decision: Decision, offer: Offer, turns: Sequence[Turn]) -> Reply:
        if decision.call is None:
            return Reply(decision)
        if results_since_user(turns) >= self.max_steps:
            text = (
                f"I have not managed this in {self.max_steps} steps and hand it over to a person."
            )
            return Reply(handed_over(text))
        call, problems = offer.runnable(decision.call)
        confidence = 0.0 if problems else decision.confidence
        return Reply(replace(decision, call=call, text="", confidence=confidence), problems)

    def _asked(self, turns: Sequence[Turn], offer: Offer, *, must_call: bool) -> Decision:
        tools = offer.tools
        decision = self.policy.act(turns, tools)
        if decision.call is not None and not tools:
            return handed_over(NO_TOOLS)
        if must_call and decision.call is None:
            if isinstance(self.policy, CallingPolicy):
                decision = self.policy.call(turns, tools)
            if decision.call is None:
                raise ToolChoiceError(
                    "a tool call is demanded (tool_choice), but the policy has no values for the "
                    f"parameters of {', '.join(tool.name for tool in tools)}"
                )
        return decision


def name_of(policy: Policy, role: str = "") -> str:
    """A short name that tells versions apart: scenario, role, and the start of the bundle's hash."""
    manifest: Mapping[str, Any] = manifest_of(policy)
    parts = (manifest.get("scenario", "policy"), role, str(manifest.get("sha256", ""))[:8])
    return "-".join(part for part in parts if part)


def handed_over(text: str) -> Decision:
    """The decision to pass the conversation to a person, made for want of a better one."""
    return Decision("hand_over", text=text, confidence=0.0)


def results_since_user(turns: Sequence[Turn]) -> int:
    """How many tool results follow the user's last message."""
    count = 0
    for turn in reversed(turns):
        if turn.role == "user":
            break
        count += turn.role == "tool"
    return count


def narrowed(tools: Sequence[Tool], choice: Any) -> tuple[Sequence[Tool], bool]:
    """The tools that `tool_choice` leaves, and whether one of them must be called. Raises `ToolChoiceError`."""
    if isinstance(choice, dict):
        choice = choice.get("function", choice).get("name", choice.get("type"))
    if choice in (None, False, "auto"):
        return tools, False
    if choice == "none":
        return [], False
    if not tools:
        raise ToolChoiceError(f"tool_choice is {choice!r}, but no tools are offered")
    if choice in (True, "any", "required"):
        return tools, True
    if named := [tool for tool in tools if tool.name == choice]:
        return named, True
    names = ", ".join(tool.name for tool in tools)
    raise ToolChoiceError(
        f"tool_choice is {choice!r}; it must be auto, none, any or one of: {names}"
    )


def call_id() -> str:
    """A fresh id for a tool call."""
    return f"call_{uuid.uuid4().hex[:12]}"
