"""Writes parcels.jsonl: 150 synthetic conversations of a parcel service's support desk, as an agent's log would hold them.

    python examples/own_traces/make_parcels.py

Nothing in them is real. They have what real logs have: retries after timeouts, numbers that are not found, questions,
two calls in one message, notes that the agent wrote itself, thanks at the end.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
COUNT = 150

TRACK = (
    "Where has {n} got to?", "Could you tell me the whereabouts of my parcel? Its number is {n}.",
    "{n} - when is it going to arrive?", "I'm waiting in for {n}. Any news?",
    "My neighbour says the van has been, but there is nothing here. Tracking {n}.",
    "Has {n} left the depot yet?", "Status of {n} please", "Can you look up {n} for me",
    "It's been four days and I still haven't seen parcel {n}.", "Is {n} out for delivery today?",
    "Please check what is happening with shipment {n}", "The app shows nothing at all for {n}, can you see more?",
    "Hello! A birthday present is on its way to me, {n}. How far is it?", "Did anybody sign for {n}?",
    "What does the system say about {n}?", "I'd like an update on {n}, thanks.",
)  # fmt: skip
MOVE = (
    "Nobody will be home for {n}. Bring it on {d} in the {s} instead.", "Please move {n} to {d}, {s} if possible.",
    "Can I have {n} delivered on {d}? The {s} suits me best.", "We are away this week, so {n} should come on {d}, {s}.",
    "New delivery date for {n}: {d}, in the {s}.", "I missed the courier. Try again on {d} ({s}) with {n}.",
    "Would {d} in the {s} work for {n}?", "Reschedule {n} for the {s} of {d}.",
    "My shift changed: {n} has to arrive {d}, and only the {s} is any good.", "Postpone parcel {n} until {d} please, {s}.",
    "Don't come tomorrow with {n}! Come on {d} in the {s}.", "I can only take {n} in the {s}. Make it {d}.",
    "Another day for {n} would be great, say {d}, {s} hours.", "{n} must not come before {d}. {s} please.",
    "Book the {s} of {d} for my parcel {n}, will you?", "The doctor sees me that day; shift {n} to {d}, to the {s}.",
)  # fmt: skip
SHOP = (
    "Send {n} to a pick-up shop near {p}.", "I'd rather collect {n} myself. My postcode is {p}.",
    "Can {n} go to a parcel shop? I live in {p}.", "Our bell is broken, leave {n} at some shop around {p}.",
    "Which shop in {p} can keep {n} for me? Take the closest one.", "Please redirect {n}; a shop in {p} would be handy.",
    "Drop {n} off where I can fetch it, postcode {p}.", "Instead of my door: nearest collection point to {p} for {n}.",
    "{p} is where I work. Can I pick {n} up there?", "Have {n} held for collection close to {p}",
    "I do not trust the porch. Bring {n} to a shop, {p} area.", "Parcel {n}: change to shop pick-up, zip {p}.",
    "Somewhere I can walk to from {p} would be perfect for collecting {n}.", "Could a kiosk near {p} take in {n}?",
    "No one's at home all week. Shop delivery for {n}, please, {p}.", "Let me fetch {n} at a shop by {p}, any that is open.",
)  # fmt: skip
CLAIM = (
    ("{n} arrived with a crushed corner and the vase inside is broken.", "damaged"),
    ("The box of {n} was soaked, everything in it is ruined.", "damaged"),
    ("My lamp came in pieces, number {n}. I want my money back.", "damaged"),
    ("Somebody drove over {n}, it seems. The contents are smashed.", "damaged"),
    ("Opened {n} just now: the screen has a crack from side to side.", "damaged"),
    ("Look at {n}! Dented all over, and the bottle has leaked.", "damaged"),
    ("It says delivered, but {n} never reached me.", "lost"),
    ("{n} has vanished. Nobody in the house has it.", "lost"),
    ("Your driver took a photo of a door that isn't mine, {n} is gone.", "lost"),
    ("Three weeks without a trace of {n}. I suppose it is lost.", "lost"),
    ("I was at home all day and no parcel {n} was handed over, though you claim it was.", "lost"),
    ("Shipment {n} disappeared between two depots.", "lost"),
    ("You promised {n} for Monday. It came on Friday, and the party was over.", "late"),
    ("{n} took nine days with next-day shipping. I'd like a refund of the fee.", "late"),
    ("Express they said! {n} was a week behind.", "late"),
    ("Because {n} came too late I had to buy the gift twice.", "late"),
    ("The delay with {n} cost me a working day, please put in a complaint.", "late"),
    ("I paid extra for a morning delivery of {n} and got it at night, two days on.", "late"),
)  # fmt: skip
MAIL = (
    "I have lost the number. The parcel is from {c} and my address is {e}. Can it come on {d}, {s}?",
    "Everything I order goes to {e}. Please bring the one {c} sent on {d} in the {s}.",
    "Look under {e}: there should be something from {c}. I want it on {d}, {s}.",
    "My account is {e}. Delay the {c} delivery until {d} ({s}).", "{e} here. Move whatever {c} shipped to the {s} of {d}.",
    "No idea of the tracking code, sorry; {c} is the sender, {e} the mail. {d}, {s} would suit me.",
    "You'll find me as {e}. The order at {c} has to come later: {d}, in the {s}.",
    "The goods from {c}, please, on {d} and in the {s}. I'm registered with {e}.",
    "I ordered at {c} using {e} and need another slot, {s} on {d}.",
    "Two things are coming to {e}. The {c} one should wait until {d}, {s}.",
)  # fmt: skip
VAGUE = (
    "Where is my parcel?", "My delivery hasn't come.", "I need to know when you'll be here.", "Is my package on its way?",
    "Something I ordered should have been here by now.", "Could you look into a delivery for me?",
    "Any idea when the courier comes?", "I'm still waiting for a package!", "Tell me where my stuff is",
    "Has my shipment been sent at all?", "What about my parcel?", "I can't find my tracking page, where's the parcel now?",
)  # fmt: skip
GIVES = (
    "Sure, it's {n}.", "{n}", "The number is {n}", "It says {n} on the slip.", "Hold on... {n}",
    "I think you mean {n}.", "Here you go: {n}", "{n}, as far as I can read it.",
)  # fmt: skip
RIGHTS = ("Sorry, {n} it is.", "My mistake: {n}.", "Then it must be {n}", "I read it wrongly, {n}!")
SENDERS = (
    "Bergmann Books",
    "Alpine Shoes",
    "Kettle And Cup",
    "Nordic Lamps",
    "Paper Moon",
    "Violet Garden",
)
DEPOTS = ("Hall North", "Hall South", "Riverside")
STATES = ("in_transit", "at_depot", "out_for_delivery", "delivered")
STREETS = ("Mill Lane", "Station Road", "Oak Street", "Harbour Walk", "Castle Hill")


def tool(name: str, about: str, **parameters: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": parameters, "required": list(parameters)}
    return {
        "type": "function",
        "function": {"name": name, "description": about, "parameters": schema},
    }


def text(about: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": about, **more}


TOOLS = [
    tool("find_parcel", "Look up a parcel by its tracking number.", tracking_number=text("Such as NX-48213.")),
    tool("list_parcels", "The parcels on their way to a customer.", email=text("The customer's e-mail address.")),
    tool("reschedule_delivery", "Deliver a parcel on another day.", parcel_id=text("The parcel's id."),
         date=text("The new day, YYYY-MM-DD."),
         slot=text("Part of the day.", enum=["morning", "afternoon", "evening"])),
    tool("find_shops", "Parcel shops near a postcode, the nearest first.", postcode=text("Five digits.")),
    tool("redirect_to_shop", "Bring a parcel to a shop, where the customer collects it.",
         parcel_id=text("The parcel's id."), shop_id=text("The shop's id.")),
    tool("open_claim", "File a claim about a parcel.", parcel_id=text("The parcel's id."),
         kind=text("What is wrong.", enum=["damaged", "lost", "late"]),
         note=text("What happened, in a sentence for the claims desk.")),
]  # fmt: skip


class Log:
    """One conversation as it is logged."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.messages: list[dict[str, Any]] = [
            {"role": "system", "content": "You are the support agent of a parcel service."}
        ]
        self.cost = 0.0

    def user(self, said: str) -> None:
        self.messages.append({"role": "user", "content": said})

    def says(self, said: str) -> None:
        self.cost += 0.002
        self.messages.append({"role": "assistant", "content": said})

    def calls(self, *calls: tuple[str, dict[str, Any], Any]) -> None:
        """Calls of one message with their results; one in twelve meets a timeout first."""
        if self.rng.random() < 1 / 12:
            timeout = {"error": "timeout", "message": "the service did not answer in time"}
            self._made([(calls[0][0], calls[0][1], timeout)])
        self._made(list(calls))

    def _made(self, calls: list[tuple[str, dict[str, Any], Any]]) -> None:
        self.cost += 0.003
        made, answers = [], []
        for name, arguments, result in calls:
            id_ = f"call_{self.rng.getrandbits(40):010x}"
            function = {"name": name, "arguments": json.dumps(arguments)}
            made.append({"id": id_, "type": "function", "function": function})
            slow = isinstance(result, dict) and result.get("error") == "timeout"
            seconds = 10.0 if slow else round(self.rng.lognormvariate(-0.9, 0.5), 3)
            content = json.dumps(result)
            answers.append(
                {"role": "tool", "tool_call_id": id_, "content": content, "seconds": seconds}
            )
        self.messages += [{"role": "assistant", "content": None, "tool_calls": made}, *answers]

    def row(self) -> dict[str, Any]:
        return {"messages": self.messages, "cost": round(self.cost, 4)}


