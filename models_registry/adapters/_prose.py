"""The words of an answer. What to do is trained, how to say it is not: templates by default, an LLM where there is one.

The decision is made before a word is written and does not change with the words.
"""

from __future__ import annotations

import json
import logging
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scenarios.core.types import Decision, Json, Turn

logger = logging.getLogger(__name__)

INSTRUCTIONS = {
    "final": "The request has been dealt with. Tell the user what was done.",
    "ask": "A detail is missing. Ask the user for it in one short question.",
    "hand_over": "This goes to a colleague. Tell the user so, and why if it is plain from the results.",
}
RULES = (
    "You word one message of an agent. Use only facts from the conversation below; promise nothing that is not in it. "
    "At most three sentences."
)


@dataclass(frozen=True)
class Templates:
    """Text by kind of decision. `{order.state}` stands for a value of a tool's result: the latest one that has it.

    A template whose values are not there is not used; the policy's own phrase is.
    """

    texts: Mapping[str, str]

    def __call__(self, decision: Decision, turns: Sequence[Turn]) -> str:
        template = self.texts.get(decision.kind)
        if template is None:
            return decision.text
        facts = facts_of(turns)
        fields = [name for _, name, _, _ in string.Formatter().parse(template) if name]
        if any(name not in facts for name in fields):
            return decision.text
        for name in fields:
            template = template.replace(f"{{{name}}}", str(facts[name]))
        return template


@dataclass(frozen=True)
class WrittenByLLM:
    """An LLM words the message. ask: prompt -> text (`lambda p: model.invoke(p).text`). Where it fails, otherwise does."""

    ask: Callable[[str], str]
    otherwise: Callable[[Decision, Sequence[Turn]], str] = Templates({})

    def __call__(self, decision: Decision, turns: Sequence[Turn]) -> str:
        talk = "\n".join(_line(turn) for turn in turns)
        prompt = f"{RULES}\n\n{INSTRUCTIONS[decision.kind]}\n\nConversation:\n{talk}\n\nMessage:"
        try:
            text = self.ask(prompt).strip()
        except Exception:
            logger.warning("the LLM could not word the message; a template does", exc_info=True)
            text = ""
        return text or self.otherwise(decision, turns)


def facts_of(turns: Sequence[Turn]) -> dict[str, Json]:
    """Dotted path -> value, from the results of tools that did not fail; later results win."""
    found: dict[str, Json] = {}
    for turn in turns:
        if turn.role == "tool" and not turn.is_error:
            _gather(turn.content, "", found)
    return found


def _gather(value: Any, path: str, found: dict[str, Json]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _gather(inner, f"{path}.{key}" if path else str(key), found)
    elif not isinstance(value, list) and value is not None:
        found[path or "result"] = value


def _line(turn: Turn) -> str:
    if turn.call is not None and turn.role == "assistant":
        return f"agent calls {turn.call.name}({json.dumps(dict(turn.call.arguments))})"
    who = {"user": "user", "assistant": "agent", "tool": "result"}[turn.role]
    text = turn.content if isinstance(turn.content, str) else json.dumps(turn.content)
    return f"{who}: {text[:500]}"
