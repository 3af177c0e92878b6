"""Team support: three desks of a web shop and a written policy.

Customers of a web shop write about orders. Triage reads the message, finds the order, asks where something is missing, and
gives the case to a specialist. The specialist looks things up, does what the policy allows, and gives the case to quality.
Quality reads what was done and what became of it, releases large payments, sends back what a bank has bounced, and closes.

**Observation.** Each desk has its own conversation: triage the customer's words, the others what colleagues tell them,
everyone the results of its own tools. Nothing names what is due.

**Tools.** Triage: `find_orders`, `log_contact`, `assign`. Specialist: `get_order`, `check_stock`, `track_parcel`, `refund`,
`credit`, `replace`, `change_address`, `cancel`, `submit`, `query`. Quality: `review`, `release`, `send_back`. `assign`,
`submit`, `query` and `send_back` hand the case on. A change that the policy forbids is carried out and costs the episode.

**Kinds of request.** Refund (in the window, too late, above the limit, bounced by the bank); damaged item (refund or
replacement, in stock or not; the wish said or to be asked for, which takes the case back to triage); new address and
cancellation (possible, too late); a parcel that is late (lost, moving); messages that are not the shop's to answer.

**Difficulty.** *easy*: the order stands in the message, one order on record, nothing comes back. *medium*: half of the messages
name no order, one in eight names nothing at all, further orders on record, a third of the damaged items without a wish, a
fifth of the refunds bounce and a fifth are above the limit, 5 % tool faults. *hard*: more of each, 15 % faults.

**Success.** All changes that the policy asks for are on record and no other, the right outcome was submitted, and quality has
read it last; for messages that are not the shop's: on record, and handed over.

**Splits** share neither names, domains, items, streets, towns nor numbers, nor any phrase.

Version 1: first version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from scenarios.core import wording
from scenarios.core.tasks import Task
from scenarios.core.team import Role, TeamScenario
from scenarios.core.types import Difficulty, Split, Tool
from scenarios.library.team_support.names import POOLS
from scenarios.library.team_support.tasks import WORDING, make_task
from scenarios.library.team_support.tools import HANDOFFS, POLICY, TOOLS
from scenarios.library.team_support.world import SupportTeamWorld


class TeamSupport(TeamScenario):
    """Triage, specialist and quality of a web shop."""

    key: ClassVar[str] = "team_support"
    version: ClassVar[str] = "1"
    tools: ClassVar[tuple[Tool, ...]] = TOOLS
    roles: ClassVar[tuple[Role, ...]] = (
        Role(
            "triage",
            "Triage",
            "Talks to the customer, finds the order and assigns the case.",
            ("find_orders", "assign", "log_contact"),
            passes_to="specialist",
        ),
        Role(
            "specialist",
            "Specialist",
            "Looks things up and does what the policy allows.",
            (
                "get_order",
                "check_stock",
                "track_parcel",
                "refund",
                "credit",
                "replace",
                "change_address",
                "cancel",
                "submit",
                "query",
            ),
            passes_to="quality",
        ),
        Role(
            "quality",
            "Quality",
            "Reads what was done, releases or sends back, and closes.",
            ("review", "release", "send_back"),
        ),
    )
    handoffs: ClassVar[Mapping[str, tuple[str, ...]]] = HANDOFFS
    company_policy: ClassVar[str] = POLICY
    max_steps: ClassVar[Mapping[Difficulty, int]] = {"easy": 14, "medium": 22, "hard": 28}

    def task(self, split: Split, difficulty: Difficulty, seed: int) -> Task:
        return make_task(self.key, split, difficulty, seed)

    def world(self, task: Task, attempt: int = 0) -> SupportTeamWorld:
        return SupportTeamWorld(task, attempt, self)

    def wording(self, split: Split) -> frozenset[str]:
        return wording.every(WORDING, split) - {""}

    def entities(self, split: Split) -> frozenset[str]:
        return POOLS[split].every()
