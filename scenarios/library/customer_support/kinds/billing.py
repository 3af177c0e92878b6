"""Money: refunds, duplicates, failed payments, invoices. What the payment record says decides."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.core.tasks import AnyOf
from scenarios.core.types import Json
from scenarios.library.customer_support import policy
from scenarios.library.customer_support.case import Case
from scenarios.library.customer_support.kinds.kind import Kind
from scenarios.library.customer_support.state import Record

SMALL = (
    9.0,
    12.5,
    15.0,
    19.0,
    24.9,
    29.0,
    35.0,
    39.5,
    45.0,
    49.0,
    55.0,
    59.9,
    64.0,
    72.0,
    79.0,
    85.5,
    99.0,
    110.0,
    129.0,
    149.0,
    165.0,
    189.0,
)
LARGE = (229.0, 249.0, 280.0, 310.0, 349.5, 399.0, 450.0, 520.0, 599.0, 640.0, 780.0, 899.0)
METHODS = ("visa", "mastercard", "bank_debit")


def _payment(case: Case, amount: float, days: int, status: str = "paid", **extra: Json) -> str:
    """Put one payment on record and return its id."""
    key = case.new_id("P")
    refundable = amount if status == "paid" else 0.0
    case.add(
        "payments",
        key,
        amount=amount,
        refundable_amount=refundable,
        **policy.refund_facts(amount, days, status),
        method=case.draws.pick(METHODS),
        failure_reason=extra.pop("failure_reason", None),
        duplicate_of=extra.pop("duplicate_of", None),
    )
    return key


def _further_payments(case: Case, taken: float) -> None:
    """Distractors: other payments of the same customer, of other amounts."""
    for amount in case.draws.sample(
        [a for a in SMALL + LARGE if a != taken], case.dials.distractors
    ):
        _payment(case, amount, case.draws.between(2, 300))


def _check(
    case: Case, intent: str, payment: str, *, by_id: bool = True, evident: bool = False
) -> str:
    """State the need and require that the payment is looked at, narrowed to what the user said about it.

    evident: the records alone show which payment is meant, so nobody has to ask.
    """
    several = case.dials.distractors > 0
    details: tuple[str, ...] = ()
    narrowed: dict[str, AnyOf] = {}
    record: Record = case.tables["payments"][payment]
    if several or case.draws.chance(0.5):
        if by_id and case.draws.chance(0.5):
            details = (case.tell("payment_id", payment, firm=evident),)
            narrowed["payment_id"] = AnyOf((payment,), omittable=True)
        else:
            details = (case.tell("amount", f"{record['amount']:.2f}", firm=evident),)
            narrowed["amount"] = AnyOf((record["amount"],), omittable=True)
    case.request(intent, *details)
    arguments: Mapping[str, Json | AnyOf] = {"customer_id": case.customer_id, **narrowed}
    return case.step("payment", "check_payment", arguments, case.customer())


def _pay_back(case: Case, payment: str, reason: str, check: str) -> None:
    amount = case.tables["payments"][payment]["amount"]
    arguments = {"payment_id": payment, "amount": amount, "reason": reason}
    refund = case.step("refund", "refund", arguments, (check, *case.identity()))
    case.want("payments", payment, status="refunded", refunded_amount=amount, refund_reason=reason)
    case.resolve("solved", (refund,))


def _refund_case(
    case: Case, amounts: tuple[float, ...], days: int, status: str = "paid"
) -> tuple[str, str]:
    case.offer_code()
    amount = case.draws.pick(amounts)
    payment = _payment(case, amount, days, status)
    _further_payments(case, amount)
    return payment, _check(case, "refund", payment)


def refund_in_window(case: Case) -> None:
    payment, check = _refund_case(case, SMALL, case.draws.between(1, policy.REFUND_WINDOW_DAYS - 2))
    _pay_back(case, payment, "customer_request", check)


def refund_too_late(case: Case) -> None:
    days = case.draws.between(policy.REFUND_WINDOW_DAYS + 3, 200)
    _, check = _refund_case(case, SMALL, days)
    case.resolve("declined", (case.mail("refund_declined", (check,)),))


def refund_over_limit(case: Case) -> None:
    _, check = _refund_case(case, LARGE, case.draws.between(1, policy.REFUND_WINDOW_DAYS - 2))
    case.escalate("billing", (check,))


def refunded_before(case: Case) -> None:
    _, check = _refund_case(case, SMALL, case.draws.between(3, 25), "refunded")
    case.resolve("answered", (case.mail("refund_status", (check,)),))


def duplicate_charge(case: Case) -> None:
    case.offer_code()
    amount, days = case.draws.pick(SMALL), case.draws.between(1, 45)
    first = _payment(case, amount, days)
    second = _payment(case, amount, days, duplicate_of=first)
    _further_payments(case, amount)
    check = _check(case, "duplicate", second, by_id=False, evident=True)
    _pay_back(case, second, "duplicate_charge", check)


def no_duplicate(case: Case) -> None:
    case.offer_code()
    one, other = case.draws.sample(SMALL, 2)
    days = case.draws.between(1, 20)
    first = _payment(case, one, days)
    _payment(case, other, days)
    check = _check(case, "duplicate", first, by_id=False, evident=True)
    case.resolve("declined", (case.mail("charge_explained", (check,)),))


def _failed(case: Case, reason: str) -> str:
    amount = case.draws.pick(SMALL)
    payment = _payment(case, amount, case.draws.below(6), "failed", failure_reason=reason)
    _further_payments(case, amount)
    return _check(case, "payment_failed", payment, evident=True)


def card_declined(case: Case) -> None:
    check = _failed(case, case.draws.pick(("card_expired", "card_declined", "insufficient_funds")))
    mail = case.mail("update_card", (check,))
    case.park("waiting_on_customer", (mail,))


def processor_failure(case: Case) -> None:
    check = _failed(case, case.draws.pick(("processor_error", "processor_timeout")))
    case.escalate("billing", (check,))


def _invoice(case: Case, status: str, template: str) -> None:
    amount = case.draws.pick(SMALL + LARGE)
    payment = _payment(case, amount, case.draws.between(0, 90), status)
    _further_payments(case, amount)
    check = _check(case, "invoice", payment)
    case.resolve("answered", (case.mail(template, (check,)),))


def invoice_copy(case: Case) -> None:
    _invoice(case, "paid", "invoice_copy")


def invoice_pending(case: Case) -> None:
    _invoice(case, "pending", "invoice_pending")


KINDS = (
    Kind("refund_in_window", "refund", "billing", refund_in_window, 1.0),
    Kind("refund_too_late", "refund", "billing", refund_too_late, 0.9),
    Kind("refund_over_limit", "refund", "billing", refund_over_limit, 0.6, stays_open=True),
    Kind("refunded_before", "refund", "billing", refunded_before, 0.4),
    Kind("duplicate_charge", "duplicate", "billing", duplicate_charge, 0.9),
    Kind("no_duplicate", "duplicate", "billing", no_duplicate, 0.5),
    Kind("card_declined", "payment_failed", "billing", card_declined, 0.7, stays_open=True),
    Kind("processor_failure", "payment_failed", "billing", processor_failure, 0.5, stays_open=True),
    Kind("invoice_copy", "invoice", "billing", invoice_copy, 0.6),
    Kind("invoice_pending", "invoice", "billing", invoice_pending, 0.3),
)
