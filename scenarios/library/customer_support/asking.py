"""Missing information: one detail is left out of the message, and what depends on it waits for a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scenarios.core.draws import Draws
from scenarios.core.tasks import ASK, Milestone
from scenarios.library.customer_support.request import Names

ASKABLE: Mapping[str, str] = {
    "email": "email",
    "code": "code",
    "payment_id": "payment",
    "amount": "payment",
    "device_id": "device",
    "plan": "plan",
    "scope": "scope",
}
"""Detail of the user's message -> what a step that depends on it names in `uses`."""


@dataclass(slots=True)
class Step:
    """A milestone, and the details of the user's message that its arguments need."""

    milestone: Milestone
    uses: Names


def withhold(
    draws: Draws, told: Sequence[str], steps: dict[str, Step]
) -> tuple[str | None, dict[str, Step]]:
    """Choose the detail that the user forgets (None where nothing can be forgotten) and put the question first.

    A question that no required step waits for is optional: asking was reasonable, but could be done without.
    """
    choices = [detail for detail in told if detail in ASKABLE]
    if not choices:
        return None, steps
    chosen = draws.pick(choices)
    group = ASKABLE[chosen]
    waiting = [
        step
        for step in steps.values()
        if group in step.uses or (group == "payment" and "payment" in step.milestone.after)
    ]
    needed = any(not step.milestone.optional for step in waiting)
    for step in waiting:
        step.milestone = replace(step.milestone, after=("ask", *step.milestone.after))
    asked = {"ask": Step(Milestone("ask", ASK, optional=not needed), ())}
    if group == "payment":
        # Whoever looks at all payments first and then asks may want to see the one again.
        first = steps["payment"].milestone
        again = replace(first, name="payment_again", after=("payment", "ask"), optional=True)
        return chosen, asked | steps | {"payment_again": Step(again, ())}
    return chosen, asked | steps