class Desk:
    """Draws the world of one conversation: a parcel, its customer, a day."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.number = f"NX-{rng.randrange(10_000, 99_999)}"
        name = rng.choice(("ada", "bruno", "carla", "dmitri", "elena", "farid", "greta", "hugo"))
        self.values = {
            "n": self.number,
            "d": f"2026-{rng.randrange(3, 12):02d}-{rng.randrange(1, 29):02d}",
            "s": rng.choice(("morning", "afternoon", "evening")),
            "p": f"{rng.randrange(10_000, 99_999)}",
            "e": f"{name}.{rng.choice(('k', 'm', 'r', 's'))}{rng.randrange(10, 999)}@mail.example",
            "c": rng.choice(SENDERS),
        }
        self.parcel = self._parcel(self.number, self.values["c"])

    def _parcel(self, number: str, sender: str) -> dict[str, Any]:
        return {
            "parcel_id": f"P{self.rng.randrange(100_000, 999_999)}",
            "tracking_number": number,
            "sender": sender,
            "status": self.rng.choice(STATES),
            "depot": self.rng.choice(DEPOTS),
            "weight_kg": round(self.rng.uniform(0.2, 12), 1),
        }

    def say(self, phrase: str) -> str:
        return phrase.format(**self.values)

    def others(self) -> list[dict[str, Any]]:
        names = self.rng.sample([c for c in SENDERS if c != self.values["c"]], 2)
        return [self._parcel(f"NX-{self.rng.randrange(10_000, 99_999)}", name) for name in names]

    def shops(self) -> list[dict[str, Any]]:
        def shop(at: int) -> dict[str, Any]:
            street = f"{self.rng.choice(STREETS)} {self.rng.randrange(1, 90)}"
            return {
                "shop_id": f"SH-{self.rng.randrange(100, 999)}",
                "address": street,
                "metres": 300 * at + 120,
            }

        return [shop(at) for at in range(3)]


def look_up(log: Log, desk: Desk) -> None:
    """Find the parcel; sometimes the customer has misread the number."""
    if desk.rng.random() < 0.08:
        wrong = f"NX-{desk.rng.randrange(10_000, 99_999)}"
        log.messages[-1]["content"] = log.messages[-1]["content"].replace(desk.number, wrong)
        missing = {"error": "not_found", "message": f"no parcel {wrong}"}
        log.calls(("find_parcel", {"tracking_number": wrong}, missing))
        log.says(f"I cannot find {wrong}. Could you check the number, please?")
        log.user(desk.say(desk.rng.choice(RIGHTS)))
    log.calls(("find_parcel", {"tracking_number": desk.number}, desk.parcel))


def track(log: Log, desk: Desk, phrase: str) -> None:
    log.user(desk.say(phrase))
    look_up(log, desk)
    log.says(f"Your parcel is at {desk.parcel['depot']}: {desk.parcel['status']}.")


def move(log: Log, desk: Desk, phrase: str) -> None:
    log.user(desk.say(phrase))
    if phrase in MAIL:
        found = [*desk.others(), desk.parcel]
        desk.rng.shuffle(found)
        log.calls(("list_parcels", {"email": desk.values["e"]}, {"parcels": found}))
    else:
        look_up(log, desk)
    wanted = {
        "parcel_id": desk.parcel["parcel_id"],
        "date": desk.values["d"],
        "slot": desk.values["s"],
    }
    log.calls(("reschedule_delivery", wanted, {**wanted, "confirmed": True}))
    log.says(f"It will come on {desk.values['d']} in the {desk.values['s']}.")


def collect(log: Log, desk: Desk, phrase: str) -> None:
    log.user(desk.say(phrase))
    shops, area = desk.shops(), {"postcode": desk.values["p"]}
    if desk.rng.random() < 0.5:
        parcel = ("find_parcel", {"tracking_number": desk.number}, desk.parcel)
        log.calls(parcel, ("find_shops", area, {"shops": shops}))
    else:
        look_up(log, desk)
        log.calls(("find_shops", area, {"shops": shops}))
    wanted = {"parcel_id": desk.parcel["parcel_id"], "shop_id": shops[0]["shop_id"]}
    log.calls(("redirect_to_shop", wanted, {**wanted, "ready_from": "tomorrow"}))
    log.says(f"You can collect it at {shops[0]['address']}.")


def claim(log: Log, desk: Desk, pair: tuple[str, str]) -> None:
    log.user(desk.say(pair[0]))
    look_up(log, desk)
    note = f"Customer reports that the parcel from {desk.parcel['sender']} was {pair[1]} on arrival; please review."
    wanted = {"parcel_id": desk.parcel["parcel_id"], "kind": pair[1], "note": note}
    number = f"CL-{desk.rng.randrange(1_000, 9_999)}"
    log.calls(("open_claim", wanted, {"claim": number, "state": "open"}))
    log.says(f"I am sorry about that. Your claim is {number}.")


def vague(log: Log, desk: Desk, phrase: str) -> None:
    log.user(phrase)
    log.says("I can look it up. What is the tracking number?")
    log.user(desk.say(desk.rng.choice(GIVES)))
    look_up(log, desk)
    log.says(f"It is {desk.parcel['status']}, last seen at {desk.parcel['depot']}.")


KINDS: tuple[tuple[Any, tuple[Any, ...]], ...] = (
    (track, TRACK), (move, MOVE), (collect, SHOP), (claim, CLAIM), (move, MAIL), (vague, VAGUE),
)  # fmt: skip


def conversations() -> list[dict[str, Any]]:
    rng = random.Random(11)
    jobs = [(play, phrase) for play, phrases in KINDS for phrase in phrases]
    rng.shuffle(jobs)
    rows = []
    for number in range(COUNT):
        play, phrase = jobs[number % len(jobs)]
        log = Log(rng)
        play(log, Desk(rng), phrase)
        if rng.random() < 0.2:
            log.user(rng.choice(("Thank you!", "Great, thanks.", "Perfect", "Cheers")))
            log.says("You are welcome.")
        rows.append(log.row())
    rows[0]["tools"] = TOOLS  # once is enough
    return rows


if __name__ == "__main__":
    lines = [json.dumps(row, ensure_ascii=False) for row in conversations()]
    (HERE / "parcels.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
