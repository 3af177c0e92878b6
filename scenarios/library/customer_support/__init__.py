"""Customer support: a help desk with fifteen tools, hidden records and a written policy.

A company sells a planning app, an API and connected devices. Its help desk gets chats and e-mails; the agent reads a
message, looks things up, does what the policy allows, and closes, escalates or parks the ticket. What to do is rarely
in the message alone: whether a locked-out customer needs an unlocked account, a new password or the security team
stands in the sign-in log; whether money goes back stands in the payment record.

**Observation.** The conversation: a header line of the desk (ticket id, chat or e-mail, customer id where known,
verified or not, level of support), the user's words, and JSON results of the tools. Nothing names the kind of request.

**Tools.** `search_kb`, `lookup_user`, `verify_identity`, `check_payment`, `check_logs`, `check_api_docs` look;
`send_reset_link`, `unlock_account`, `refund`, `update_subscription`, `create_api_key`, `update_ticket`, `escalate`,
`send_email`, `close_ticket` change records. They do what they are told; a call that the policy forbids is carried out
and costs the episode. Every argument stands in the message, in an earlier result, or in the schema.

**Kinds of request** (35, in `kinds/`; one wording often stands for several, and only the records tell them apart).

* Access: cannot sign in (locked, password expired, broken into); suspects a stranger (rightly, wrongly).
* Billing: refund (in the window, too late, above the limit, refunded before); charged twice (really, seemingly); failed
  payment (customer's card, our processor); invoice (paid, pending).
* Subscription: cancel (free, within the minimum term); upgrade; downgrade (possible, blocked by usage).
* Developers: API key (included in the plan, not included); failing calls (key expired, rate limit, our failure);
  questions on six chapters of the API docs.
* Devices: offline (needs the right steps, broken, outage).
* Questions that one of 23 help articles answers; the status of an older ticket (on track, overdue).
* Ownership dispute, deletion of personal data, and requests outside the desk, which end with a hand-over.

**Difficulty.** *easy*: one need, 2 to 3 calls, customer known and verified. *medium*: 2 to 5 calls, most customers have
to be looked up and verified, further payments, subscriptions, devices and namesakes on file, one message in five
forgets a detail that the agent must ask for, 8 % of the requests are not the desk's, 5 % tool faults. *hard*: two
needs in one message, mostly 5 to 7 calls, more distractors, 15 % faults, and reads that come back marked `stale`, with wrong
facts, and must be fetched again.

**Success.** The ending fits, every wanted change is on record and nothing else changed, and no rule of the policy was
broken. Asking, checking an offered code or looking a customer up needlessly is not held against the agent once.

**Splits** share neither names, domains, devices, countries nor ranges of ids, nor any phrase: openings, details and
answers were written separately for each split. The help centre and the tools are the same for all.

Version 1: first version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from scenarios.core.scenario import Criteria, Scenario
from scenarios.core.tasks import Task
from scenarios.core.types import Difficulty, Split, Tool
from scenarios.library.customer_support import names, policy, wording
from scenarios.library.customer_support.tasks import make_task
from scenarios.library.customer_support.tools import KEYWORD_RULES, TOOLS
from scenarios.library.customer_support.world import SupportWorld


class CustomerSupport(Scenario):
    """The help desk of a company that sells a planning app, an API and connected devices."""

    key: ClassVar[str] = "customer_support"
    version: ClassVar[str] = "1"
    tools: ClassVar[tuple[Tool, ...]] = TOOLS
    criteria: ClassVar[Criteria] = Criteria(
        tool_reliability=0.95, cost_reduction=0.30, response_seconds=10.0
    )
    max_steps: ClassVar[Mapping[Difficulty, int]] = {"easy": 10, "medium": 14, "hard": 24}
    keyword_rules: ClassVar[Mapping[str, tuple[str, ...]]] = KEYWORD_RULES
    company_policy: ClassVar[str] = policy.COMPANY_POLICY

    def task(self, split: Split, difficulty: Difficulty, seed: int) -> Task:
        return make_task(self.key, split, difficulty, seed)

    def world(self, task: Task, attempt: int = 0) -> SupportWorld:
        return SupportWorld(task, attempt, self.tools, self.fault_rate[task.difficulty])

    def wording(self, split: Split) -> frozenset[str]:
        return wording.every(split)

    def entities(self, split: Split) -> frozenset[str]:
        return names.POOLS[split].every()
