"""Getting in: locked, expired, broken into, or only worried."""

from __future__ import annotations

from scenarios.library.customer_support.case import Case
from scenarios.library.customer_support.kinds.kind import Kind
from scenarios.library.customer_support.names import POOLS


def _read_log(case: Case, intent: str, *, locked: bool, expired: bool, stranger: bool) -> str:
    """State the need, write the sign-in log behind it, and require that it is read."""
    draws, countries = case.draws, POOLS[case.split].countries
    home, away = draws.sample(countries, 2)
    case.request(intent)
    case.offer_code()
    case.tables["customers"][case.customer_id]["account_status"] = "locked" if locked else "active"
    case.add(
        "logs",
        f"{case.customer_id}/sign_in",
        account_status="locked" if locked else "active",
        failed_attempts=draws.between(5, 12) if locked else draws.below(3),
        password_status="expired" if expired else "valid",
        unfamiliar_sign_in=stranger,
        usual_country=home,
        last_country=away if stranger else home,
    )
    arguments = {"subject_id": case.customer_id, "source": "sign_in"}
    return case.step("sign_in_log", "check_logs", arguments, case.customer())


def locked_account(case: Case) -> None:
    log = _read_log(case, "sign_in", locked=True, expired=False, stranger=False)
    unlock = case.step(
        "unlock", "unlock_account", {"customer_id": case.customer_id}, (log, *case.identity())
    )
    case.want("customers", case.customer_id, account_status="active")
    case.resolve("solved", (unlock,))


def expired_password(case: Case) -> None:
    log = _read_log(case, "sign_in", locked=False, expired=True, stranger=False)
    link = case.step("reset", "send_reset_link", {"customer_id": case.customer_id}, (log,))
    case.want("mails", case.customer_id, reset_link=(None,))
    case.resolve("solved", (link,))


def break_in(case: Case) -> None:
    log = _read_log(case, "sign_in", locked=case.draws.chance(0.6), expired=False, stranger=True)
    case.escalate("security", (log,))


def stranger_reported(case: Case) -> None:
    log = _read_log(case, "suspicious", locked=case.draws.chance(0.3), expired=False, stranger=True)
    case.escalate("security", (log,))


def false_alarm(case: Case) -> None:
    log = _read_log(case, "suspicious", locked=False, expired=False, stranger=False)
    case.resolve("answered", (case.mail("sign_in_review", (log,)),))


KINDS = (
    Kind("locked_account", "sign_in", "access", locked_account, 1.0),
    Kind("expired_password", "sign_in", "access", expired_password, 0.8),
    Kind("break_in", "sign_in", "access", break_in, 0.7, stays_open=True, alone=True),
    Kind(
        "stranger_reported",
        "suspicious",
        "access",
        stranger_reported,
        0.6,
        stays_open=True,
        alone=True,
    ),
    Kind("false_alarm", "suspicious", "access", false_alarm, 0.6),
)
