"""The kinds of request, by family: one file each. A kind turns a `Case` into records, milestones and wanted changes."""

from __future__ import annotations

from scenarios.library.customer_support.kinds import (
    access,
    billing,
    developer,
    devices,
    handover,
    questions,
    subscriptions,
)
from scenarios.library.customer_support.kinds.kind import Kind

KINDS: dict[str, Kind] = {
    kind.key: kind
    for room in (access, billing, subscriptions, developer, devices, questions, handover)
    for kind in room.KINDS
}
"""Every kind of request by its key, in a fixed order."""
