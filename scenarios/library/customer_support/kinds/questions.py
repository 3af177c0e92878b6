"""Questions: how something is done, and what became of an older ticket."""

from __future__ import annotations

from scenarios.library.customer_support.case import Case
from scenarios.library.customer_support.kinds.kind import Kind
from scenarios.library.customer_support.knowledge import finds
from scenarios.library.customer_support.wording import how_to_topics, phrases


def how_to(case: Case) -> None:
    article = case.draws.pick(how_to_topics(case.split))
    phrase = case.draws.pick(phrases(case.split, article))
    case.request("how_to", phrase=phrase)
    search = case.search(phrase, finds(article))
    case.answer("help_article", (search,), article)


def _older_ticket(case: Case, target: str) -> tuple[str, str]:
    """Put the older ticket on record and have the user ask for it. Returns its id and the look-up's name."""
    draws = case.draws
    older = case.new_id("T")
    days = draws.between(6, 20) if target == "missed" else draws.between(1, 3)
    for ticket in draws.shuffled(
        [older, *(case.new_id("T") for _ in range(case.dials.distractors))]
    ):
        if ticket == older:
            case.add("tickets", ticket, status="in_progress", age_days=days, response_target=target)
        else:
            case.add(
                "tickets",
                ticket,
                status="closed",
                age_days=draws.between(30, 300),
                response_target="met",
            )
    case.request("ticket_status", case.tell("older_ticket", older))
    return older, case.lookup()


def ticket_on_track(case: Case) -> None:
    _, lookup = _older_ticket(case, "on_track")
    case.answer("ticket_status", (lookup,))


def ticket_overdue(case: Case) -> None:
    older, lookup = _older_ticket(case, "missed")
    case.answer("ticket_status", (case.escalate("desk_lead", (lookup,), older),))


KINDS = (
    Kind("how_to", "how_to", "question", how_to, 1.6, searches=True),
    Kind("ticket_on_track", "ticket_status", "tickets", ticket_on_track, 0.6, shows_ticket=False),
    Kind("ticket_overdue", "ticket_status", "tickets", ticket_overdue, 0.7, shows_ticket=False),
)
