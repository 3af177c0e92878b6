"""Requests that the desk must not or cannot serve itself: disputes, deletion of data, everything outside its work."""

from __future__ import annotations

from scenarios.library.customer_support.case import Case
from scenarios.library.customer_support.kinds.kind import Kind
from scenarios.library.customer_support.wording import phrases


def ownership_dispute(case: Case) -> None:
    case.request("ownership_dispute")
    case.escalate("trust", case.customer())
    case.hands_over = True


def data_deletion(case: Case) -> None:
    case.request("data_deletion")
    case.offer_code()
    identity = case.identity()
    case.mail("deletion_received", identity)
    case.escalate("privacy", identity)


def out_of_scope(case: Case) -> None:
    phrase = case.draws.pick(phrases(case.split, "out_of_scope"))
    case.request("out_of_scope", phrase=phrase)
    search = case.search(phrase)
    case.park("handed_over", (search,))
    case.hands_over = True


KINDS = (
    Kind(
        "ownership_dispute",
        "ownership_dispute",
        "trust",
        ownership_dispute,
        0.7,
        True,
        alone=True,
        chat=False,
    ),
    Kind("data_deletion", "data_deletion", "privacy", data_deletion, 0.7, True),
    Kind(
        "out_of_scope",
        "out_of_scope",
        "outside",
        out_of_scope,
        0.0,
        True,
        alone=True,
        shows_ticket=False,
    ),
)
