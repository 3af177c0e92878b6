"""Developers: keys, failing API calls, questions that the documentation answers."""

from __future__ import annotations

from scenarios.core.types import Json
from scenarios.library.customer_support.case import Case
from scenarios.library.customer_support.kinds.kind import Kind
from scenarios.library.customer_support.tools import SCOPES, TOPICS


def _key(case: Case, scope: str, after: tuple[str, ...], uses: tuple[str, ...] = ()) -> None:
    arguments = {"customer_id": case.customer_id, "scope": scope}
    made = case.step("new_key", "create_api_key", arguments, (*after, *case.identity()), uses=uses)
    case.want("keys", case.customer_id, **{scope: (True,)})
    case.resolve("solved", (made,))


def _key_request(case: Case, access: str) -> tuple[str, str]:
    scope = case.draws.pick(SCOPES)
    case.tables["customers"][case.customer_id]["api_access"] = access
    case.request("api_key", case.tell("scope", scope))
    case.offer_code()
    return scope, case.lookup()


def api_key(case: Case) -> None:
    scope, lookup = _key_request(case, "included")
    _key(case, scope, (lookup,), uses=("scope",))


def api_key_not_included(case: Case) -> None:
    _, lookup = _key_request(case, "not_included")
    case.resolve("declined", (case.mail("api_not_included", (lookup,)),))


def _read_log(
    case: Case, status_code: int, key_status: str, service: str, scope: str = "read"
) -> str:
    """State the need and require the API log, which tells the three causes apart."""
    case.tables["customers"][case.customer_id]["api_access"] = "included"
    case.request("api_error")
    case.offer_code()
    facts: dict[str, Json] = {
        "status_code": status_code,
        "failed_calls": case.draws.between(12, 900),
        "key_status": key_status,
        "key_scope": scope,
        "service_status": service,
    }
    case.add("logs", f"{case.customer_id}/api", **facts)
    arguments = {"subject_id": case.customer_id, "source": "api"}
    return case.step("api_log", "check_logs", arguments, case.customer())


def expired_key(case: Case) -> None:
    scope = case.draws.pick(SCOPES)
    log = _read_log(case, 401, "expired", "normal", scope)
    _key(case, scope, (log,))


def rate_limited(case: Case) -> None:
    log = _read_log(case, 429, "active", "normal", case.draws.pick(SCOPES))
    docs = case.step("docs", "check_api_docs", {"topic": "rate_limits"}, (log,))
    case.answer("api_docs", (docs,))


def server_error(case: Case) -> None:
    code = case.draws.pick((500, 502, 503))
    log = _read_log(case, code, "active", "degraded", case.draws.pick(SCOPES))
    case.escalate("engineering", (log,))


def api_question(case: Case) -> None:
    topic = case.draws.pick(TOPICS)
    case.request(f"api_{topic}")
    docs = case.step("docs", "check_api_docs", {"topic": topic})
    case.answer("api_docs", (docs,))


KINDS = (
    Kind("api_key", "api_key", "developer", api_key, 0.8),
    Kind("api_key_not_included", "api_key", "developer", api_key_not_included, 0.5),
    Kind("expired_key", "api_error", "developer", expired_key, 0.6),
    Kind("rate_limited", "api_error", "developer", rate_limited, 0.6),
    Kind("server_error", "api_error", "developer", server_error, 0.5, stays_open=True),
    Kind("api_question", "api_question", "developer", api_question, 0.8),
)
