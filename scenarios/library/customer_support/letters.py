"""Writes the user's messages: greeting, needs, details, passing remarks and sign-off, drawn from the split's wording."""

from __future__ import annotations

from scenarios.core.draws import Draws
from scenarios.core.types import Split
from scenarios.library.customer_support.request import Need, Request
from scenarios.library.customer_support.wording import fragments, phrases, slots


def opening(request: Request, split: Split, draws: Draws) -> str:
    """The helpdesk's header line and the user's first message."""
    parts: list[str] = []
    if draws.chance(0.7):
        parts.append(draws.pick(fragments(split, "greetings")))
    remark = draws.pick(fragments(split, "chatter")) if draws.chance(request.chatter) else None
    if remark and draws.chance(0.5):
        parts.append(remark)
        remark = None
    for place, need in enumerate(request.needs):
        parts += _need(need, request, split, draws, joined=place > 0)
    if remark:
        parts.append(remark)
    if draws.chance(0.6):
        parts.append(draws.pick(fragments(split, "signoffs")))
    return f"{request.header}\n{' '.join(parts).format_map(request.slots)}"


def _need(need: Need, request: Request, split: Split, draws: Draws, *, joined: bool) -> list[str]:
    told = frozenset(need.details)
    phrase = need.phrase or draws.pick(phrases(split, need.intent, told))
    inside = slots(phrase)
    body = [phrase]
    for detail in need.details:
        if detail not in inside:
            sentence = draws.pick(fragments(split, "details", detail))
            body.insert(len(body) if draws.chance(0.75) else 0, sentence)
    return [draws.pick(fragments(split, "joins")), *body] if joined else body


def reply(request: Request, split: Split, draws: Draws) -> str:
    """The answer to a question of the agent: the withheld detail, or that there is nothing to add."""
    if request.withheld is None:
        return draws.pick(fragments(split, "nothing"))
    return draws.pick(fragments(split, "replies", request.withheld)).format_map(request.slots)
