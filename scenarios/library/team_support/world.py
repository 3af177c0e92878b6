"""The shop: its records, what the tools do to them, and what the desks tell each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scenarios.core.tasks import ASK, Task
from scenarios.core.team import TeamScenario, TeamWorld
from scenarios.core.types import Json, ToolCall, ToolResult
from scenarios.core.wording import book
from scenarios.core.world import error
from scenarios.library.team_support.tasks import LIMIT, WORDING, Case, Change, Order, opening
from scenarios.library.team_support.tools import LATENCY, USUAL_LATENCY


class SupportTeamWorld(TeamWorld):
    """One case at the three desks. `changes` is all that was done, right or wrong."""

    def __init__(self, task: Task, attempt: int, scenario: TeamScenario) -> None:
        super().__init__(task, attempt, scenario)
        self.case: Case = task.payload
        self.orders = {o.order_id: o for o in (self.case.order, *self.case.others)}
        self.changes: list[Change] = []
        self.outcome = ""
        self.assigned = ""
        self.read = False
        """Whether quality has read the case since it was submitted or changed last."""
        self.sent_back = False
        self.logged = False
        self._said: list[str] = []

    def opening(self) -> str:
        text = opening(self.task, self.rng)
        self._said.append(text)
        return text

    def reply(self, question: str) -> str:
        if self.role != "triage":
            return "Only triage talks to the customer."
        wanted = next((m.name for m in self.pending() if m.tool == ASK), "")
        says = book(WORDING, self.task.split)
        pools = {"asked": says["order"], "asked_wish": says["wish"][self.case.wish]}
        pool = pools.get(wanted, says["nothing"])
        text: str = pool[int(self.rng.integers(len(pool)))].format(
            order=self.case.order.order_id, email=self.case.email
        )
        self._said.append(text)
        return text

    def message(self, sender: str, receiver: str, call: ToolCall) -> str:
        given = call.arguments
        match call.name:
            case "assign":
                self.assigned = given["order_id"]
                wish = f", wish {given['wish']}" if "wish" in given else ""
                told = "\n".join(self._said)
                return f"topic {given['topic']}, order {given['order_id']}{wish}. The customer wrote:\n{told}"
            case "submit":
                self.outcome, self.read = given["outcome"], False
                return f"order {self.assigned}, outcome {given['outcome']}. Please review."
            case "query":
                return f"please ask the customer: {given['question'].replace('_', ' ')}?"
            case _:
                self.sent_back = True
                return f"not finished: {given['reason'].replace('_', ' ')}."

    def work(self, call: ToolCall) -> ToolResult:
        act: Callable[[Mapping[str, Json]], Json] = getattr(self, f"_{call.name}")
        try:
            content = act(call.arguments)
        except KeyError:
            return error("not_found", "there is no such record")
        return ToolResult(content, seconds=LATENCY.get(call.name, USUAL_LATENCY))

    def goals_hold(self) -> bool:
        """All wanted changes and no other are on record, and quality has read the right outcome last."""
        if self.task.kind == "not_ours":
            return self.logged and not self.changes
        done = sorted(self.changes, key=repr) == sorted(self.case.changes, key=repr)
        return done and self.outcome == self.case.outcome and self.read

    # --- the tools

    def _find_orders(self, given: Mapping[str, Json]) -> Json:
        if given["email"] != self.case.email:
            raise KeyError(given["email"])
        found = sorted(self.orders.values(), key=lambda order: order.order_id)
        return {"orders": [{"order_id": o.order_id, "item": o.item} for o in found]}

    def _log_contact(self, given: Mapping[str, Json]) -> Json:
        self.logged = True
        return {"logged": True}

    def _get_order(self, given: Mapping[str, Json]) -> Json:
        order = self.orders[given["order_id"]]
        shown: dict[str, Json] = {
            "order_id": order.order_id,
            "item": order.item,
            "item_code": order.item_code,
            "price": order.price,
            "shipping": order.shipping,
            "state": order.state,
            "tracking": order.tracking,
        }
        if order.state == "delivered":
            shown |= {"days_since_delivery": order.days, "in_window": order.days <= 30}
        return shown

    def _check_stock(self, given: Mapping[str, Json]) -> Json:
        order = self._by(given, "item_code")
        return {"item_code": order.item_code, "in_stock": order.stock > 0, "count": order.stock}

    def _track_parcel(self, given: Mapping[str, Json]) -> Json:
        order = self._by(given, "tracking")
        return {"tracking": order.tracking, "parcel": order.parcel}

    def _by(self, given: Mapping[str, Json], key: str) -> Order:
        by: dict[str, Order] = {getattr(order, key): order for order in self.orders.values()}
        return by[given[key]]

    def _refund(self, given: Mapping[str, Json]) -> Json:
        return self._change("refund", given, given["amount"])

    def _credit(self, given: Mapping[str, Json]) -> Json:
        return self._change("credit", given, given["amount"])

    def _replace(self, given: Mapping[str, Json]) -> Json:
        return self._change("replace", given)

    def _change_address(self, given: Mapping[str, Json]) -> Json:
        return self._change("address", given, given["address"])

    def _cancel(self, given: Mapping[str, Json]) -> Json:
        return self._change("cancel", given)

    def _release(self, given: Mapping[str, Json]) -> Json:
        return self._change("release", given)

    def _change(self, what: str, given: Mapping[str, Json], value: Any = None) -> Json:
        order = self.orders[given["order_id"]]
        change = (what, order.order_id, value)
        allowed = change in self.case.changes and change not in self.changes
        if what == "credit":
            allowed &= self.sent_back
        if what == "release":
            allowed &= ("refund", order.order_id, order.price) in self.changes
        self.read &= what == "release"
        if not allowed:
            self.breaches.append(f"{what} of {order.order_id}: not what the policy asks for")
        self.changes.append(change)
        return {"booked": what}

    def _review(self, given: Mapping[str, Json]) -> Json:
        order = self.orders[given["order_id"]]
        own = [change for change in self.changes if change[1] == order.order_id]
        self.read = order is self.case.order
        shown: dict[str, Json] = {"order_id": order.order_id, "outcome": self.outcome}
        if not own:
            return shown | {"last_change": "none"}
        what, _, value = own[-1]
        state = "settled"
        if what == "refund" and value > LIMIT:
            state = "waiting for release"
        elif what == "refund" and self.case.bounced:
            state = "bounced"
        return shown | {"last_change": what, "state": state}
