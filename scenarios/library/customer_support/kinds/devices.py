"""Devices that went offline: broken, cut off by an outage, or merely in need of the right steps."""

from __future__ import annotations

from scenarios.library.customer_support.case import Case
from scenarios.library.customer_support.kinds.kind import Kind
from scenarios.library.customer_support.knowledge import finds
from scenarios.library.customer_support.names import POOLS
from scenarios.library.customer_support.wording import phrases

OFFLINE_ARTICLE = "KB-120"


def _read_log(case: Case, error: str, hardware: str, service: str) -> tuple[str, str]:
    """State the need and require the device's log. Returns the milestone and the user's phrase."""
    draws = case.draws
    model, device = case.slots["device"], case.new_id("D")
    rows = [(device, model)]
    several = case.dials.distractors > 0 and (case.dials.ask or draws.chance(0.4))
    if several:
        others = [name for name in POOLS[case.split].models if name != model]
        rows.insert(draws.below(2), (case.new_id("D"), draws.pick(others)))
    for key, its_model in rows:
        case.add("devices", key, model=its_model, online=key != device)
    case.add(
        "logs",
        f"{device}/device",
        last_error=error,
        hardware_check=hardware,
        service_status=service,
    )
    phrase = draws.pick(phrases(case.split, "device_offline"))
    told = several or draws.chance(0.5)
    case.request(
        "device_offline", *((case.tell("device_id", device),) if told else ()), phrase=phrase
    )
    before = () if told else (case.lookup(),)
    arguments = {"subject_id": device, "source": "device"}
    return case.step("device_log", "check_logs", arguments, before, uses=("device",)), phrase


def device_steps(case: Case) -> None:
    error = case.draws.pick(("wifi_auth_failed", "no_dhcp_lease", "weak_signal"))
    log, phrase = _read_log(case, error, "passed", "normal")
    search = case.search(phrase, finds(OFFLINE_ARTICLE), (log,))
    case.answer("help_article", (search,), OFFLINE_ARTICLE)


def device_broken(case: Case) -> None:
    log, _ = _read_log(case, case.draws.pick(("sensor_fault", "power_fault")), "failed", "normal")
    case.may_search()
    case.escalate("hardware", (log,))


def service_outage(case: Case) -> None:
    log, _ = _read_log(case, "cloud_unreachable", "passed", "outage")
    case.may_search()
    mail = case.mail("outage_notice", (log,))
    case.park("on_hold", (mail,))


KINDS = (
    Kind("device_steps", "device_offline", "device", device_steps, 0.9, searches=True),
    Kind("device_broken", "device_offline", "device", device_broken, 0.6, stays_open=True),
    Kind("service_outage", "device_offline", "device", service_outage, 0.5, stays_open=True),
)
